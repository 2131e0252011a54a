// SPDX-License-Identifier: Apache-2.0
//! Snapshots of the views and of other folds: taking them, starting from them, and the ladder of
//! them from which the past is answered.
//! Shape:  at most 16 by default, exponentially spaced: the further back, the wider apart; within a
//!         budget of bytes, which only the newest one alone may exceed.
//! Source: docs/decisions/0041_snapshots.md
#pragma once

#include "domain/base/result.hpp"
#include "eventstore/port/ledger.hpp"
#include "projections/engine/fold.hpp"
#include "projections/engine/snapshot_store.hpp"
#include "projections/engine/view_set.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fasti {

struct ladder_limits {
    std::size_t snapshots_max = 16;
    std::uint64_t bytes_max = 4ULL * 1024 * 1024 * 1024;
};

//! The bytes of a snapshot of what stands at one position of a ledger.
//! Errors: those of ledger::hash_at.
result<std::string> snapshot_of(const fold_target& what, const ledger& facts);

//! What became of one snapshot.
struct kept_snapshot {
    std::string name;
    position at = 0;
    std::uint64_t bytes = 0;
    std::vector<std::string> removed; //!< others that the ladder let go
};

//! Writes a snapshot and thins the ladder. Thread: that of the folds.
result<kept_snapshot> keep_snapshot(const fold_target& what, const ledger& facts,
                                    snapshot_store& store, const ladder_limits& limits);

//! The same without touching live views: folds on from the newest snapshot in memory of its own.
//! For a worker: the extra folds are the caller's, empty, and not the live ones. Progress counts
//! events; returning false ends it with not_ready and nothing is written.
result<kept_snapshot> keep_snapshot_beside(extra_folds extras, const ledger& facts,
                                           snapshot_store& store, const ladder_limits& limits,
                                           const progress_sink& progress);

//! How views came to stand somewhere.
struct recovery {
    std::unique_ptr<view_set> views;
    position from_snapshot = 0;       //!< 0: folded from the first event
    std::uint64_t events_folded = 0;  //!< behind the snapshot
    std::vector<std::string> ignored; //!< snapshots that could not be used, a sentence each
};

//! Views (and extra folds) at a position or the head: from the nearest snapshot that is whole,
//! belongs to this history and was made by this code, and the tail behind it.
//! Errors: those of catch_up(). A bad snapshot is no error.
result<recovery> recover(const ledger& facts, const snapshot_store& store, position to,
                         extra_folds extras, const progress_sink& progress);

//! Which snapshots a ladder lets go of; the newest is never among them.
std::vector<stored_snapshot> superfluous(std::vector<stored_snapshot> kept,
                                         const ladder_limits& limits);

} // namespace fasti
