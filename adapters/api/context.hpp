// SPDX-License-Identifier: Apache-2.0
//! What every answer of the API may use. One for the process; the node joins it when recovery is done.
//! Thread: the I/O thread, unless a member says otherwise.
#pragma once

#include "adapters/node/node.hpp"
#include "adapters/node/worker.hpp"
#include "adapters/telemetry/log.hpp"
#include "adapters/telemetry/metrics.hpp"
#include "commands/access/access.hpp"
#include "commands/pipeline/write_model.hpp"
#include "commands/ports/ports.hpp"
#include "eventstore/port/ledger.hpp"
#include "projections/engine/snapshot_store.hpp"
#include "projections/engine/snapshots.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace fasti::api {

enum class phase : std::uint8_t { recovering, serving, draining };

//! Lanes of the worker for short turns.
enum class slow_lane : std::uint8_t { questions, followers };
inline constexpr std::size_t slow_lanes = 2;

struct api_options {
    std::size_t followers_max = 1'000;              //!< followers of the event stream
    std::size_t follower_bytes_max = 256 * 1024;    //!< unsent bytes of one follower
    std::size_t past_bytes_max = 256 * 1024 * 1024; //!< of past views remembered
    std::size_t series_per_service_max = 200; //!< services with series of their own in /metrics
    bool access_log = false;
};

struct api_context {
    clock& time;
    telemetry::logger& log;
    telemetry::metrics_registry& metrics;
    const snapshot_store& snapshots; //!< for past states
    worker& slow;   //!< short turns that read the log, in the lanes below; never the live views
    worker& folds;  //!< for whole views as they were: seconds each
    worker& proofs; //!< for replay and verify: one at a time, for as long as it takes
    //! Runs something short on the worker; false when too much waits in that lane. Thread: any.
    bool run_slow(slow_lane lane, std::function<void()> work) const {
        return slow.run(static_cast<std::size_t>(lane), std::move(work));
    }
    //! Runs something on the I/O thread. Thread: any.
    std::function<void(std::function<void()>)> post;
    api_options options = {};
    std::string version = {};    //!< of this build
    std::int64_t started_us = 0; //!< monotonic
    phase now = phase::recovering;
    std::string recovery_progress = {};                 //!< a sentence, while recovering
    node* live = nullptr;                               //!< null while recovering
    std::function<std::size_t()> commands_waiting = {}; //!< in the pipeline's queue
    //! The state that commands are decided on, told at a moment when it stands at the log's head and
    //! on a thread of its own; never told when the server ends before. Empty: there is none to look at.
    std::function<void(std::function<void(const write_model&, position)>)> show_model = {};
    //! Takes a snapshot now and tells what became of it, on a thread of its own. Empty: none are taken.
    std::function<void(std::function<void(result<kept_snapshot>)>)> take_snapshot = {};
};

} // namespace fasti::api
