// SPDX-License-Identifier: Apache-2.0
//! What must be done beside the way of commands: the next segment made ahead, indexes written and
//! merged, snapshots taken. A thread of its own, woken by commits.
#pragma once

#include "adapters/daemon/snapshot_pace.hpp"
#include "adapters/node/file_snapshots.hpp"
#include "adapters/node/node.hpp"
#include "adapters/telemetry/log.hpp"
#include "eventstore/segments/segment_ledger.hpp"
#include "projections/engine/snapshots.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace fasti {

class housekeeping final : public commit_observer {
public:
    struct options {
        std::uint64_t snapshot_every_events = 1'000'000;
        ladder_limits ladder = {};
        position snapshot_at = 0; //!< of the newest there is
    };

    housekeeping(segment_ledger& facts, snapshot_store& snapshots, const options& how,
                 telemetry::logger& log);
    ~housekeeping() override;

    //! Thread: I/O.
    void on_committed(const std::shared_ptr<const committed_batch>& batch) override;
    //! Takes a snapshot as soon as its thread can, and tells what became of it on that thread; with
    //! not_ready when it ends before. Thread: any.
    void snapshot_now(std::function<void(result<kept_snapshot>)> done);
    //! Ends after the piece of work under way; a fold for a snapshot is broken off. Thread: any but its own.
    void stop();

private:
    void run();
    bool do_one();
    result<kept_snapshot> take_snapshot(position head);
    void tell_wanted(const result<kept_snapshot>& kept);

    segment_ledger& facts_;
    snapshot_store& snapshots_;
    const options how_;
    telemetry::logger& log_;
    snapshot_pace pace_;                                             // guarded
    std::vector<std::function<void(result<kept_snapshot>)>> wanted_; // guarded
    bool prepare_failed_ = false;
    std::mutex mutex_;
    std::condition_variable wake_;
    position head_ = 0;     // guarded
    bool poked_ = true;     // guarded
    bool stopping_ = false; // guarded
    std::thread thread_;
};

} // namespace fasti
