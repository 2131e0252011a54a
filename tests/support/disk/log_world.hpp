// SPDX-License-Identifier: Apache-2.0
//! A log on a simulated disk beside its oracle, through appends, faults, restarts and crashes.
//! What is acknowledged must be there for ever; what was not may be there whole or not at all.
#pragma once

#include "eventstore/memory/memory_ledger.hpp"
#include "eventstore/segments/segment_ledger.hpp"
#include "tests/support/disk/sim_disk.hpp"
#include "tests/support/random_batches.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace fasti::sim {

//! What a history must contain, so that a test of chance does not pass by doing nothing.
struct world_counts {
    std::uint64_t acknowledged = 0;
    std::uint64_t unknown_kept = 0; //!< appends without an answer that turned out to be there
    std::uint64_t unknown_lost = 0;
    std::uint64_t crashes = 0;
    std::uint64_t full = 0;
    std::uint64_t tails_cut = 0;
};

class log_world {
public:
    explicit log_world(std::uint64_t seed, omission planted = omission::nothing);

    //! Runs until `appends` batches were acknowledged. Returns what went wrong, or nothing.
    std::string run(std::uint64_t appends);
    const world_counts& counts() const noexcept { return counts_; }

private:
    std::string step();
    std::string crash_now();
    std::string after_failure(const error& failure);
    std::string open_again();
    std::string settle_unknown();
    std::string compare() const;
    void background();
    void choose_fault();

    random_batches choose_;
    sim_disk disk_;
    segment_options options_;
    memory_ledger oracle_;
    std::unique_ptr<segment_ledger> log_;
    append_batch unknown_{}; //!< empty: the outcome of every append is known
    world_counts counts_;
};

} // namespace fasti::sim
