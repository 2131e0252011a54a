// SPDX-License-Identifier: Apache-2.0
//! One life of a server on the simulated machine: the log on its disk, what is recovered from it,
//! sequencer, node and housekeeping, each moved by its own call. What the daemon does with threads
//! is done here by whoever calls: a commit and the telling of its answers are two steps.
#pragma once

#include "adapters/node/file_snapshots.hpp"
#include "adapters/node/model_fold.hpp"
#include "adapters/node/node.hpp"
#include "commands/pipeline/sequencer.hpp"
#include "projections/engine/snapshots.hpp"
#include "tests/sim/core/machine.hpp"
#include "tests/sim/core/planted.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fasti::sim {

//! A renewal as a client sends it. It waits in its socket until the server reads it.
struct sent_renewal {
    std::uint64_t id = 0;
    std::string service;
    std::string instance;
};

struct server_hooks {
    watched_ledger::hooks appends;
    std::function<void(const command_request&)> offered;   //!< a request was put into the queue
    std::function<void(const committed_batch&)> delivered; //!< before the views hold it
    std::function<void(const store_note&)> noted;
    std::function<void(const sent_renewal&, const std::optional<renewal>&)> renewed; //!< or not
};

class server final : private command_entry {
public:
    static constexpr std::int64_t checkpoint_every_us = 1'000'000;
    static constexpr std::int64_t reap_ms = 20'000;
    static constexpr std::uint32_t guard_hold_ms = 4'000;

    server(machine& on, server_hooks told);

    //! From the disk to a running node. Errors: those of the store; the server is then dead.
    result<void> start();

    node& live() noexcept { return *node_; }
    const segment_ledger& log() const noexcept { return *log_; }
    const watched_ledger& facts() const noexcept { return *facts_; }
    const snapshot_store& snapshots() const noexcept { return snapshots_; }
    const write_model& model() const noexcept { return *model_; }
    //! Whether the last checkpoint of leases that was kept was also the one found at the start.
    const std::string& checkpoint_found() const noexcept { return checkpoint_found_; }
    const std::string& checkpoint_kept() const noexcept { return checkpoint_kept_; }
    std::int64_t checkpoint_kept_us() const noexcept { return checkpoint_kept_us_; }
    const recovery& recovered() const noexcept { return recovered_; }

    std::size_t waiting() const noexcept { return queue_.size(); }
    std::size_t undelivered() const noexcept { return notices_.size(); }
    bool committing() const noexcept { return committing_; }

    bool submit(std::unique_ptr<command_request>& request) { return node_->submit(request); }
    //! Takes up to so many waiting requests, oldest first, and decides them.
    void stage(std::size_t count);
    //! Errors: the server is dead.
    result<void> commit();
    //! Tells the oldest commit to the node; false when there is none.
    bool deliver();
    std::optional<renewal> renew(std::string_view service, std::string_view instance);
    //! Bytes reach a socket; nobody needs to run for that.
    void arrive(sent_renewal one) { sockets_.push_back(std::move(one)); }
    //! Reads what waits in up to so many sockets, in the order of arrival.
    void read_sockets(std::size_t count);
    //! The clockwork: looks at the leases when all that waits in sockets now has been read.
    void tick();
    void keep_checkpoint();
    result<void> carry_on() { return log_->carry_on(); }
    //! One piece of what the housekeeping thread does; trouble with the disk is its own.
    void housekeep();
    void take_snapshot();

private:
    bool offer(std::unique_ptr<command_request>& request) override;
    std::string read_checkpoint();

    machine& on_;
    const server_hooks told_;
    const std::unique_ptr<files> late_; // a planted door
    files& door_;
    file_snapshots snapshots_;
    std::unique_ptr<segment_ledger> log_;
    std::unique_ptr<watched_ledger> facts_;
    std::unique_ptr<write_model> model_;
    std::unique_ptr<sequencer> decides_;
    std::unique_ptr<node> node_;
    recovery recovered_;
    std::deque<std::unique_ptr<command_request>> queue_;
    std::deque<commit_notice> notices_;
    bool committing_ = false;
    std::deque<sent_renewal> sockets_;
    struct round {
        std::int64_t heard_us;
        std::size_t left; //!< sockets to read until the node may look
    };
    std::optional<round> hearing_;
    std::string checkpoint_found_;
    std::string checkpoint_kept_;
    std::int64_t checkpoint_kept_us_ = 0;
};

} // namespace fasti::sim
