// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/stream_heads.hpp"

#include <utility>

namespace fasti::segments {
namespace {

constexpr std::size_t slots_at_first = 1024;

} // namespace

stream_heads::stream_heads(std::size_t names_max) : names_max_(names_max) {}

std::size_t stream_heads::generation::place(std::uint64_t hash, std::string_view stream) const {
    const std::size_t mask = slots.size() - 1;
    std::size_t at = static_cast<std::size_t>(hash) & mask;
    for (;; at = (at + 1) & mask) {
        const slot& held = slots[at];
        if (held.name_size == 0 ||
            (held.hash == hash &&
             std::string_view{names}.substr(held.name_at, held.name_size) == stream)) {
            return at;
        }
    }
}

stream_heads::slot* stream_heads::generation::find(std::uint64_t hash, std::string_view stream) {
    if (slots.empty()) {
        return nullptr;
    }
    slot& held = slots[place(hash, stream)];
    return held.name_size == 0 ? nullptr : &held;
}

void stream_heads::generation::grow() {
    std::vector<slot> old(slots.empty() ? slots_at_first : slots.size() * 2);
    old.swap(slots);
    for (const slot& held : old) {
        if (held.name_size != 0) {
            slots[place(held.hash, std::string_view{names}.substr(held.name_at, held.name_size))] =
                held;
        }
    }
}

stream_heads::slot* stream_heads::generation::insert(std::uint64_t hash, std::string_view stream,
                                                     std::uint64_t version) {
    if ((used + 1) * 2 > slots.size()) {
        grow();
    }
    slot& free = slots[place(hash, stream)];
    free = {hash, version, static_cast<std::uint32_t>(names.size()),
            static_cast<std::uint32_t>(stream.size())};
    names += stream;
    ++used;
    return &free;
}

void stream_heads::prefetch(std::uint64_t hash) const noexcept {
    for (const generation* const each : {&now_, &before_}) {
        if (!each->slots.empty()) {
            __builtin_prefetch(
                &each->slots[static_cast<std::size_t>(hash) & (each->slots.size() - 1)]);
        }
    }
}

std::uint64_t* stream_heads::find(std::uint64_t hash, std::string_view stream) {
    if (slot* const held = now_.find(hash, stream)) {
        return &held->version;
    }
    if (const slot* const held = before_.find(hash, stream)) {
        return insert(hash, stream, held->version);
    }
    return nullptr;
}

std::uint64_t* stream_heads::insert(std::uint64_t hash, std::string_view stream,
                                    std::uint64_t version) {
    if (now_.used >= names_max_) {
        before_ = std::exchange(now_, generation{});
    }
    return &now_.insert(hash, stream, version)->version;
}

} // namespace fasti::segments
