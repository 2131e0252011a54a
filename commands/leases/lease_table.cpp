// SPDX-License-Identifier: Apache-2.0
#include "commands/leases/lease_table.hpp"

#include <algorithm>

namespace fasti {
namespace {

constexpr std::int64_t us_per_ms = 1'000;
//! When a void expiry, or a reaping that was not decided yet, is looked at again.
constexpr std::int64_t again_after_us = 1'000'000;

} // namespace

lease_table::lease_table(std::int64_t now_us) : heads_(buckets, nil), tick_(now_us / tick_us) {}

void lease_table::grant(std::uint32_t slot, const lease_grant& what, std::int64_t now_us) {
    entry& one = at(slot);
    one.lease_ms = what.lease_ms;
    one.generation = what.generation;
    one.name = what.name;
    one.grace_used_ms = 0;
    one.deadline_us = now_us + what.lease_ms * us_per_ms;
    set_state(one, state::live);
    arm(slot, one.deadline_us);
}

void lease_table::grant_after_restart(std::uint32_t slot, const lease_grant& what,
                                      const saved_lease* saved, std::int64_t now_us) {
    grant(slot, what, now_us);
    entry& one = at(slot);
    if (saved == nullptr) {
        one.grace_used_ms = what.lease_ms;
        return;
    }
    const std::uint32_t used = std::min(saved->grace_used_ms, what.lease_ms);
    const std::uint32_t grace = std::min(restart_grace_ms, what.lease_ms - used);
    const std::uint32_t remaining = std::min(saved->remaining_ms, what.lease_ms);
    one.grace_used_ms = used + grace;
    one.deadline_us = now_us + (std::int64_t{remaining} + grace) * us_per_ms;
    arm(slot, one.deadline_us);
}

void lease_table::remove(std::uint32_t slot) {
    entry& one = at(slot);
    disarm(slot);
    set_state(one, state::none);
    one.pending = 0;
    one.lapsed_s = 0;
}

void lease_table::mark_expired(std::uint32_t slot, std::int64_t reap_at_us, std::int64_t now_us) {
    entry& one = at(slot);
    set_state(one, state::expired);
    one.deadline_us = std::max(reap_at_us, now_us);
    arm(slot, one.deadline_us);
}

lease_renewal lease_table::renew(std::uint32_t slot, std::int64_t now_us) noexcept {
    if (slot >= entries_.size()) {
        return {};
    }
    entry& one = entries_[slot];
    switch (one.state) {
        case state::live: break;
        case state::held:
            set_state(one, state::live);
            one.deadline_us = now_us + one.lease_ms * us_per_ms;
            arm(slot, one.deadline_us);
            break;
        case state::expiring: return {renewal_kind::expiring, 0};
        case state::expired: return {renewal_kind::expired, 0};
        case state::none: return {};
    }
    // Later than what the wheel knows: it finds out when it looks at the old deadline.
    one.deadline_us = now_us + one.lease_ms * us_per_ms;
    one.grace_used_ms = 0;
    return {renewal_kind::renewed, one.deadline_us};
}

bool lease_table::begin_pending(std::uint32_t slot) noexcept {
    if (slot >= entries_.size()) {
        return false;
    }
    entry& one = entries_[slot];
    if (one.state == state::none || one.state == state::expired || one.pending == 0xFFFF) {
        return false;
    }
    ++one.pending;
    return true;
}

void lease_table::end_pending(std::uint32_t slot) noexcept {
    if (slot < entries_.size() && entries_[slot].pending > 0) {
        --entries_[slot].pending;
    }
}

void lease_table::take_due(std::int64_t heard_us, due& out) {
    const std::int64_t heard_tick = heard_us / tick_us;
    out.lapsed_again = 0;
    out.looked_at = 0;
    if (heard_tick <= tick_) {
        return;
    }
    // After a long pause one round looks at every bucket.
    const std::int64_t first = std::max(tick_ + 1,
                                        heard_tick - static_cast<std::int64_t>(buckets) + 1);
    tick_ = heard_tick;
    for (std::int64_t tick = first; tick <= heard_tick; ++tick) {
        const auto bucket = static_cast<std::size_t>(tick) % buckets;
        fired_.clear();
        for (std::uint32_t slot = heads_[bucket]; slot != nil; slot = entries_[slot].next) {
            fired_.push_back(slot);
        }
        for (const std::uint32_t slot : fired_) {
            look_at(slot, heard_us, out);
        }
        out.looked_at += fired_.size();
    }
}

void lease_table::look_at(std::uint32_t slot, std::int64_t heard_us, due& out) {
    entry& one = entries_[slot];
    if (one.deadline_us > heard_us) {
        arm(slot, one.deadline_us);
        return;
    }
    if (one.state == state::expired) {
        out.reaps.push_back(slot);
        one.deadline_us = heard_us + again_after_us;
        arm(slot, one.deadline_us);
        return;
    }
    if (one.pending > 0) {
        arm(slot, heard_us + tick_us);
        return;
    }
    disarm(slot);
    set_state(one, state::expiring);
    out.lapsed_again += note_lapse(one, heard_us) ? 1U : 0U;
    out.lapsed.push_back(slot);
}

//! True when the lease lapsed not long before, too. Seconds are kept modulo 2^16 - 1: once in 18
//! hours an old lapse looks fresh for a minute, and one suspicion is missed.
bool lease_table::note_lapse(entry& one, std::int64_t now_us) noexcept {
    constexpr std::int64_t turn = 0xFFFF;
    const std::int64_t second = now_us / 1'000'000 % turn;
    const std::int64_t before = one.lapsed_s;
    one.lapsed_s = static_cast<std::uint16_t>(second + 1);
    return before != 0 && (second + 1 - before + turn) % turn < relapse_s;
}

void lease_table::hold_back(std::uint32_t slot) { set_state(at(slot), state::held); }

void lease_table::release_held(std::int64_t heard_us, std::vector<std::uint32_t>& lapsed) {
    for (std::uint32_t slot = 0; held_ > 0 && slot < entries_.size(); ++slot) {
        entry& one = entries_[slot];
        if (one.state != state::held) {
            continue;
        }
        if (one.pending > 0) {
            set_state(one, state::live);
            arm(slot, heard_us + tick_us);
            continue;
        }
        set_state(one, state::expiring);
        lapsed.push_back(slot);
    }
}

void lease_table::expiry_void(std::uint32_t slot, std::int64_t now_us) {
    entry& one = at(slot);
    if (one.state == state::expiring) {
        set_state(one, state::live);
        one.deadline_us = now_us + again_after_us;
        arm(slot, one.deadline_us);
    }
}

void lease_table::take_over(const lease_table& from, std::uint32_t from_slot, std::uint32_t slot,
                            std::int64_t now_us) {
    if (from_slot >= from.entries_.size() || from.entries_[from_slot].state == state::none) {
        return;
    }
    const entry& old = from.entries_[from_slot];
    entry& one = at(slot);
    disarm(slot);
    one.deadline_us = old.state == state::expiring ? now_us : old.deadline_us;
    one.generation = old.generation;
    one.name = old.name;
    one.lease_ms = old.lease_ms;
    one.grace_used_ms = old.grace_used_ms;
    one.lapsed_s = old.lapsed_s;
    one.pending = 0;
    set_state(one, old.state == state::expiring ? state::live : old.state);
    if (old.state != state::held) {
        arm(slot, one.deadline_us);
    }
}

lease_table::entry& lease_table::at(std::uint32_t slot) {
    while (slot >= entries_.size()) {
        entries_.add();
    }
    return entries_[slot];
}

void lease_table::set_state(entry& one, enum state to) noexcept {
    const auto counts = [](enum state which) {
        return which == state::live || which == state::held || which == state::expiring;
    };
    leases_ = leases_ - (counts(one.state) ? 1 : 0) + (counts(to) ? 1 : 0);
    held_ = held_ - (one.state == state::held ? 1 : 0) + (to == state::held ? 1 : 0);
    one.state = to;
}

//! Puts the slot where the wheel will look at `when_us`. What is too far is looked at again in its
//! second half, spread by slot: leases granted together would else be touched together for ever.
void lease_table::arm(std::uint32_t slot, std::int64_t when_us) {
    disarm(slot);
    constexpr auto round = static_cast<std::int64_t>(buckets);
    const std::int64_t wanted = (when_us + tick_us - 1) / tick_us;
    std::int64_t tick = std::max(wanted, tick_ + 1);
    if (tick > tick_ + round - 1) {
        tick = tick_ + round / 2 + slot % (round / 2);
    }
    const auto bucket = static_cast<std::size_t>(tick) % buckets;
    entry& one = entries_[slot];
    one.bucket = static_cast<std::uint16_t>(bucket);
    one.previous = nil;
    one.next = heads_[bucket];
    if (one.next != nil) {
        entries_[one.next].previous = slot;
    }
    heads_[bucket] = slot;
}

void lease_table::disarm(std::uint32_t slot) noexcept {
    entry& one = entries_[slot];
    if (one.bucket == no_bucket) {
        return;
    }
    if (one.next != nil) {
        entries_[one.next].previous = one.previous;
    }
    if (one.previous != nil) {
        entries_[one.previous].next = one.next;
    } else {
        heads_[one.bucket] = one.next;
    }
    one.bucket = no_bucket;
}

} // namespace fasti
