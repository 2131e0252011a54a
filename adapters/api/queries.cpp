// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/queries.hpp"

#include "adapters/api/authentication.hpp"
#include "adapters/api/evaluate.hpp"
#include "adapters/api/log_queries.hpp"
#include "adapters/api/read_point.hpp"
#include "adapters/api/refusals.hpp"
#include "adapters/api/waiters.hpp"
#include "adapters/crypto/digest.hpp"
#include "eventstore/port/token.hpp"
#include "projections/engine/past.hpp"
#include "projections/queries/log_queries.hpp"

#include <array>
#include <cstring>
#include <utility>

namespace fasti::api {
namespace {

constexpr std::uint64_t wait_ms_default = 30'000;  // index without wait
constexpr std::uint64_t after_ms_default = 10'000; // after without wait

//! Small and fast; seeded by the system. Picks need no secrecy.
class chance {
public:
    chance() {
        std::array<std::uint8_t, sizeof state_> seed{};
        crypto::fill_random(seed);
        std::memcpy(&state_, seed.data(), seed.size());
    }
    std::uint64_t next() noexcept { // splitmix64
        state_ += 0x9E37'79B9'7F4A'7C15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94D0'49BB'1331'11EBU;
        return mixed ^ (mixed >> 31U);
    }

private:
    std::uint64_t state_ = 0;
};

//! Whether the client has this answer already.
bool is_known(const http::request& from, std::string_view etag) {
    const std::string_view given = from.get(http::header_id::if_none_match);
    return !etag.empty() && !given.empty() &&
           (given == "*" || given.find(etag) != std::string_view::npos);
}

//! Fills the answer and sends it.
void tell(const call& asked, evaluated what, std::string_view position) {
    http::response& out = asked.out();
    if (what.answer.failure.has_value()) {
        http::write_problem(*what.answer.failure, out);
    } else if (is_known(asked.in(), what.etag)) {
        out.status = 304;
    } else {
        out.body = std::move(what.answer.body);
    }
    if (!what.etag.empty()) {
        out.add_header("ETag", what.etag);
    }
    if (!what.answer.parked.empty()) {
        out.add_header("Fasti-Parked", what.answer.parked);
    }
    out.add_header("Fasti-Position", position);
    asked.to.send();
}

} // namespace

struct query_routes::parts final : commit_follower {
    api_context& context;
    chance random = {};
    pick_turns turns = {};
    waiters waiting = {};
    std::unique_ptr<past_views> past = {}; // the worker's alone once it began

    explicit parts(api_context& of) : context(of) {}

    void answer(const call& asked, const question& what, const common_params& common);
    void answer_live(const call& asked, const question& what);
    void answer_past(const call& asked, const question& what, std::string_view at);
    bool reached(const call& asked, const question& what, const common_params& common);
    void answer_changed(const call& asked, const question& what, const common_params& common);
    void give_up(const waiter& one);
    bool refused_by_now(const call& asked) const;
    bool look_again(waiter& one);
    void on_committed(const std::shared_ptr<const committed_batch>& batch) override;

    evaluated evaluate_live(const question& what) {
        return evaluate(what, context.live->views(), {random.next(), turns});
    }
    result<first_look> look_live(const question& what) {
        return look(what, context.live->views(), {random.next(), turns});
    }
    void tell_live(const call& asked, evaluated what) const {
        std::string position;
        context.live->write_position(position);
        tell(asked, std::move(what), position);
    }
    std::int64_t in_ms(std::uint64_t ms) const {
        return context.time.monotonic_us() + static_cast<std::int64_t>(ms) * 1'000;
    }
};

query_routes::query_routes(api_context& context) : parts_(new parts(context)) {}
query_routes::~query_routes() = default;

void query_routes::start(node& live) {
    parts_->past = std::make_unique<past_views>(live.facts(), parts_->context.snapshots);
    live.follow(*parts_);
}

std::size_t query_routes::waiting() const noexcept { return parts_->waiting.size(); }

void query_routes::handle(const call& asked) {
    const question what{asked.route().what, &asked.in()};
    if (is_log_query(what.what)) {
        const auto common = check_question(what);
        if (!common.ok()) {
            asked.refuse(common.error());
        } else if (!answer_from_log(parts_->context, asked, what)) {
            asked.refuse(queue_full());
        }
        return;
    }
    auto first = parts_->look_live(what);
    if (!first.ok()) {
        asked.refuse(first.error());
    } else if (first->answer.has_value()) {
        parts_->tell_live(asked, std::move(*first->answer));
    } else {
        parts_->answer(asked, what, first->common);
    }
}

void query_routes::parts::answer(const call& asked, const question& what,
                                 const common_params& common) {
    if (!common.at.empty()) {
        answer_past(asked, what, common.at);
    } else if (common.after.empty() || reached(asked, what, common)) {
        if (common.index.empty()) {
            answer_live(asked, what);
        } else {
            answer_changed(asked, what, common);
        }
    }
}

void query_routes::parts::answer_live(const call& asked, const question& what) {
    tell_live(asked, evaluate_live(what));
}

//! On the worker, with views of its own; the answer comes back to this thread.
void query_routes::parts::answer_past(const call& asked, const question& what,
                                      std::string_view at) {
    struct outcome {
        std::optional<error> failure;
        evaluated answer;
        std::string position;
    };
    const auto done = std::make_shared<outcome>();
    ledger& facts = context.live->facts();
    const instant now = context.time.now();
    const std::uint64_t chosen = random.next();
    const auto work = [this, done, what, at = std::string(at), now, chosen, &facts] {
        const auto place = resolve_at(at, facts, now);
        if (!place.ok()) {
            done->failure = place.error();
            return;
        }
        std::shared_ptr<const view_set> views;
        if (const auto stream = stream_of(what)) {
            auto made = stream_as_of(facts, *stream, place.value());
            if (!made.ok()) {
                done->failure = std::move(made).error();
                return;
            }
            views = std::move(made).value();
        } else {
            auto made = past->as_of(place.value());
            if (!made.ok()) {
                done->failure = std::move(made).error();
                return;
            }
            views = std::move(made).value();
        }
        pick_turns own_turns;
        done->answer = evaluate(what, *views, {chosen, own_turns});
        const auto hash = facts.hash_at(place.value());
        if (!hash.ok()) {
            done->failure = hash.error();
            return;
        }
        write_token(facts.head().epoch, place.value(), hash.value().prefix(), done->position);
    };
    const auto back = [this, done, asked, work] {
        work();
        context.post([done, asked] {
            if (done->failure.has_value()) {
                asked.refuse(*done->failure);
            } else {
                tell(asked, std::move(done->answer), done->position);
            }
        });
    };
    if (!context.slow.run(back)) {
        asked.refuse(queue_full());
    }
}

//! True when the views stand at `after` already; else the call waits, or was refused.
bool query_routes::parts::reached(const call& asked, const question& what,
                                  const common_params& common) {
    const auto place = read_place(common.after, context.live->facts());
    if (!place.ok()) {
        asked.refuse(place.error());
        return false;
    }
    if (place.value() <= context.live->views().at()) {
        return true;
    }
    waiter one;
    one.asked = asked;
    one.what = what;
    one.after = place.value();
    one.until_us = in_ms(common.wait_ms.value_or(after_ms_default));
    if (context.now == phase::draining) {
        give_up(one);
    } else {
        waiting.add(std::move(one));
    }
    return false;
}

//! At once when the answer is newer than the index; else when it changes or the time is over.
void query_routes::parts::answer_changed(const call& asked, const question& what,
                                         const common_params& common) {
    const auto index = read_place(common.index, context.live->facts());
    if (!index.ok()) {
        asked.refuse(index.error());
        return;
    }
    evaluated now = evaluate_live(what);
    const std::uint64_t wait_ms = common.wait_ms.value_or(wait_ms_default);
    if (now.answer.changed > index.value() || wait_ms == 0 || context.now == phase::draining) {
        tell_live(asked, std::move(now));
        return;
    }
    waiter one;
    one.asked = asked;
    one.what = what;
    one.service = service_of(what);
    one.digest = now.answer.digest;
    one.until_us = in_ms(wait_ms);
    waiting.add(std::move(one));
}

void query_routes::parts::on_committed(const std::shared_ptr<const committed_batch>& batch) {
    if (waiting.size() > 0) {
        waiting.wake(touched_services(*batch), [this](waiter& one) { return look_again(one); });
    }
}

//! A token that was revoked or lapsed while its call waited learns nothing more.
bool query_routes::parts::refused_by_now(const call& asked) const {
    const bool valid = still_valid(asked.caller->actor, context.live->views().tokens(),
                                   context.time.now());
    if (!valid) {
        asked.refuse(token_invalid());
    }
    return !valid;
}

//! Whether the waiter was answered.
bool query_routes::parts::look_again(waiter& one) {
    if (one.after.has_value()) {
        if (context.live->views().at() < *one.after) {
            return false;
        }
        if (refused_by_now(one.asked)) {
            return true;
        }
        const auto common = check_question(one.what);
        check(common.ok(), "a question that waits was checked");
        common_params rest = common.value();
        rest.after = {};
        answer(one.asked, one.what, rest);
        return true;
    }
    evaluated now = evaluate_live(one.what);
    if (now.answer.digest == one.digest) {
        return false;
    }
    if (!refused_by_now(one.asked)) {
        tell_live(one.asked, std::move(now));
    }
    return true;
}

//! The time is over: what there is, or for `after` a plain no.
void query_routes::parts::give_up(const waiter& one) {
    if (refused_by_now(one.asked)) {
        return;
    }
    if (one.after.has_value()) {
        one.asked.refuse(
            error{error_code::wait_timeout, "Position " + std::to_string(*one.after) +
                                                " was not reached in time; the views stand at " +
                                                std::to_string(context.live->views().at()) + "."});
        return;
    }
    tell_live(one.asked, evaluate_live(one.what));
}

void query_routes::drain() {
    parts_->waiting.end_all([this](const waiter& one) { parts_->give_up(one); });
}

void query_routes::tick() {
    parts_->waiting.end_overdue(parts_->context.time.monotonic_us(),
                                [this](const waiter& one) { parts_->give_up(one); });
}

} // namespace fasti::api
