// SPDX-License-Identifier: Apache-2.0
//! What clients were promised about leases, and what that forbids the server: to expire one that
//! renewed in time, to keep one that did not beyond the stated bound.
//! Time is time that servers were up. Source: docs/decisions/0006_lease_bounds.md
#pragma once

#include "eventstore/port/ledger.hpp"
#include "projections/engine/view_set.hpp"
#include "tests/sim/core/verdict.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace fasti::sim {

class lease_book {
public:
    explicit lease_book(verdict& said) : said_(said) {}

    //! What gave the lease: an event outlasts what a renewal said only in memory.
    enum class by { event, renewal };
    //! A client was told that its lease is good for so long from now.
    void promised(std::string_view stream, std::int64_t lease_ms, by what, std::int64_t up_us);
    //! Something that may renew it is under way or done.
    void touched(std::string_view stream, std::int64_t up_us) {
        of(stream).touched_us = up_us - deaf_us_;
    }

    //! Operations with such ids are renewals outside the pipeline.
    static constexpr std::uint64_t renewal_ids = std::uint64_t{1} << 63U;
    //! An operation that may renew it was sent while it was live: it must not lapse meanwhile.
    void sent(std::string_view stream, std::uint64_t operation, std::int64_t up_us);
    void answered(std::string_view stream, std::uint64_t operation) {
        of(stream).under_way.erase(operation);
    }

    //! An event about the instance reached the views: earlier promises are over.
    void on_event(const recorded_event& event, std::int64_t up_us);
    //! The server is about to expire it.
    void on_expiry(std::string_view stream, std::int64_t up_us);

    //! A new start. What renewals promised after the checkpoint it found is void, not what events
    //! did; with another checkpoint than the last one that was kept all leases may have started anew.
    struct start {
        std::int64_t up_us = 0;
        bool found_last_checkpoint = false;
        std::int64_t checkpoint_us = 0; //!< when that was kept
    };
    void on_start(const start& how);

    struct deadline {
        std::string stream;
        std::int64_t at_us;
    };
    //! The first promise to end after this moment.
    std::optional<deadline> next_deadline(std::int64_t up_us) const;

    //! Time passes while the server is up and does not run: it makes nobody's stay too long.
    void nothing_ran(std::int64_t us) { deaf_us_ += us; }

    //! When nothing waits: no lease may be live for longer than its bound.
    void check_dead(const view_set& views, std::int64_t up_us);

private:
    struct entry {
        std::int64_t promised_us = 0; //!< until when; 0: nothing
        std::int64_t given_us = 0;    //!< when that was said
        std::int64_t granted_us = 0;  //!< until when by its last event alone; 0: nothing
        std::int64_t touched_us = 0;  //!< less what passed while nothing ran, as those below
        bool restarted = false;       //!< since the promise
        std::set<std::uint64_t> under_way;
    };
    entry& of(std::string_view stream);

    verdict& said_;
    std::map<std::string, entry, std::less<>> entries_;
    std::int64_t guard_since_us_ = -1; //!< since when, or since the last start; -1: none is up
    std::int64_t guard_over_us_ = 0;
    std::int64_t deaf_us_ = 0;
    std::int64_t anew_us_ = 0; //!< all leases may have started anew then
};

} // namespace fasti::sim
