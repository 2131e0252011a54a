// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/core/lease_book.hpp"

#include "tests/sim/core/server.hpp"

#include <algorithm>

namespace fasti::sim {
namespace {

//! Ticks and commits come in steps; an expiry that could not be written is tried again in a second.
constexpr std::int64_t slack_us = 1'500'000;

} // namespace

lease_book::entry& lease_book::of(std::string_view stream) {
    const auto found = entries_.find(stream);
    return found != entries_.end() ? found->second : entries_[std::string{stream}];
}

void lease_book::promised(std::string_view stream, std::int64_t lease_ms, by what,
                          std::int64_t up_us) {
    entry& one = of(stream);
    one.promised_us = up_us + lease_ms * 1000;
    if (what == by::event) {
        one.granted_us = one.promised_us;
    }
    one.given_us = up_us;
    one.touched_us = up_us - deaf_us_;
    one.restarted = false;
}

void lease_book::sent(std::string_view stream, std::uint64_t operation, std::int64_t up_us) {
    entry& one = of(stream);
    if (one.promised_us > up_us) {
        one.under_way.insert(operation);
    }
}

void lease_book::on_event(const recorded_event& event, std::int64_t up_us) {
    if (event.fact.type == "expiry_guard_raised") {
        guard_since_us_ = up_us - deaf_us_;
    } else if (event.fact.type == "expiry_guard_lifted") {
        guard_since_us_ = -1;
        guard_over_us_ = up_us - deaf_us_;
    }
    entry& one = of(event.fact.stream);
    one.under_way.clear();
    if (event.fact.type == "instance_registered" || event.fact.type == "instance_updated" ||
        event.fact.type == "instance_expired" || event.fact.type == "instance_deregistered" ||
        event.fact.type == "instance_reaped") {
        one.promised_us = 0;
        one.granted_us = 0;
    }
    one.touched_us = up_us - deaf_us_;
}

void lease_book::on_expiry(std::string_view stream, std::int64_t up_us) {
    const entry& one = of(stream);
    if (!one.under_way.empty()) {
        const std::uint64_t id = *one.under_way.begin();
        said_.fail("The server expires " + std::string{stream} + " while " +
                   (id < renewal_ids ? "op-" + std::to_string(id)
                                     : "renewal " + std::to_string(id - renewal_ids)) +
                   ", sent in time, is under way.");
    }
    if (one.promised_us > up_us) {
        said_.fail("The server expires " + std::string{stream} + " " +
                   std::to_string((one.promised_us - up_us) / 1000) +
                   " ms before the deadline it promised.");
    }
}

void lease_book::on_start(const start& how) {
    for (auto& [stream, one] : entries_) {
        // At the very microsecond of the checkpoint it may have been said before it or after.
        const bool covered = how.found_last_checkpoint && one.given_us < how.checkpoint_us;
        if (one.restarted) {
            one.promised_us = 0;
            one.granted_us = 0;
        } else if (!covered) {
            one.promised_us = one.granted_us;
        }
        one.restarted = true;
        one.under_way.clear();
    }
    if (!how.found_last_checkpoint) {
        anew_us_ = how.up_us - deaf_us_;
    }
    if (guard_since_us_ >= 0) {
        guard_since_us_ = how.up_us - deaf_us_;
    }
}

std::optional<lease_book::deadline> lease_book::next_deadline(std::int64_t up_us) const {
    std::optional<deadline> found;
    for (const auto& [stream, one] : entries_) {
        if (one.promised_us > up_us && (!found.has_value() || one.promised_us < found->at_us)) {
            found = {stream, one.promised_us};
        }
    }
    return found;
}

void lease_book::check_dead(const view_set& views, std::int64_t up_us) {
    const std::int64_t ran_us = up_us - deaf_us_;
    if (views.registry().guard_until().has_value()) {
        if (guard_since_us_ >= 0 &&
            ran_us - guard_since_us_ > std::int64_t{server::guard_hold_ms} * 1000 + slack_us) {
            said_.fail("The guard against mass expiry is up for longer than it may hold.");
        }
        return;
    }
    const registry_view& registry = views.registry();
    registry.services_from("", [&](service_id service) {
        for (const instance_slot slot : registry.members(service)) {
            const instance_ref one = registry.at(slot);
            if (one.expired || one.lease_ms == 0) {
                continue;
            }
            const std::string stream = registry::instance_stream(one.service, one.instance);
            const std::int64_t since = std::max({of(stream).touched_us, guard_over_us_, anew_us_});
            if (ran_us - since > 2 * std::int64_t{one.lease_ms} * 1000 + slack_us) {
                said_.fail(stream + " was not renewed for " +
                           std::to_string((ran_us - since) / 1000) + " ms, has a lease of " +
                           std::to_string(one.lease_ms) + " ms, and is still live.");
            }
        }
        return true;
    });
}

} // namespace fasti::sim
