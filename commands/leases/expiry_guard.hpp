// SPDX-License-Identifier: Apache-2.0
//! When to believe that instances died: not when a large share of all leases lapses at once, which
//! is what a network fault or a paused server looks like. Pure; says only when to raise the guard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace fasti {

struct expiry_guard_options {
    std::uint32_t ratio_percent = 30; //!< of all leases; above 100: never raised
    std::uint32_t lapsed_min = 20;    //!< fewer are believed whatever their share
    std::uint32_t window_ms = 10'000;
    std::uint32_t hold_ms = 300'000; //!< how long the guard holds if nobody lifts it
};

class expiry_guard_policy {
public:
    explicit expiry_guard_policy(const expiry_guard_options& options) : options_(options) {}

    //! What speaks for raising it.
    struct evidence {
        bool raise = false;
        std::uint64_t lapsed = 0; //!< within the window
        std::uint64_t leases = 0; //!< at the window's beginning: those left plus those lapsed
    };

    //! `lapsed` more leases lapsed now; `leases` are left, the lapsed ones not counted.
    evidence on_lapsed(std::size_t lapsed, std::size_t leases, std::int64_t now_us);
    //! The guard was raised or lifted: what was counted is forgotten.
    void reset();

    const expiry_guard_options& options() const noexcept { return options_; }

private:
    struct count {
        std::int64_t at_us;
        std::uint64_t lapsed;
    };
    const expiry_guard_options options_;
    std::deque<count> counts_;
    std::uint64_t sum_ = 0;
};

} // namespace fasti
