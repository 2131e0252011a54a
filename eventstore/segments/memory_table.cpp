// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/memory_table.hpp"

#include "domain/base/check.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace fasti::segments {
namespace {

constexpr std::size_t slots_at_first = 4096;

//! Spreads a number over all 64 bits; different numbers stay different.
constexpr std::uint64_t mix(std::uint64_t value) noexcept {
    value ^= value >> 30U;
    value *= 0xbf58476d1ce4e5b9U;
    value ^= value >> 27U;
    value *= 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

constexpr std::uint64_t receipt_kind = 0x9e3779b97f4a7c15U;
constexpr std::uint64_t claim_kind = 0xd1b54a32d192ed03U;

} // namespace

std::uint64_t stream_key(std::string_view stream) noexcept { return hash64(stream); }

std::uint64_t receipt_key(std::string_view scope, std::string_view key) noexcept {
    return mix(hash64(scope) + receipt_kind) ^ hash64(key);
}

std::uint64_t claim_key(std::string_view name) noexcept { return mix(hash64(name) + claim_kind); }

void entry_digest::add(const index_entry& entry) noexcept {
    ++count;
    sum += mix(entry.hash + mix(entry.at));
}

memory_table::memory_table(std::size_t keys)
    : slots_(std::bit_ceil(std::max(slots_at_first, 2 * keys))) {
    entries_.reserve(keys);
}

std::size_t memory_table::slot_of(std::uint64_t hash) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    const auto tag = static_cast<std::uint32_t>(hash >> 32U);
    std::size_t at = static_cast<std::size_t>(hash) & mask;
    while (slots_[at].handle != 0 &&
           (slots_[at].tag != tag || entries_[slots_[at].handle - 1].hash != hash)) {
        at = (at + 1) & mask;
    }
    return at;
}

void memory_table::grow() {
    std::vector<slot> before(slots_.size() * 2);
    before.swap(slots_);
    for (const slot& held : before) {
        if (held.handle != 0) {
            slots_[slot_of(entries_[held.handle - 1].hash)] = held;
        }
    }
}

void memory_table::add(const index_entry& entry) {
    check(entries_.size() < std::numeric_limits<std::uint32_t>::max() - 1,
          "a segment holds fewer keys than 32 bits count");
    slot& held = slots_[slot_of(entry.hash)];
    const bool fresh = held.handle == 0;
    entries_.push_back({entry.hash, entry.at, held.handle});
    held = {static_cast<std::uint32_t>(entry.hash >> 32U),
            static_cast<std::uint32_t>(entries_.size())};
    if (fresh && ++keys_ * 2 > slots_.size()) {
        grow();
    }
}

std::uint32_t memory_table::newest(std::uint64_t hash) const noexcept {
    return slots_[slot_of(hash)].handle;
}

entry_digest memory_table::digest(position through) const noexcept {
    entry_digest digest;
    for (const chained& entry : entries_) {
        if (entry.at <= through) {
            digest.add({entry.hash, entry.at});
        }
    }
    return digest;
}

std::vector<index_entry> memory_table::sorted() const {
    std::vector<index_entry> out;
    out.reserve(entries_.size());
    for (const chained& entry : entries_) {
        out.push_back({entry.hash, entry.at});
    }
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace fasti::segments
