// SPDX-License-Identifier: Apache-2.0
//! What outlives a server: disk, clocks, chance, and the fault that was planted.
#pragma once

#include "tests/support/disk/sim_disk.hpp"
#include "tests/support/fake_time.hpp"

#include <cstdint>
#include <optional>
#include <random>
#include <string_view>

namespace fasti::sim {

//! Mistakes made on purpose, outside the code under test, to show that the checks notice.
enum class planted : std::uint8_t {
    nothing,
    answer_before_sync,
    directory_sync_left_out,
    tail_not_zeroed,
    receipt_forgotten,
    view_above_mark,
    reader_steps_over,
    expiry_ignores_renewal,
    expiry_before_reading,
    snapshot_at_wrong_position,
};

std::string_view to_name(planted what) noexcept;
std::optional<planted> planted_from_name(std::string_view name) noexcept;

struct machine {
    machine(std::uint64_t seed, planted what) : random(seed), fault(what) {}

    std::uint64_t pick(std::uint64_t least, std::uint64_t most) {
        return least + random() % (most - least + 1);
    }
    bool one_in(std::uint64_t n) { return random() % n == 0; }

    //! Time passes; it counts for leases while a server is up.
    void pass_us(std::int64_t us, bool up) {
        time.wall.us += us;
        time.monotonic += us;
        up_us += up ? us : 0;
    }

    sim_disk disk;
    fake_clock time;
    fake_ids ids;
    std::mt19937_64 random;
    const planted fault;
    std::int64_t up_us = 0; //!< how long servers were up, all in all
};

} // namespace fasti::sim
