// SPDX-License-Identifier: Apache-2.0
//! Proves what is stored and what is served against a fold from the first event. Needs a second copy
//! of the state in memory, and for one part at a time its bytes twice.
//! Thread: any but the owner's of what is served; one proof is one call.
//! Source: docs/decisions/0042_proofs.md
#pragma once

#include "domain/base/result.hpp"
#include "eventstore/port/ledger.hpp"
#include "projections/engine/fold.hpp"
#include "projections/engine/snapshot_store.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

//! Told while a proof runs, on its thread.
class proof_listener {
public:
    proof_listener() = default;
    proof_listener(const proof_listener&) = delete;
    proof_listener& operator=(const proof_listener&) = delete;
    virtual ~proof_listener() = default;

    //! `step` is "log", "fold" or "views"; both numbers count events, of "views" parts. Called often.
    //! False ends the proof with not_ready.
    virtual bool progress(std::string_view step, std::uint64_t done, std::uint64_t total) = 0;
    //! Something is wrong. One line for people, and which positions it is about.
    virtual void found(const finding& one) = 0;
    //! Worth knowing, and nothing is wrong: a snapshot of an older version is not used.
    virtual void note(std::string_view sentence) = 0;
};

//! A part of what is served: the bytes of a view, of the parked streams ("parked") or of an extra fold.
struct served_part {
    position at = 0; //!< where it stood when its bytes were written
    std::string bytes;
};

//! What is served, by somebody else and all the while.
class served_parts {
public:
    served_parts() = default;
    served_parts(const served_parts&) = delete;
    served_parts& operator=(const served_parts&) = delete;
    virtual ~served_parts() = default;

    //! Where the views stand now. Errors: not_ready when the owner ended.
    virtual result<position> at() = 0;
    //! In the order in which they are to be read: positions must not go back from one to the next.
    virtual std::vector<std::string> names() const = 0;
    //! Its bytes as they are at one moment. Errors: not_ready when the owner ended.
    virtual result<served_part> read(std::string_view name) = 0;
};

struct compared_part {
    std::string name;
    position at = 0;
    std::uint64_t bytes = 0;
    bool equal = false;
};

struct proof_report {
    position head = 0;           //!< the fold came to here
    std::uint64_t snapshots = 0; //!< compared with the fold
    std::uint64_t findings = 0;
    std::vector<compared_part> parts;
};

//! Rows told of one part that differs; what is beyond is counted.
inline constexpr std::size_t rows_told_max = 16;

struct proof_input {
    const ledger& facts;
    served_parts& served;
    extra_folds extras = {}; //!< cleared ones, for the parts that are no views
    proof_listener& listener;
};

//! Which part a view's rows are folded in: "services" and "instances" in "registry". Empty for no view.
std::string_view part_of_view(std::string_view view) noexcept;

//! Rebuilds everything from the first event and compares it byte for byte with what is served.
//! `view` names one view or part to compare; empty: all.
//! Errors: malformed for an unknown view, not_ready when it was stopped, those of ledger::read.
result<proof_report> prove_views(const proof_input& input, std::string_view view);

//! Walks the log with its checksums, chain and indexes; compares every snapshot with a fold from the
//! first event, and then what is served. Damage is a finding, not an error; behind it no views are
//! compared, which is a note. Errors: not_ready when it was stopped, store_unavailable.
result<proof_report> prove_everything(const proof_input& input, const snapshot_store& snapshots);

} // namespace fasti
