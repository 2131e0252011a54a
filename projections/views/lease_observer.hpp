// SPDX-License-Identifier: Apache-2.0
//! What the table of leases is told while events are folded: it is keyed by the registry view's
//! slots, which stay with an instance until instance_removed() and may be given to another after.
#pragma once

#include "domain/base/instant.hpp"

#include <cstdint>

namespace fasti {

class lease_observer {
public:
    lease_observer() = default;
    lease_observer(const lease_observer&) = delete;
    lease_observer& operator=(const lease_observer&) = delete;
    virtual ~lease_observer() = default;

    //! Registered or updated. lease_ms 0: it has none (any more). The generation is the stream
    //! version of the event: an expiry that names an older one is void.
    virtual void instance_granted(std::uint32_t slot, std::uint32_t lease_ms,
                                  std::uint64_t generation) = 0;
    //! Its lease lapsed, which was recorded then; the version is that of the expiry in its stream.
    virtual void instance_expired(std::uint32_t slot, instant recorded, std::uint64_t version) = 0;
    //! Deregistered or reaped: the slot is free.
    virtual void instance_removed(std::uint32_t slot) = 0;
    virtual void guard_raised(instant until) = 0;
    virtual void guard_lifted() = 0;
};

} // namespace fasti
