// SPDX-License-Identifier: Apache-2.0
//! What the pipeline needs from outside besides the ledger: the time and fresh identifiers.
//! Adapters implement them on real clocks; tests and the simulation on seeded ones.
#pragma once

#include "domain/base/ids.hpp"
#include "domain/base/instant.hpp"

namespace fasti {

class clock {
public:
    clock() = default;
    clock(const clock&) = delete;
    clock& operator=(const clock&) = delete;
    virtual ~clock() = default;

    //! Wall time; may jump either way. The pipeline records a time that never decreases.
    //! Thread: any.
    virtual instant now() = 0;
    //! Microseconds since an unknown moment; never decreases. For leases and waits. Thread: any.
    virtual std::int64_t monotonic_us() = 0;
};

class id_source {
public:
    id_source() = default;
    id_source(const id_source&) = delete;
    id_source& operator=(const id_source&) = delete;
    virtual ~id_source() = default;

    //! 128 bits never handed out before. Thread: the sequencer's.
    virtual id128 next() = 0;
};

} // namespace fasti
