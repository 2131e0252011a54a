// SPDX-License-Identifier: Apache-2.0
//! The life of leases in a node: events grant and end them, what lapses becomes a command of the node's
//! own, and what had no effect is looked at again.
#include "adapters/node/checkpoint_name.hpp"
#include "adapters/node/node.hpp"

#include <algorithm>
#include <utility>

namespace fasti {
namespace {

//! How many expiries or reapings go into one request: small enough not to hold up people's commands.
constexpr std::size_t own_commands_per_request = 512;

} // namespace

void node::tick(std::int64_t heard_us) {
    due_.lapsed.clear();
    due_.reaps.clear();
    leases_.take_due(heard_us, due_);
    if (!due_.lapsed.empty()) {
        take_lapsed(heard_us);
    }
    if (auto wanted = guard_.next_request(heard_us, time_)) {
        submit_guard(std::move(*wanted));
    }
    if (leases_.held() > 0 && !guard_.holds()) {
        release_held(heard_us);
    }
    if (!due_.reaps.empty()) {
        submit_reaps(due_.reaps);
    }
}

//! Expires what lapsed, or holds it back while a guard is up, about to be, or called for now.
void node::take_lapsed(std::int64_t heard_us) {
    guard_.on_lapsed(due_.lapsed.size() - due_.lapsed_again, leases_.size() - due_.lapsed.size(),
                     heard_us);
    if (!guard_.holds()) {
        submit_expiries(due_.lapsed);
        return;
    }
    for (const std::uint32_t slot : due_.lapsed) {
        leases_.hold_back(slot);
    }
}

//! Not before a tick after the guard went down: commands are not submitted while a batch is folded,
//! and who renewed or registered meanwhile is not held any more.
void node::release_held(std::int64_t heard_us) {
    due_.lapsed.clear();
    leases_.release_held(heard_us, due_.lapsed);
    submit_expiries(due_.lapsed);
}

void node::submit_expiries(const std::vector<std::uint32_t>& slots) {
    counters_.expiries_submitted += slots.size();
    submit_own(slots, "The lease lapsed without a renewal.",
               [this](std::uint32_t slot, const instance_ref& one, kept_texts& texts) {
                   registry::expire_instance what;
                   what.service = texts.keep(one.service);
                   what.instance = texts.keep(one.instance);
                   what.generation = leases_.generation(slot);
                   const std::int64_t late_us = time_.monotonic_us() - leases_.deadline_us(slot);
                   what.deadline = instant{time_.now().us - late_us};
                   return command{what};
               });
}

void node::submit_reaps(const std::vector<std::uint32_t>& slots) {
    submit_own(slots, "Expired for as long as expired instances are kept.",
               [](std::uint32_t, const instance_ref& one, kept_texts& texts) {
                   registry::reap_instance what;
                   what.service = texts.keep(one.service);
                   what.instance = texts.keep(one.instance);
                   what.expired_version = one.generation;
                   return command{what};
               });
}

//! Requests of the node itself, some hundred instances each. What the queue does not take now is
//! looked at again a little later.
template <class Make>
void node::submit_own(const std::vector<std::uint32_t>& slots, std::string_view reason,
                      const Make& make) {
    for (std::size_t first = 0; first < slots.size(); first += own_commands_per_request) {
        const std::size_t last = std::min(slots.size(), first + own_commands_per_request);
        auto request = std::make_unique<command_request>();
        request->caller = lease_principal_;
        request->reason = reason;
        request->items.reserve(last - first);
        for (std::size_t i = first; i < last; ++i) {
            if (views_->registry().holds(slots[i])) {
                const instance_ref one = views_->registry().at(slots[i]);
                request->items.push_back(
                    {.what = make(slots[i], one, request->texts), .cause = one.changed});
            }
        }
        if (request->items.empty() || submit(request)) {
            continue;
        }
        for (std::size_t i = first; i < last; ++i) {
            expiry_void(slots[i]);
        }
    }
}

void node::submit_guard(lease_guard::request wanted) {
    auto request = std::make_unique<command_request>();
    request->caller = lease_principal_;
    request->reason = wanted.reason;
    request->items.push_back({.what = std::move(wanted.what)});
    request->done = [this](command_answer&) { guard_.settled(); };
    if (!submit(request)) {
        guard_.settled();
    }
}

//! An expiry was not decided: the lease is looked at again, or held while a guard is up.
void node::expiry_void(std::uint32_t slot) {
    if (guard_.holds() && leases_.expiring(slot)) {
        leases_.hold_back(slot);
    } else {
        leases_.expiry_void(slot, time_.monotonic_us());
    }
}

void node::instance_granted(std::uint32_t slot, std::uint32_t lease_ms, std::uint64_t generation) {
    if (lease_ms == 0) {
        leases_.remove(slot);
        ++age_of(slot); // requests under way noted the lease that is gone, not the next one
        return;
    }
    const instance_ref one = views_->registry().at(slot);
    const std::uint64_t name = checkpoint_name(one.service, one.instance, generation, scratch_);
    leases_.grant(slot, {lease_ms, generation, name}, time_.monotonic_us());
}

void node::instance_expired(std::uint32_t slot, instant, std::uint64_t) {
    const std::int64_t now = time_.monotonic_us();
    leases_.mark_expired(slot, now + options_.reap_ms * 1000, now);
}

void node::instance_removed(std::uint32_t slot) {
    leases_.remove(slot);
    ++age_of(slot);
}

void node::guard_raised(instant until) { guard_.raised(until, time_); }

//! Held leases expire with the next tick.
void node::guard_lifted() { guard_.lifted(); }

} // namespace fasti
