// SPDX-License-Identifier: Apache-2.0
#include "commands/pipeline/sequencer.hpp"

#include "commands/pipeline/batch_room.hpp"
#include "commands/pipeline/dispatch.hpp"
#include "commands/pipeline/open_batch.hpp"
#include "commands/pipeline/repeats.hpp"
#include "domain/wire/commands.gen.hpp"
#include "domain/wire/identity_stored.gen.hpp"
#include "domain/wire/registry_stored.gen.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace fasti {
namespace {

//! How many commands of a request ahead their look-ups are fetched.
constexpr std::size_t ahead_commands = 4;

error version_conflict_at(std::uint64_t actual) {
    error failure{error_code::version_conflict,
                  "The stream is at version " + std::to_string(actual) + "."};
    failure.actual_version = actual;
    return failure;
}

//! Whether a failure met at one command of a batch says nothing about that command: there is no room for
//! the batch, or nothing can be written now.
bool concerns_the_request(error_code code) {
    return code == error_code::store_full || code == error_code::store_unavailable ||
           code == error_code::body_too_large;
}

item_outcome failed_with(error failure) {
    item_outcome outcome;
    outcome.kind = outcome_kind::failed;
    outcome.failure = std::move(failure);
    return outcome;
}

} // namespace

struct sequencer::parts {
    ledger& facts;
    write_model& model;
    clock& time;
    id_source& ids;

    open_batch batch = {};
    batch_room room{facts, batch};
    repeats keys{facts, batch};
    std::vector<command_answer> answers = {};
    position head = 0;
    instant last_recorded = {};

    // What all items of the request being staged share; texts kept in the batch.
    event_draft common = {};
    std::string_view scope = {};
    const principal* known = nullptr; // whose tenant, actor and scope this batch has kept already
    std::string_view tenant = {};
    std::string_view actor = {};
    bool dry_run = false;
    std::vector<std::string_view> permissions = {};
    std::string scratch = {};
    std::string own_stream = {}; // of the command being decided

    void begin(const command_request& request);
    void know(const principal& caller);
    void stage_each(const command_request& request, std::vector<item_outcome>& outcomes);
    void stage_all(const command_request& request, command_answer& answer);
    void foresee(const command_item& item);
    item_outcome run(const command_item& item);
    template <class Command>
    item_outcome run_one(const command_item& item, const Command& what);
    template <class Event>
    result<void> stage_events(const std::vector<Event>& events, const event_draft& alike);
    template <class Command>
    std::optional<error> check_conditions(const command_item& item, const Command& what,
                                          std::string_view stream, bool was_there);
    result<std::uint64_t> version_of(std::string_view stream);
    std::vector<planned_event> take_plan(const open_batch::savepoint& from);
};

sequencer::sequencer(ledger& facts, write_model& model, clock& time, id_source& ids)
    : parts_(new parts{facts, model, time, ids}) {
    const ledger_head head = facts.head();
    parts_->head = head.last;
    parts_->last_recorded = head.last_recorded;
}

sequencer::~sequencer() = default;

bool sequencer::full() const noexcept { return parts_->room.full(); }

bool sequencer::fits(const command_request& request) const noexcept {
    return parts_->room.fits(request);
}

bool sequencer::idle() const noexcept { return parts_->answers.empty(); }

void sequencer::foresee(const command_request& request) {
    const std::size_t first = std::min(ahead_commands, request.items.size());
    for (std::size_t i = 0; i < first; ++i) {
        parts_->foresee(request.items[i]);
    }
}

void sequencer::stage(std::unique_ptr<command_request> request) {
    check(!full(), "a full batch is committed before more is staged");
    command_answer answer;
    const auto room = parts_->room.make_for(*request);
    if (!room.ok()) {
        answer.failed_whole = request->mode == batch_mode::all;
        answer.outcomes.assign(answer.failed_whole ? 1 : request->items.size(),
                               failed_with(room.error()));
    } else {
        parts_->begin(*request);
        if (request->mode == batch_mode::all) {
            parts_->stage_all(*request, answer);
        } else {
            parts_->stage_each(*request, answer.outcomes);
        }
    }
    answer.request = std::move(request);
    parts_->answers.push_back(std::move(answer));
}

result<commit_notice> sequencer::commit() {
    commit_notice notice;
    if (!parts_->batch.events().empty()) {
        auto appended = parts_->facts.append(parts_->batch.as_batch());
        if (!appended.ok()) {
            return std::move(appended).error();
        }
        notice.batch = std::move(appended).value();
        check(notice.batch->first == parts_->head + 1, "positions are dense");
        parts_->head = notice.batch->last();
    }
    parts_->batch.clear();
    parts_->known = nullptr;
    parts_->room.forget();
    notice.answers = std::exchange(parts_->answers, {});
    parts_->answers.reserve(notice.answers.size());
    for (command_answer& answer : notice.answers) {
        answer.batch = notice.batch.get();
    }
    return notice;
}

void sequencer::parts::begin(const command_request& request) {
    last_recorded = std::max(last_recorded, time.now());
    if (known != request.caller.get()) {
        know(*request.caller);
    }
    common = {};
    common.recorded = last_recorded;
    common.tenant = tenant;
    common.actor = actor;
    common.reason = batch.texts().keep(request.reason);
    common.correlation = batch.texts().keep(request.correlation);
    common.cause = batch.texts().keep(request.cause);
    common.trace = batch.texts().keep(request.trace);
    dry_run = request.dry_run;
}

//! The answers of the batch hold their requests and these their callers: a pointer names one caller until
//! the batch is told.
void sequencer::parts::know(const principal& caller) {
    known = &caller;
    tenant = batch.texts().keep(caller.tenant);
    actor = batch.texts().keep(caller.actor);
    scratch.assign(caller.tenant).append("/").append(caller.actor);
    scope = batch.texts().keep(scratch);
    permissions.assign(caller.permissions.begin(), caller.permissions.end());
}

void sequencer::parts::stage_each(const command_request& request,
                                  std::vector<item_outcome>& outcomes) {
    const auto start = batch.here();
    outcomes.reserve(request.items.size());
    for (std::size_t i = 0; i < request.items.size(); ++i) {
        if (i + ahead_commands < request.items.size()) {
            foresee(request.items[i + ahead_commands]);
        }
        const auto before = batch.here();
        item_outcome outcome = run(request.items[i]);
        if (dry_run) {
            if (outcome.kind == outcome_kind::appended) {
                outcome.kind = outcome_kind::dry_run;
                outcome.planned = take_plan(before);
            }
        } else if (outcome.kind == outcome_kind::appended) {
            model.keep();
        }
        outcomes.push_back(std::move(outcome));
    }
    if (dry_run) {
        model.drop();
        batch.back_to(start);
    }
}

void sequencer::parts::stage_all(const command_request& request, command_answer& answer) {
    std::vector<item_outcome>& outcomes = answer.outcomes;
    const auto fail_whole = [&](item_outcome why) {
        answer.failed_whole = why.failure.has_value();
        outcomes.clear();
        outcomes.push_back(std::move(why));
    };
    const auto start = batch.here();
    const bool keyed = !request.batch_key.empty() && !dry_run;
    key_use whole{scope, request.batch_key, {}};
    if (keyed) {
        whole.digest = keys.digest_of(request.items);
        for (const command_item& item : request.items) {
            if (item.idempotency_key == request.batch_key) {
                fail_whole(failed_with(key_reused("A command of the batch has the key of the "
                                                  "whole batch.")));
                return;
            }
        }
        auto told = keys.recall(whole, head);
        if (!told.ok() || told.value().has_value()) {
            fail_whole(told.ok() ? *told.value() : failed_with(told.error()));
            return;
        }
    }
    item_outcome sum;
    for (std::size_t i = 0; i < request.items.size(); ++i) {
        if (i + ahead_commands < request.items.size()) {
            foresee(request.items[i + ahead_commands]);
        }
        const auto before = batch.here();
        item_outcome outcome = run(request.items[i]);
        if (outcome.kind == outcome_kind::failed) {
            model.drop();
            batch.back_to(start);
            if (concerns_the_request(outcome.failure->code)) {
                fail_whole(std::move(outcome));
            } else {
                outcomes.push_back(std::move(outcome));
            }
            return;
        }
        if (dry_run && outcome.kind == outcome_kind::appended) {
            outcome.kind = outcome_kind::dry_run;
            outcome.planned = take_plan(before);
        }
        if (outcome.kind == outcome_kind::appended) {
            sum.first = sum.count == 0 ? outcome.first : sum.first;
            sum.count += outcome.count;
        }
        outcomes.push_back(std::move(outcome));
    }
    if (dry_run) {
        model.drop();
        batch.back_to(start);
        return;
    }
    model.keep();
    if (keyed && sum.count > 0) {
        keys.remember(whole, sum, head);
    }
}

void sequencer::parts::foresee(const command_item& item) {
    std::visit([&](const auto& what) { name_stream(what, scratch); }, item.what);
    model.registry.foresee(scratch);
    facts.foresee(scratch);
}

item_outcome sequencer::parts::run(const command_item& item) {
    return std::visit([&](const auto& what) { return run_one(item, what); }, item.what);
}

template <class Command>
item_outcome sequencer::parts::run_one(const command_item& item, const Command& what) {
    const bool keyed = !item.idempotency_key.empty() && !dry_run;
    key_use own{scope, item.idempotency_key, {}};
    if (keyed) {
        own.digest = keys.digest_of(item);
        auto told = keys.recall(own, head);
        if (!told.ok()) {
            return failed_with(std::move(told).error());
        }
        if (told.value().has_value()) {
            return std::move(*told.value());
        }
    }
    name_stream(what, own_stream);
    const bool was_there = exists(model, what);
    if (auto failure = check_conditions(item, what, own_stream, was_there)) {
        return failed_with(std::move(*failure));
    }
    const id128 command_id = ids.next();
    const decision_context context{common.recorded, common.actor, common.tenant, permissions,
                                   command_id};
    auto decided = decide(state_for(model, what), what, context);
    if (!decided.ok()) {
        return failed_with(std::move(decided).error());
    }
    item_outcome outcome;
    outcome.kind = outcome_kind::unchanged;
    if (!decided.value().empty()) {
        outcome.kind = outcome_kind::appended;
        outcome.first = head + 1 + batch.events().size();
        outcome.count = static_cast<std::uint32_t>(decided.value().size());
        event_draft alike = common;
        alike.command = command_id;
        if (item.cause != 0) {
            alike.cause = batch.texts().keep(std::to_string(item.cause));
        }
        if (auto staged = stage_events(decided.value(), alike); !staged.ok()) {
            return failed_with(std::move(staged).error());
        }
        outcome.created = !was_there && exists(model, what);
        if (keyed) {
            keys.remember(own, outcome, head);
        }
    }
    if (outcome.kind == outcome_kind::appended && batch.events().back().stream == own_stream) {
        outcome.stream_version = batch.events().back().stream_version;
    } else if (!own_stream.empty()) {
        const auto version = version_of(own_stream);
        if (version.ok()) {
            outcome.stream_version = version.value();
        }
    }
    return outcome;
}

template <class Command>
std::optional<error> sequencer::parts::check_conditions(const command_item& item,
                                                        const Command& what,
                                                        std::string_view stream, bool was_there) {
    if (item.must_not_exist && was_there) {
        return error{error_code::precondition_failed, "The resource exists already."};
    }
    if (item.must_exist && !was_there) {
        return error{error_code::precondition_failed, "The resource does not exist."};
    }
    if (!item.expected_version.has_value()) {
        return std::nullopt;
    }
    if (stream.empty()) {
        return error{error_code::fields_invalid,
                     "The command " + std::string(what.type_name) +
                         " has no stream whose version it could expect."};
    }
    const auto actual = version_of(stream);
    if (!actual.ok()) {
        return actual.error();
    }
    if (actual.value() != *item.expected_version) {
        return version_conflict_at(actual.value());
    }
    return std::nullopt;
}

//! Encodes all events before the first one changes the state they may borrow from.
template <class Event>
result<void> sequencer::parts::stage_events(const std::vector<Event>& events,
                                            const event_draft& alike) {
    const auto before = batch.here();
    std::uint32_t index = 0;
    for (const Event& event : events) {
        event_draft draft = alike;
        draft.index = index++;
        std::visit(
            [&](const auto& fact) {
                draft.type = fact.type_name;
                draft.revision = fact.revision_now;
                scratch.clear();
                append_stream_of(fact, scratch);
                draft.stream = batch.texts().keep(scratch);
                scratch.clear();
                encode(fact, scratch);
                draft.data = batch.texts().keep(scratch);
            },
            event);
        auto version = version_of(draft.stream);
        if (!version.ok()) {
            batch.back_to(before);
            return std::move(version).error();
        }
        if (auto fits = room.make_for(draft); !fits.ok()) {
            batch.back_to(before);
            return fits;
        }
        draft.stream_version = version.value() + 1;
        batch.add(draft);
    }
    const std::size_t first = before.events;
    for (std::size_t i = 0; i < events.size(); ++i) {
        const event_draft& draft = batch.events()[first + i];
        const event_context context{draft.recorded, draft.stream_version, head + 1 + first + i,
                                    draft.actor};
        std::visit([&](const auto& fact) { evolve_model(model, fact, context); }, events[i]);
    }
    return {};
}

result<std::uint64_t> sequencer::parts::version_of(std::string_view stream) {
    if (const auto staged = batch.head_of(stream)) {
        return *staged;
    }
    return facts.version_to_append(stream);
}

std::vector<planned_event> sequencer::parts::take_plan(const open_batch::savepoint& from) {
    std::vector<planned_event> plan;
    for (std::size_t i = from.events; i < batch.events().size(); ++i) {
        const event_draft& draft = batch.events()[i];
        plan.push_back({std::string(draft.type), draft.revision, std::string(draft.stream),
                        draft.stream_version, std::string(draft.data)});
    }
    return plan;
}

} // namespace fasti
