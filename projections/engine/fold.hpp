// SPDX-License-Identifier: Apache-2.0
//! Folding the log into views: catching up, rebuilding from nothing, comparing what came out.
//! Thread: any; a ledger is read beside appends, and the sets belong to the caller.
#pragma once

#include "domain/base/result.hpp"
#include "eventstore/port/ledger.hpp"
#include "projections/engine/view_set.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

//! Another fold of the same events that shares reading and snapshots with the views, such as the
//! model that commands are decided on. Its bytes are opaque here.
class extra_fold {
public:
    extra_fold() = default;
    extra_fold(const extra_fold&) = delete;
    extra_fold& operator=(const extra_fold&) = delete;
    virtual ~extra_fold() = default;

    virtual std::string_view name() const = 0;
    virtual std::uint64_t fingerprint() const = 0;
    virtual result<void> fold(const recorded_event& event) = 0;
    //! A hint before fold(run[at]): what the events behind it will touch may be fetched now.
    virtual void look_ahead(std::span<const recorded_event> run, std::size_t at) {
        (void)run;
        (void)at;
    }
    virtual void write_snapshot(std::string& out) const = 0;
    //! Replaces everything. False when the bytes are not its own; clear() follows.
    virtual bool read_snapshot(std::string_view bytes) = 0;
    virtual void clear() = 0;
};

using extra_folds = std::span<extra_fold* const>;

//! What is folded together; the extra folds stand where the views stand.
struct fold_target {
    view_set& views;
    extra_folds extras = {};
};

//! Applies what follows views.at(), up to a position (inclusive) or the head if that comes first.
//! Progress counts events; returning false ends it with not_ready.
//! Errors: those of ledger::read and of the extra folds; the target stands at the last good event.
//! Thread: the caller's reads and folds the extras; with extras and a long way to go one more folds
//!         the views at the same time, and is gone when this returns.
result<void> catch_up(const fold_target& into, const ledger& facts, position to,
                      const progress_sink& progress);

//! Everything that was ever recorded, up to a position, folded into new views.
result<std::unique_ptr<view_set>> rebuild(const ledger& facts, position to,
                                          const progress_sink& progress);

//! Whether two folds of the same history gave the same bytes, view by view.
struct view_comparison {
    std::string_view view;
    std::uint64_t bytes = 0;
    bool equal = false;
};
std::vector<view_comparison> compare(const view_set& one, const view_set& other);

//! The canonical bytes of one view by name; empty for a name that no view has.
std::string bytes_of(const view_set& views, std::string_view view);

} // namespace fasti
