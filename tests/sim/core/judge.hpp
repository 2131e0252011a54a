// SPDX-License-Identifier: Apache-2.0
//! Knows what anybody was told, and compares it with what the log holds after every crash.
#pragma once

#include "commands/pipeline/request.hpp"
#include "eventstore/port/record.hpp"
#include "tests/sim/core/operations.hpp"
#include "tests/sim/core/verdict.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::sim {

class judge {
public:
    judge(verdict& said, std::deque<operation>& operations)
        : said_(said), operations_(operations) {}

    // --- while a server lives ---
    //! A batch is about to be written.
    void on_attempt(const std::shared_ptr<const committed_batch>& batch, std::uint64_t epoch);
    //! A batch reaches the views.
    void on_delivered(const committed_batch& batch);
    //! An answer reaches a client, who sees views that stand at a position.
    void on_answer(const command_answer& answer, operation& of, position views_at);
    //! Somebody was shown history up to a position.
    void told(position at);
    //! Somebody was shown an event; it must be the one that was delivered.
    void told_event(const recorded_event& event);

    // --- after a start, and at the end ---
    //! Reads the whole log, takes it for the truth, and holds it against what was told.
    void check_log(const ledger& log);
    void check_receipts(const ledger& log, std::size_t sample, machine& on);
    void check_tokens(const ledger& log);

    position head() const noexcept { return facts_.size(); }
    position told_through() const noexcept { return told_through_; }
    std::uint64_t version_of(std::string_view stream) const;
    std::string_view stream_at(position at) const { return facts_.at(at - 1).stream; }
    std::size_t tokens_lost() const noexcept { return lost_.size(); }
    std::string token_at(position at) const;

private:
    //! What is kept of each event.
    struct fact {
        std::string stream;
        id128 command;
        std::uint32_t index = 0;
        std::uint64_t stream_version = 0;
        std::optional<std::uint64_t> operation;
        instant recorded;
        std::uint64_t digest = 0; // of the canonical bytes
        hash256 chain;
    };
    struct lost_token {
        position at;
        std::uint32_t prefix;
    };

    void add(const recorded_event& event);
    void forget_from(position at);
    void note_lost(const ledger& log);
    void check_operations();
    void check_operation(const operation& of);
    void check_range(const operation& of, const told_range& range, std::size_t item);
    void on_outcome(const item_outcome& outcome, operation& of, std::size_t item);
    void on_refused(const item_outcome& outcome, operation& of, std::size_t item);

    verdict& said_;
    std::deque<operation>& operations_;
    std::vector<fact> facts_; // by position - 1
    std::map<std::string, std::uint64_t, std::less<>> versions_;
    std::map<std::uint64_t, std::vector<position>> made_by_; // operation -> its events
    std::vector<hash256> told_chain_;                        // what was told, kept over crashes
    position told_through_ = 0;
    std::uint64_t epoch_ = 0;
    std::shared_ptr<const committed_batch> attempt_;
    std::deque<lost_token> lost_;
    chain_hasher hasher_;
};

} // namespace fasti::sim
