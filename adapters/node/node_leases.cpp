// SPDX-License-Identifier: Apache-2.0
//! The node's side of leases: what events mean for them, and what lapses become.
#include "adapters/node/node.hpp"

#include <utility>

namespace fasti {
namespace {

constexpr std::size_t own_commands_per_request = 512;

} // namespace

void node::instance_granted(std::uint32_t slot, std::uint32_t lease_ms, std::uint64_t generation) {
    if (lease_ms == 0) {
        leases_.remove(slot);
        return;
    }
    leases_.grant(slot, lease_ms, generation, time_.monotonic_us());
}

void node::instance_expired(std::uint32_t slot, [[maybe_unused]] instant recorded,
                            [[maybe_unused]] std::uint64_t version) {
    leases_.mark_expired(slot, time_.monotonic_us() + options_.reap_ms * 1000);
}

void node::instance_removed(std::uint32_t slot) {
    leases_.remove(slot);
    ++age_of(slot);
}

void node::guard_raised(instant until) {
    guard_until_ = until;
    leases_.hold(true, time_.monotonic_us());
}

void node::guard_lifted() {
    guard_until_.reset();
    leases_.hold(false, time_.monotonic_us());
}

} // namespace fasti
