// SPDX-License-Identifier: Apache-2.0
//! The guard against mass expiry as a node keeps it: when to ask for it, when for its end, and whether
//! lapsed leases are held meanwhile. It only asks: whether a guard is up is what the log says.
//! Thread: the I/O thread. Source: docs/decisions/0006_lease_bounds.md
#pragma once

#include "commands/leases/expiry_guard.hpp"
#include "commands/ports/ports.hpp"
#include "domain/base/instant.hpp"
#include "domain/wire/commands.gen.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fasti {

class lease_guard {
public:
    explicit lease_guard(const expiry_guard_options& options) : policy_(options) {}

    //! Whether lapsed leases are held: a guard is up or called for.
    bool holds() const noexcept { return until_.has_value() || wanted_.has_value(); }

    //! `lapsed` more leases lapsed; `left` are left, the lapsed ones not counted.
    void on_lapsed(std::size_t lapsed, std::size_t left, std::int64_t heard_us);

    struct request {
        command what;
        std::string_view reason;
    };
    //! The command to submit now, if one is due; none follows until it is settled.
    std::optional<request> next_request(std::int64_t heard_us, clock& time);
    //! It was answered, or could not be submitted: what is still wanted is asked for again.
    void settled() noexcept { asked_ = false; }

    //! The log says so.
    void raised(instant until, clock& time);
    void lifted();

private:
    request raising(clock& time);
    request ending(clock& time) const;

    expiry_guard_policy policy_;
    std::optional<instant> until_;                        // as the log says
    std::int64_t end_us_ = 0;                             // monotonic
    std::optional<expiry_guard_policy::evidence> wanted_; // for raising it, not yet done
    std::int64_t again_us_ = 0;                           // monotonic; when to ask again
    bool asked_ = false; // a command to raise or end it is under way
};

} // namespace fasti
