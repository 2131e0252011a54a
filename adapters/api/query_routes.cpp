// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/query_routes.hpp"

#include "adapters/api/authentication.hpp"
#include "adapters/api/evaluate.hpp"
#include "adapters/api/read_place.hpp"
#include "adapters/api/refusals.hpp"
#include "adapters/api/waiters.hpp"
#include "adapters/crypto/digest.hpp"
#include "eventstore/port/token.hpp"
#include "projections/engine/past.hpp"
#include "projections/queries/log_queries.hpp"

#include <array>
#include <cstring>
#include <map>
#include <span>
#include <utility>

namespace fasti::api {
namespace {

constexpr std::uint64_t wait_ms_default = 30'000;          // index without wait
constexpr std::size_t told_bytes_max = 4U * 1024U * 1024U; // answers kept while one commit is told

//! A stream of at most as many events is folded in a short turn.
constexpr std::uint64_t short_stream_events = 10'000;

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

//! Whether the question itself is wrong, so that waiting cannot help.
bool is_at_fault(const query_answer& answer) {
    return answer.failure.has_value() && (answer.failure->code == error_code::fields_invalid ||
                                          answer.failure->code == error_code::malformed);
}

//! Fills the answer and sends it.
void tell(const call& asked, evaluated&& what, std::string_view position) {
    http::response& out = asked.out();
    if (what.answer.failure.has_value()) {
        http::write_problem(*what.answer.failure, out);
    } else if (asked.knows(what.etag)) {
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

//! A question about the past, complete in itself but for the request, which stays until it is answered.
struct past_question {
    question what;
    std::string at;
    instant now;
    std::uint64_t chosen = 0; //!< by chance
};

struct past_answer {
    evaluated answer;
    std::string position;
};

using some_views = std::shared_ptr<const view_set>;

result<some_views> shared(result<std::unique_ptr<view_set>> made) {
    if (!made.ok()) {
        return std::move(made).error();
    }
    return some_views{std::move(made).value()};
}

//! On a worker: finds the place, lets views_at(place) make the views, and evaluates over them.
template <class ViewsAt>
result<past_answer> answer_of(const past_question& of, const ledger& facts,
                              const ViewsAt& views_at) {
    const auto place = resolve_at(of.at, facts, of.now);
    if (!place.ok()) {
        return place.error();
    }
    const result<some_views> views = views_at(place.value());
    if (!views.ok()) {
        return views.error();
    }
    const auto hash = facts.hash_at(place.value());
    if (!hash.ok()) {
        return hash.error();
    }
    pick_turns own_turns;
    past_answer out;
    out.answer = evaluate(of.what, *views.value(), {of.chosen, own_turns});
    write_token(facts.head().epoch, place.value(), hash.value().prefix(), out.position);
    return out;
}

} // namespace

struct query_routes::parts final : commit_observer {
    api_context& context;
    position_waits& arrivals;
    chance random = {};
    pick_turns turns = {};
    waiters waiting = {};
    past_folds& past;
    std::map<std::string, evaluated> told_now = {}; // of this commit, by shared_key()
    std::size_t told_bytes = 0;                     // in told_now
    evaluated told_last = {};                       // not kept there: nobody shares it, or no room
    std::uint64_t evaluations = 0;                  // for waiters, because something changed

    parts(api_context& of, past_folds& folds, position_waits& waits)
        : context(of), arrivals(waits), past(folds) {}

    void answer(const call& asked, const question& what, const common_params& common);
    void answer_live(const call& asked, const question& what);
    void answer_past(const call& asked, const question& what, std::string_view at);
    void answer_past_key(const call& asked, const past_question& of, const std::string& stream);
    void answer_long_key(const call& asked, const past_question& of, const std::string& stream);
    void answer_changed(const call& asked, const question& what, const common_params& common);
    void give_up(const waiter& one);
    bool look_again(waiter& one, std::span<const std::string_view> services);
    const evaluated& evaluate_again(const question& what);
    void on_committed(const std::shared_ptr<const committed_batch>& batch) override;

    evaluated evaluate_live(const question& what) {
        return evaluate(what, context.live->views(), {random.next(), turns});
    }
    result<void> read_live(const question& what, read_question& out) {
        return read_and_evaluate(what, context.live->views(), {random.next(), turns}, out);
    }
    void tell_live(const call& asked, evaluated&& what) const {
        tell(asked, std::move(what), context.live->position_token());
    }
    std::int64_t in_ms(std::uint64_t ms) const {
        return context.time.monotonic_us() + static_cast<std::int64_t>(ms) * 1'000;
    }
};

query_routes::query_routes(api_context& context, past_folds& past, position_waits& arrivals)
    : parts_(new parts(context, past, arrivals)) {}
query_routes::~query_routes() = default;

void query_routes::start(node& live) { live.add_observer(*parts_); }

std::size_t query_routes::waiting() const noexcept { return parts_->waiting.size(); }
std::uint64_t query_routes::evaluations() const noexcept { return parts_->evaluations; }

void query_routes::handle(const call& asked) {
    const question what{asked.route().what, &asked.in()};
    question now = what;
    now.captured = asked.at.captured();
    read_question first;
    if (const auto read = parts_->read_live(now, first); !read.ok()) {
        asked.refuse(read.error());
    } else if (first.answer.has_value()) {
        parts_->tell_live(asked, std::move(*first.answer));
    } else {
        parts_->arrivals.pass(asked, first.common,
                              [own = parts_.get(), asked, what, common = first.common] {
                                  own->answer(asked, what, common);
                              });
    }
}

void query_routes::parts::answer(const call& asked, const question& what,
                                 const common_params& common) {
    if (!common.at.empty()) {
        answer_past(asked, what, common.at);
    } else if (common.index.empty()) {
        answer_live(asked, what);
    } else {
        answer_changed(asked, what, common);
    }
}

void query_routes::parts::answer_live(const call& asked, const question& what) {
    tell_live(asked, evaluate_live(what));
}

void query_routes::parts::answer_past(const call& asked, const question& what,
                                      std::string_view at) {
    const past_question of{what, std::string(at), context.time.now(), random.next()};
    if (const auto stream = stream_of(what)) {
        answer_past_key(asked, of, *stream);
        return;
    }
    past.answer(
        asked,
        [of, &facts = context.live->facts()](past_views& views, const progress_sink& progress) {
            return answer_of(of, facts, [&](position place) -> result<some_views> {
                return views.as_of(place, progress);
            });
        },
        [asked](past_answer done) { tell(asked, std::move(done.answer), done.position); });
}

//! A short turn, unless the stream is so long that it would hold others up.
void query_routes::parts::answer_past_key(const call& asked, const past_question& of,
                                          const std::string& stream) {
    const auto turn = [this, asked, of, stream] {
        const ledger& facts = context.live->facts();
        const auto version = facts.stream_version(stream);
        if (version.ok() && version.value() > short_stream_events) {
            context.post([this, asked, of, stream] { answer_long_key(asked, of, stream); });
            return;
        }
        const auto done = std::make_shared<result<past_answer>>(
            answer_of(of, facts, [&](position place) -> result<some_views> {
                return shared(stream_as_of(facts, stream, place, {}));
            }));
        context.post([asked, done] {
            if (done->ok()) {
                tell(asked, std::move(done->value().answer), done->value().position);
            } else {
                asked.refuse(done->error());
            }
        });
    };
    if (!context.run_slow(slow_lane::questions, turn)) {
        asked.refuse(reads_full());
    }
}

void query_routes::parts::answer_long_key(const call& asked, const past_question& of,
                                          const std::string& stream) {
    past.answer(
        asked,
        [of, stream, &facts = context.live->facts()](past_views&, const progress_sink& progress) {
            return answer_of(of, facts, [&](position place) -> result<some_views> {
                return shared(stream_as_of(facts, stream, place, progress));
            });
        },
        [asked](past_answer done) { tell(asked, std::move(done.answer), done.position); });
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
    if (now.answer.changed > index.value() || wait_ms == 0 || context.now == phase::draining ||
        is_at_fault(now.answer)) {
        tell_live(asked, std::move(now));
        return;
    }
    waiter one;
    one.asked = asked;
    one.what = what;
    one.watched = watched_by(what);
    one.digest = now.answer.digest;
    one.changed = last_change(what, context.live->views());
    one.until_us = in_ms(wait_ms);
    waiting.add(std::move(one));
}

void query_routes::parts::on_committed(const std::shared_ptr<const committed_batch>& batch) {
    if (waiting.size() > 0) {
        const std::vector<std::string_view> services = touched_services(*batch);
        waiting.wake(services, [&](waiter& one) { return look_again(one, services); });
        told_now.clear();
        told_bytes = 0;
        told_last = {};
    }
}

//! Clients that wait with the same question share one evaluation a commit, as far as there is room to
//! keep answers. Valid until the next call.
const evaluated& query_routes::parts::evaluate_again(const question& what) {
    std::string key = shared_key(what);
    if (const auto known = told_now.find(key); known != told_now.end()) {
        return known->second;
    }
    ++evaluations;
    told_last = evaluate_live(what);
    const std::size_t bytes = key.size() + told_last.answer.body.size();
    if (key.empty() || told_bytes + bytes > told_bytes_max) {
        return told_last;
    }
    told_bytes += bytes;
    return told_now.emplace(std::move(key), std::move(told_last)).first->second;
}

//! Whether the waiter was answered. Most commits are about something else, and that shows without
//! an evaluation.
bool query_routes::parts::look_again(waiter& one, std::span<const std::string_view> services) {
    if (!one.watched.has_any_of(services)) {
        return false;
    }
    const position changed = last_change(one.what, context.live->views());
    if (changed == one.changed) {
        return false;
    }
    one.changed = changed;
    const evaluated& now = evaluate_again(one.what);
    if (now.answer.digest == one.digest) {
        return false;
    }
    if (!refused_by_now(one.asked, context)) {
        tell_live(one.asked, evaluated{now});
    }
    return true;
}

//! The time is over: what there is.
void query_routes::parts::give_up(const waiter& one) {
    if (!refused_by_now(one.asked, context)) {
        tell_live(one.asked, evaluate_live(one.what));
    }
}

void query_routes::drain() {
    parts_->waiting.end_all([this](const waiter& one) { parts_->give_up(one); });
}

void query_routes::tick() {
    parts_->waiting.end_overdue(parts_->context.time.monotonic_us(),
                                [this](const waiter& one) { parts_->give_up(one); });
}

} // namespace fasti::api
