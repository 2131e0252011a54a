// SPDX-License-Identifier: Apache-2.0
//! The node without sockets and files: live views, leases, and what happens when a batch is durable.
//! Commands leave through the entry, commit notices come back; what was heard comes in by tick().
//! Thread: the I/O thread only. Source: docs/decisions/0004_one_io_thread.md
#pragma once

#include "adapters/node/lease_guard.hpp"
#include "adapters/node/pipeline_thread.hpp"
#include "commands/leases/expiry_guard.hpp"
#include "commands/leases/lease_checkpoint.hpp"
#include "commands/leases/lease_table.hpp"
#include "commands/pipeline/request.hpp"
#include "commands/ports/ports.hpp"
#include "eventstore/port/ledger.hpp"
#include "projections/engine/view_set.hpp"
#include "projections/views/lease_observer.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

struct node_options {
    std::int64_t reap_ms = 3'600'000; //!< how long an expired instance stays listed
    expiry_guard_options guard = {};
};

//! Told after each batch, when the views hold it and before the next request is read.
class commit_observer {
public:
    commit_observer() = default;
    commit_observer(const commit_observer&) = delete;
    commit_observer& operator=(const commit_observer&) = delete;
    virtual ~commit_observer() = default;

    virtual void on_committed(const std::shared_ptr<const committed_batch>& batch) = 0;
};

struct renewal {
    std::int64_t lease_ms = 0;
    instant deadline; //!< by the wall clock now
};

struct node_counters {
    std::uint64_t commands_appended = 0;
    std::uint64_t commands_unchanged = 0;
    std::uint64_t commands_already = 0;
    std::uint64_t commands_failed = 0;
    std::uint64_t commands_dry_run = 0;
    std::uint64_t batches = 0;
    std::uint64_t events = 0;
    std::uint64_t renewals = 0;
    std::uint64_t expiries_submitted = 0;
};

class node final : private lease_observer {
public:
    //! The views must stand at the ledger's head.
    node(ledger& facts, std::unique_ptr<view_set> views, clock& time, node_options options);
    ~node() override;

    //! Where commands go. Called once, before anything is submitted.
    void connect(command_entry& entry) { entry_ = &entry; }

    //! Arms the leases of all instances from the checkpoint of the run before; empty: none was kept.
    //! Returns a sentence for the log when the checkpoint could not be used.
    //! Call write_lease_checkpoint() and keep it before the first tick: a start costs the dead time.
    std::optional<std::string> start_leases(std::string_view checkpoint);

    ledger& facts() const noexcept { return facts_; }
    const view_set& views() const noexcept { return *views_; }
    clock& time() const noexcept { return time_; }
    std::uint64_t epoch() const noexcept { return epoch_; }
    const node_counters& counters() const noexcept { return counters_; }
    std::size_t leases() const noexcept { return leases_.size(); }

    //! Sends a request to the sequencer; its `done` is called after the commit it rests on.
    //! False: the queue is full, the request is still the caller's.
    bool submit(std::unique_ptr<command_request>& request);

    //! Renews a lease that is live. Nothing when the sequencer must be asked by a renew_lease
    //! command (the lease is lapsing, or there is none); after its success call this again.
    std::optional<renewal> renew(std::string_view service, std::string_view instance);

    //! What the pipeline made true: folds the batch, moves leases, answers, tells the followers.
    void on_notice(commit_notice notice);

    //! Puts views that were folded beside these in their place; both stand at the same position. Slots
    //! of the two differ, so every lease moves to the slot its instance has now. References to the
    //! old views are void afterwards.
    void adopt(std::unique_ptr<view_set> fresh);

    //! Looks for lapsed leases, due reapings and the end of the guard. Call every 5 to 20 ms.
    //! All that clients had sent by `heard_us` (monotonic) was passed on: a lease lapses when nothing
    //! renewed it until then, not when nobody has listened for a while.
    void tick(std::int64_t heard_us);

    //! Remaining times of all leases, to be kept about once a second.
    void write_lease_checkpoint(std::int64_t spare_ms, std::string& out) const;

    //! The token of the position that the views stand at; until the next notice.
    std::string_view position_token() const noexcept { return position_token_; }

    void add_observer(commit_observer& one) { observers_.push_back(&one); }
    void remove_observer(commit_observer& one);

private:
    void instance_granted(std::uint32_t slot, std::uint32_t lease_ms,
                          std::uint64_t generation) override;
    void instance_expired(std::uint32_t slot, instant recorded, std::uint64_t version) override;
    void instance_removed(std::uint32_t slot) override;
    void guard_raised(instant until) override;
    void guard_lifted() override;

    void note_pending(command_request& request);
    void settle(command_answer& answer);
    void note_position(const hash256& last_hash);
    void settle_item(const command_item& item, const item_outcome& outcome);
    void count(const item_outcome& outcome);
    std::uint32_t& age_of(std::uint32_t slot);
    void expiry_void(std::uint32_t slot);
    void take_lapsed(std::int64_t heard_us);
    void release_held(std::int64_t heard_us);
    void submit_expiries(const std::vector<std::uint32_t>& slots);
    void submit_reaps(const std::vector<std::uint32_t>& slots);
    void submit_guard(lease_guard::request wanted);
    template <class Make>
    void submit_own(const std::vector<std::uint32_t>& slots, std::string_view reason,
                    const Make& make);

    ledger& facts_;
    std::unique_ptr<view_set> views_;
    clock& time_;
    const node_options options_;
    command_entry* entry_ = nullptr;
    lease_table leases_;
    lease_table::due due_; // scratch of tick()
    std::string scratch_;  // of names of leases
    lease_guard guard_;
    std::vector<std::uint32_t> slot_ages_;
    std::uint32_t slot_age_first_ = 0; //!< of slots not yet in the list
    std::string position_token_;       // of views and head, written once a batch
    std::uint64_t epoch_ = 0;
    std::shared_ptr<const principal> lease_principal_;
    std::vector<commit_observer*> observers_;
    node_counters counters_;
};

} // namespace fasti
