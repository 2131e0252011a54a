// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/core/judge.hpp"

#include "eventstore/port/token.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace fasti::sim {
namespace {

std::string at_text(position at) { return "position " + std::to_string(at); }

} // namespace

// --- while a server lives ---------------------------------------------------------------------------

void judge::on_attempt(const std::shared_ptr<const committed_batch>& batch, std::uint64_t epoch) {
    attempt_ = batch;
    epoch_ = epoch;
}

void judge::on_delivered(const committed_batch& batch) {
    if (batch.first != head() + 1) {
        said_.fail("A batch begins at " + at_text(batch.first) + " after " + at_text(head()) + ".");
        return;
    }
    for (std::size_t i = 0; i < batch.slices.size(); ++i) {
        recorded_event event;
        if (!decode_record(batch.canonical(i), event) || event.at != batch.first + i) {
            said_.fail("A batch holds what is no event for " + at_text(batch.first + i) + ".");
            return;
        }
        add(event);
        if (facts_.back().chain != batch.hashes[i]) {
            said_.fail("A batch has a wrong hash for " + at_text(event.at) + ".");
        }
    }
    if (facts_.back().chain != batch.last_hash) {
        said_.fail("A batch has a wrong last hash at " + at_text(head()) + ".");
    }
}

void judge::add(const recorded_event& event) {
    fact one;
    one.stream = event.fact.stream;
    one.command = event.fact.command;
    one.index = event.fact.index;
    one.stream_version = event.fact.stream_version;
    one.operation = operation_of(event.fact.reason);
    one.recorded = event.fact.recorded;
    one.digest = hash64(event.canonical);
    one.chain = hasher_.next(facts_.empty() ? hash256{} : facts_.back().chain, event.canonical);
    if (!facts_.empty() && one.recorded < facts_.back().recorded) {
        said_.fail("Recorded time goes back at " + at_text(event.at) + ".");
    }
    std::uint64_t& version = versions_[one.stream];
    if (one.stream_version != version + 1) {
        said_.fail("The stream " + one.stream + " steps from version " + std::to_string(version) +
                   " to " + std::to_string(one.stream_version) + " at " + at_text(event.at) + ".");
    }
    version = one.stream_version;
    if (one.operation.has_value()) {
        made_by_[*one.operation].push_back(event.at);
    }
    facts_.push_back(std::move(one));
}

void judge::told(position at) {
    if (at > head()) {
        said_.fail("Somebody was shown " + at_text(at) + ", but nothing above " +
                   std::to_string(head()) + " is durable.");
        return;
    }
    for (position i = told_through_; i < at; ++i) {
        told_chain_.push_back(facts_[i].chain);
    }
    told_through_ = std::max(told_through_, at);
}

void judge::told_event(const recorded_event& event) {
    if (event.at == 0 || event.at > head() ||
        facts_[event.at - 1].digest != hash64(event.canonical)) {
        said_.fail("A follower was shown another event than was committed at " + at_text(event.at) +
                   ".");
        return;
    }
    told(event.at);
}

void judge::on_answer(const command_answer& answer, operation& of, position views_at) {
    of.state = op_state::answered;
    told(views_at);
    if (of.mode == batch_mode::all) {
        const bool failed = std::any_of(
            answer.outcomes.begin(), answer.outcomes.end(),
            [](const item_outcome& one) { return one.kind == outcome_kind::failed; });
        item_outcome sum;
        sum.kind = failed ? outcome_kind::failed : outcome_kind::unchanged;
        for (const item_outcome& one : answer.outcomes) {
            if (failed) {
                sum.failure = one.failure.has_value() ? one.failure : sum.failure;
            } else if (one.count > 0) {
                sum.first = sum.count == 0 ? one.first : sum.first;
                sum.kind = one.kind;
                sum.count += one.count;
            } else if (one.kind == outcome_kind::dry_run) {
                sum.kind = one.kind;
            }
        }
        on_outcome(sum, of, 0);
        return;
    }
    if (answer.outcomes.size() != of.items.size()) {
        said_.fail(of.marker + " got " + std::to_string(answer.outcomes.size()) + " outcomes for " +
                   std::to_string(of.items.size()) + " commands.");
        return;
    }
    for (std::size_t i = 0; i < answer.outcomes.size(); ++i) {
        on_outcome(answer.outcomes[i], of, i);
    }
}

void judge::on_outcome(const item_outcome& outcome, operation& of, std::size_t item) {
    told_range& known = of.told[item];
    const bool positions = outcome.kind == outcome_kind::appended ||
                           outcome.kind == outcome_kind::already;
    if (positions) {
        if (of.dry_run) {
            said_.fail("The dry run " + of.marker + " appended.");
        }
        if (known.count > 0 && (outcome.kind == outcome_kind::appended ||
                                outcome.first != known.first || outcome.count != known.count)) {
            said_.fail(of.marker + " was told " + at_text(known.first) + " and, asked again, " +
                       at_text(outcome.first) + ".");
        }
        known = {outcome.first, outcome.count};
        check_range(of, known, item);
    } else {
        on_refused(outcome, of, item);
    }
    if (outcome.failure.has_value() && outcome.failure->actual_version.has_value() && !of.dry_run) {
        std::string stream;
        if (append_command_stream(of.items[item].what, stream) && of.mode == batch_mode::each &&
            *outcome.failure->actual_version > version_of(stream)) {
            said_.fail(of.marker + " was refused for version " +
                       std::to_string(*outcome.failure->actual_version) + " of " + stream +
                       ", which is not durable.");
        }
    }
    if (of.other_body && outcome.kind != outcome_kind::failed) {
        said_.fail(of.marker + " used another operation's key and was not refused.");
    }
}

//! Nothing was appended for it: then no attempt of it may have left events.
void judge::on_refused(const item_outcome& outcome, operation& of, std::size_t item) {
    // The simulated disk says of itself that it failed: then nothing is known of the key.
    const bool trouble = outcome.failure.has_value() &&
                         outcome.failure->message.find("Simulated") != std::string::npos;
    if (of.told[item].count > 0 && !trouble) {
        said_.fail(of.marker + " was appended at " + at_text(of.told[item].first) +
                   " and, asked again, is told " +
                   (outcome.failure.has_value() ? outcome.failure->message
                                                : std::string{"that nothing changed."}));
    }
    const bool alone = of.items.size() == 1 || of.mode == batch_mode::all || of.dry_run;
    if (alone && !trouble && of.told[item].count == 0 && made_by_.contains(of.id)) {
        said_.fail(of.marker + " is told that nothing was appended, but " +
                   at_text(made_by_[of.id].front()) + " is its event.");
    }
}

void judge::check_range(const operation& of, const told_range& range, std::size_t item) {
    if (range.first == 0 || range.first + range.count - 1 > head()) {
        said_.fail(of.marker + " was told " + at_text(range.first) + ", but the log ends at " +
                   std::to_string(head()) + ".");
        return;
    }
    for (std::uint32_t i = 0; i < range.count; ++i) {
        const fact& one = facts_[range.first - 1 + i];
        const bool same_command = of.mode == batch_mode::all ||
                                  (one.index == i &&
                                   one.command == facts_[range.first - 1].command);
        if (one.operation != of.id || !same_command) {
            said_.fail(of.marker + " item " + std::to_string(item) + " was told " +
                       at_text(range.first + i) + ", which is not its event.");
        }
    }
}

std::uint64_t judge::version_of(std::string_view stream) const {
    const auto found = versions_.find(stream);
    return found == versions_.end() ? 0 : found->second;
}

// --- after a start ----------------------------------------------------------------------------------

void judge::check_log(const ledger& log) {
    const std::vector<fact> before = std::move(facts_);
    facts_.clear();
    versions_.clear();
    made_by_.clear();
    epoch_ = log.head().epoch;
    const auto end = log.read(1, log.head().last, {}, [&](const recorded_event& event) {
        if (event.at != head() + 1) {
            said_.fail("The log has a hole before " + at_text(event.at) + ".");
            return read_more::stop;
        }
        add(event);
        return read_more::go_on;
    });
    if (!end.ok() || head() != log.head().last) {
        said_.fail("The log cannot be read to its head" +
                   (end.ok() ? std::string{"."} : ": " + end.error().message));
        return;
    }
    if (!facts_.empty() && facts_.back().chain != log.head().last_hash) {
        said_.fail("The head has another hash than the chain.");
    }
    if (head() < told_through_) {
        said_.fail("The log ends at " + std::to_string(head()) + ", but " + at_text(told_through_) +
                   " was acknowledged.");
        return;
    }
    for (position at = 1; at <= told_through_; ++at) {
        if (facts_[at - 1].chain != told_chain_[at - 1]) {
            said_.fail("The acknowledged event at " + at_text(at) + " was altered.");
            return;
        }
    }
    note_lost(log);
    check_operations();
}

//! The batch that was being written when the server ended: its tokens are of a history that is
//! lost, unless it is there.
void judge::note_lost(const ledger&) {
    if (attempt_ == nullptr) {
        return;
    }
    for (std::size_t i = 0; i < attempt_->slices.size(); ++i) {
        const position at = attempt_->first + i;
        const bool there = at <= head() && facts_[at - 1].chain == attempt_->hashes[i];
        if (!there) {
            lost_.push_back({at, attempt_->hashes[i].prefix()});
        }
    }
    attempt_.reset();
    while (lost_.size() > 50) {
        lost_.pop_front();
    }
}

void judge::check_operations() {
    for (const auto& [id, positions] : made_by_) {
        check_operation(operations_.at(id));
    }
    for (const operation& of : operations_) {
        for (std::size_t i = 0; i < of.told.size(); ++i) {
            if (of.told[i].count > 0) {
                check_range(of, of.told[i], i);
            }
        }
    }
}

void judge::check_operation(const operation& of) {
    const std::vector<position>& positions = made_by_[of.id];
    std::set<id128> commands;
    for (const position at : positions) {
        commands.insert(facts_[at - 1].command);
    }
    if (of.dry_run || commands.size() > of.items.size()) {
        said_.fail(of.marker + " has " + std::to_string(of.items.size()) +
                   " commands and was applied " + std::to_string(commands.size()) +
                   " times, last at " + at_text(positions.back()) + ".");
    }
    if (of.mode == batch_mode::all &&
        positions.back() - positions.front() + 1 != positions.size()) {
        said_.fail("The batch " + of.marker + " of all or nothing lies apart.");
    }
    const bool whole = of.state == op_state::answered &&
                       (of.items.size() == 1 || of.mode == batch_mode::all);
    if (whole && of.told.front().count != positions.size()) {
        said_.fail(of.marker + " was told " + std::to_string(of.told.front().count) +
                   " events and has " + std::to_string(positions.size()) + ".");
    }
}

void judge::check_receipts(const ledger& log, std::size_t sample, machine& on) {
    for (std::size_t i = 0; i < sample && !operations_.empty(); ++i) {
        const operation& of = operations_[on.pick(0, operations_.size() - 1)];
        if (!of.repeatable) {
            continue;
        }
        std::uint64_t events = 0;
        for (std::size_t item = 0; item < of.told.size(); ++item) {
            const std::string_view key = of.mode == batch_mode::all
                                             ? std::string_view{of.batch_key}
                                             : of.items[item].idempotency_key;
            const auto found = log.find_receipt(of.scope(), key);
            if (!found.ok()) {
                said_.fail("A receipt cannot be read: " + found.error().message);
                return;
            }
            const told_range kept = found->has_value()
                                        ? told_range{(*found)->first, (*found)->count}
                                        : told_range{};
            const told_range& told = of.told[item];
            if (told.count > 0 && (told.first != kept.first || told.count != kept.count)) {
                said_.fail("The receipt of " + of.marker + " says " + at_text(kept.first) +
                           " where the client was told " + at_text(told.first) + ".");
            }
            if (kept.count > 0) {
                check_range(of, kept, item);
            }
            events += kept.count;
        }
        const auto made = made_by_.find(of.id);
        if (events != (made == made_by_.end() ? 0 : made->second.size())) {
            said_.fail("The receipts of " + of.marker + " name " + std::to_string(events) +
                       " events, not as many as it made.");
        }
    }
}

std::string judge::token_at(position at) const {
    std::string out;
    write_token(epoch_, at, at == 0 ? 0 : facts_[at - 1].chain.prefix(), out);
    return out;
}

void judge::check_tokens(const ledger& log) {
    for (const lost_token& lost : lost_) {
        const history_token token{log.head().epoch, lost.at, lost.prefix};
        const auto belongs = verify_token(token, log);
        if (belongs.ok() || belongs.error().code != error_code::history_forked) {
            said_.fail("A token of lost history at " + at_text(lost.at) + " is accepted.");
        }
    }
}

} // namespace fasti::sim
