// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/stream_heads.hpp"

#include <utility>

namespace fasti::segments {

stream_heads::stream_heads(std::size_t names_max) : names_max_(names_max) {}

std::uint64_t* stream_heads::generation::find(std::uint64_t hash, std::string_view stream) {
    const auto found = index.find(hash,
                                  [&](std::uint32_t slot) { return heads[slot].stream == stream; });
    return found.has_value() ? &heads[*found].version : nullptr;
}

std::uint64_t* stream_heads::generation::insert(std::uint64_t hash, std::string_view stream,
                                                std::uint64_t version) {
    index.insert(hash, static_cast<std::uint32_t>(heads.size()));
    head& fresh = heads.add();
    fresh = {names.keep(stream), version};
    return &fresh.version;
}

void stream_heads::prefetch(std::uint64_t hash) const noexcept {
    now_.index.prefetch(hash);
    before_.index.prefetch(hash);
}

std::uint64_t* stream_heads::find(std::uint64_t hash, std::string_view stream) {
    if (std::uint64_t* const held = now_.find(hash, stream)) {
        return held;
    }
    if (const std::uint64_t* const held = before_.find(hash, stream)) {
        return insert(hash, stream, *held);
    }
    return nullptr;
}

std::uint64_t* stream_heads::insert(std::uint64_t hash, std::string_view stream,
                                    std::uint64_t version) {
    if (now_.heads.size() >= names_max_) {
        before_ = std::exchange(now_, generation{});
    }
    return now_.insert(hash, stream, version);
}

} // namespace fasti::segments
