// SPDX-License-Identifier: Apache-2.0
//! Leases of instances: deadlines in memory, found due by a timer wheel. Pure: time is handed in.
//! A lease is named by the slot its owner gave it. Renewing moves a deadline and nothing else; the
//! wheel finds out when it looks. States: live, held (lapsed, but a guard keeps it), expiring (its
//! expiry was handed out), expired (waits to be reaped).
//! Thread: its owner's. Source: docs/decisions/0004_one_io_thread.md
#pragma once

#include "domain/base/piece_array.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

enum class renewal_kind : std::uint8_t { renewed, expiring, expired, absent };

struct lease_renewal {
    renewal_kind kind = renewal_kind::absent;
    std::int64_t deadline_us = 0; //!< monotonic
};

struct lease_grant {
    std::uint32_t lease_ms = 0;
    std::uint64_t generation = 0; //!< stream version of the event that granted it
    //! Names the lease in checkpoints, since slots do not last. Another one for each grant: what an
    //! older grant had left must not shorten what a durable event has granted since.
    std::uint64_t name = 0;
};

//! What a checkpoint says of one lease.
struct saved_lease {
    std::uint64_t name = 0;
    std::uint32_t remaining_ms = 0;
    std::uint32_t grace_used_ms = 0;
};

class lease_table {
public:
    //! Slots whose time has come since the last look.
    struct due {
        std::vector<std::uint32_t> lapsed; //!< now expiring: submit an expiry, or hold_back() it
        std::vector<std::uint32_t> reaps;  //!< expired long enough; asked again in a second
        //! How many of the last look's lapses were of leases that lapsed within relapse_s before.
        std::size_t lapsed_again = 0;
        std::size_t looked_at = 0; //!< leases the last look touched, due or not
    };

    explicit lease_table(std::int64_t now_us);

    //! Gives or changes a lease: a full lease from now, whatever was there.
    void grant(std::uint32_t slot, const lease_grant& what, std::int64_t now_us);
    //! After a restart: what remained, plus a grace of at most restart_grace_ms, at most lease_ms in
    //! all since the last renewal. Nothing saved: a full lease that uses up the grace.
    void grant_after_restart(std::uint32_t slot, const lease_grant& what, const saved_lease* saved,
                             std::int64_t now_us);
    void remove(std::uint32_t slot);
    //! The expiry is a fact now; the slot is due for reaping at the given time.
    void mark_expired(std::uint32_t slot, std::int64_t reap_at_us, std::int64_t now_us);

    //! Live and held leases get a full lease from now. Others say why not.
    lease_renewal renew(std::uint32_t slot, std::int64_t now_us) noexcept;

    //! While pending a lease does not lapse. False: the slot has no lease.
    bool begin_pending(std::uint32_t slot) noexcept;
    void end_pending(std::uint32_t slot) noexcept;

    //! Finds what is due. A lease is never due before its deadline, and at most one tick after it.
    //! The time is that up to which the owner knows of every renewal sent, which may lag behind the
    //! clock that the other calls are given.
    void take_due(std::int64_t heard_us, due& out);

    //! An expiring lease waits until release_held(): a guard is up.
    void hold_back(std::uint32_t slot);
    //! The guard is down: every lease that is still held is expiring now and added to `lapsed`; a
    //! pending one is live until that is settled.
    void release_held(std::int64_t heard_us, std::vector<std::uint32_t>& lapsed);
    //! The expiry was decided to be void: look at the lease again a little later.
    void expiry_void(std::uint32_t slot, std::int64_t now_us);

    //! Takes the lease that another table has in a slot over into a slot of this one, as it stands.
    //! One whose expiry was handed out is looked at again soon: what is pending stays with the other.
    void take_over(const lease_table& from, std::uint32_t from_slot, std::uint32_t slot,
                   std::int64_t now_us);

    bool expiring(std::uint32_t slot) const noexcept {
        return slot < entries_.size() && entries_[slot].state == state::expiring;
    }
    std::uint64_t generation(std::uint32_t slot) const noexcept {
        return entries_[slot].generation;
    }
    std::int64_t deadline_us(std::uint32_t slot) const noexcept {
        return entries_[slot].deadline_us;
    }

    //! Leases that are live, held or expiring.
    std::size_t size() const noexcept { return leases_; }
    std::size_t held() const noexcept { return held_; }

    //! Calls `each(saved_lease)` for every lease that is not expired; `spare_ms` is taken off what
    //! remains, so that time lost between two checkpoints is never given twice.
    template <class Each>
    void for_each_remaining(std::int64_t now_us, std::int64_t spare_ms, Each&& each) const {
        for (std::size_t slot = 0; slot < entries_.size(); ++slot) {
            const entry& one = entries_[slot];
            if (one.state == state::live || one.state == state::held ||
                one.state == state::expiring) {
                const std::int64_t left = (one.deadline_us - now_us) / 1000 - spare_ms;
                each(saved_lease{one.name, static_cast<std::uint32_t>(left < 0 ? 0 : left),
                                 one.grace_used_ms});
            }
        }
    }

    static constexpr std::int64_t tick_us = 4'000;
    static constexpr std::uint32_t restart_grace_ms = 5'000;
    //! One instance that comes and goes is one suspicion, not many: longer than a guard's window.
    static constexpr std::int64_t relapse_s = 60;

private:
    enum class state : std::uint8_t { none, live, held, expiring, expired };
    static constexpr std::uint32_t nil = 0xFFFF'FFFF;
    static constexpr std::size_t buckets = 4'096; // 16 seconds; what is due later is looked at again

    struct entry {
        std::int64_t deadline_us = 0;
        std::uint64_t generation = 0;
        std::uint64_t name = 0;
        std::uint32_t lease_ms = 0;
        std::uint32_t grace_used_ms = 0;
        std::uint32_t next = nil;
        std::uint32_t previous = nil;
        std::uint16_t bucket = no_bucket;
        std::uint16_t pending = 0;
        enum state state = state::none;
        std::uint16_t lapsed_s = 0; // when it last lapsed, see note_lapse(); 0: never
    };
    static_assert(sizeof(entry) <= 48);
    static constexpr std::uint16_t no_bucket = 0xFFFF;

    entry& at(std::uint32_t slot);
    void set_state(entry& one, enum state to) noexcept;
    void arm(std::uint32_t slot, std::int64_t when_us);
    void disarm(std::uint32_t slot) noexcept;
    void look_at(std::uint32_t slot, std::int64_t heard_us, due& out);
    static bool note_lapse(entry& one, std::int64_t now_us) noexcept;

    piece_array<entry> entries_;
    std::vector<std::uint32_t> heads_;
    std::vector<std::uint32_t> fired_; // scratch of take_due()
    std::int64_t tick_ = 0;            // the last one looked at
    std::size_t leases_ = 0;
    std::size_t held_ = 0;
};

} // namespace fasti
