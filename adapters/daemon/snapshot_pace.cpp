// SPDX-License-Identifier: Apache-2.0
#include "adapters/daemon/snapshot_pace.hpp"

#include <algorithm>

namespace fasti {
namespace {

//! A snapshot costs time in proportion to its bytes; as many events as that is worth lie between two,
//! so that a large state does not keep a core busy with copies of itself.
constexpr std::uint64_t bytes_per_event = 200;
//! Under a load that brings these events in no time, copying may still take a tenth of the time of a core,
constexpr std::int64_t rests_for_each_us = 9;
//! unless this many times the distance came meanwhile: what a start has to fold stays bounded.
constexpr std::uint64_t distances_at_most = 4;

} // namespace

bool snapshot_pace::due(position head, std::int64_t now_us) const noexcept {
    return wanted(head) &&
           (now_us >= rests_until_us_ || (head - at_) / distances_at_most >= distance_);
}

void snapshot_pace::taken(position at, std::uint64_t bytes, const span& during) noexcept {
    at_ = at;
    distance_ = std::max(every_events_, bytes / bytes_per_event);
    rest_after(during);
}

void snapshot_pace::failed(position head, const span& during) noexcept {
    at_ = head;
    rest_after(during);
}

void snapshot_pace::rest_after(const span& work) noexcept {
    rests_until_us_ = work.ended_us + (work.ended_us - work.begun_us) * rests_for_each_us;
}

} // namespace fasti
