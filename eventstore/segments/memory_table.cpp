// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/memory_table.hpp"

#include "domain/base/check.hpp"

#include <algorithm>
#include <limits>

namespace fasti::segments {
namespace {

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

void memory_table::add(const index_entry& entry) {
    const std::size_t fresh = entries_.size();
    check(fresh < std::numeric_limits<std::uint32_t>::max() - 1,
          "a segment holds fewer keys than 32 bits count");
    const auto held = newest_.exchange(entry.hash, keyed(entry.hash),
                                       static_cast<std::uint32_t>(fresh));
    entries_.add() = {entry.hash, entry.at, held.has_value() ? *held + 1 : 0};
}

std::uint32_t memory_table::newest(std::uint64_t hash) const noexcept {
    const auto found = newest_.find(hash, keyed(hash));
    return found.has_value() ? *found + 1 : 0;
}

entry_digest memory_table::digest(position through) const noexcept {
    entry_digest digest;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const chained& entry = entries_[i];
        if (entry.at <= through) {
            digest.add({entry.hash, entry.at});
        }
    }
    return digest;
}

void memory_table::copy(std::size_t from, std::size_t to, std::vector<index_entry>& out) const {
    out.clear();
    out.reserve(to - from);
    for (std::size_t i = from; i < to; ++i) {
        out.push_back({entries_[i].hash, entries_[i].at});
    }
}

std::vector<index_entry> memory_table::sorted() const {
    std::vector<index_entry> out;
    copy(0, entries_.size(), out);
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace fasti::segments
