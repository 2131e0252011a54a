// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/event_routes.hpp"

#include "adapters/api/authentication.hpp"
#include "adapters/api/chained_read.hpp"
#include "adapters/api/cloudevents.hpp"
#include "adapters/api/event_filters.hpp"
#include "adapters/api/parameters.hpp"
#include "adapters/api/refusals.hpp"
#include "domain/wire/operations_json.gen.hpp"
#include "eventstore/port/token.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace fasti::api {
namespace {

// One list answers at most this much; `next` continues.
constexpr std::size_t list_bytes_max = 8 * 1024 * 1024;
constexpr std::int64_t tick_us = 1'000'000;

template <class Params>
result<event_filter> read_filter(const Params& from, const principal& caller) {
    return make_event_filter({from.type, from.stream, from.service, from.tenant}, caller);
}

//! The position to begin at, and that it is of this history. `known` is the newest position told.
result<position> begin_at(std::string_view text, bool exclusive, const ledger& facts,
                          position known) {
    const auto token = read_token(text);
    if (!token.ok()) {
        return token.error();
    }
    if (auto belongs = verify_token(token.value(), facts); !belongs.ok()) {
        return std::move(belongs).error();
    }
    const position at = token.value().at;
    const position next = exclusive ? at + 1 : std::max<position>(at, 1);
    if (at > known && next != known + 1) {
        return error{error_code::position_unknown,
                     "The log ends at position " + std::to_string(known) +
                         "; it cannot be read from position " + std::to_string(next) + " yet."};
    }
    return next;
}

bool prefers(const http::request& from, std::string_view media_type) {
    const std::string_view accept = from.get(http::header_id::accept);
    return !accept.empty() &&
           http::accept_weight(accept, media_type) > http::accept_weight(accept, http::media::json);
}

//! What one list or look-up does on the worker. Owns its text: the request may be gone by then.
struct list_work {
    const ledger& facts;
    position known = 0; //!< nothing above is told, though the ledger may hold more
    std::string from = {};
    event_filter filter = {};
    std::size_t limit = 0;
    bool plain_array = false;

    std::optional<error> failure = {};
    std::string body = {};
    std::string next = {};

    void run();
    result<void> read();
};

void list_work::run() {
    if (auto done = read(); !done.ok()) {
        failure = std::move(done).error();
    }
}

result<void> list_work::read() {
    position begin = 1;
    if (!from.empty()) {
        const auto asked = begin_at(from, false, facts, known);
        if (!asked.ok()) {
            return asked.error();
        }
        begin = asked.value();
    }
    const auto place = place_before(facts, begin);
    if (!place.ok()) {
        return place.error();
    }
    const std::uint64_t epoch = facts.head().epoch;
    cloudevent_writer writer(facts.log_id(), epoch);
    std::size_t count = 0;
    body = plain_array ? "[" : R"({"events":[)";
    const auto visit = [&](const recorded_event& event, const hash256& chain) {
        if (count++ > 0) {
            body += ',';
        }
        writer.write(event, chain, body);
        return count < limit && body.size() < list_bytes_max ? read_more::go_on : read_more::stop;
    };
    const auto end = read_chained(facts, place.value(), {.to = known}, filter, visit);
    if (!end.ok()) {
        return end.error();
    }
    const position follows = end.value().next;
    if (follows > known) {
        next = std::to_string(follows); // not there yet, so it has no hash
    } else {
        const auto hash = facts.hash_at(follows);
        if (!hash.ok()) {
            return hash.error();
        }
        write_token(epoch, follows, hash.value().prefix(), next);
    }
    body += plain_array ? "]" : R"(],"next":")" + next + R"("})";
    return {};
}

struct get_work {
    const ledger& facts;
    position at = 0;
    std::string tenant = {};

    std::optional<error> failure = {};
    std::string body = {};
    std::string etag = {};

    void run();
};

void get_work::run() {
    const auto hash = facts.hash_at(at);
    if (!hash.ok()) {
        failure = hash.error();
        return;
    }
    const std::uint64_t epoch = facts.head().epoch;
    cloudevent_writer writer(facts.log_id(), epoch);
    bool hidden = false;
    const auto read = facts.read(at, at, {}, [&](const recorded_event& event) {
        hidden = !tenant.empty() && event.fact.tenant != tenant;
        writer.write(event, hash.value(), body);
        return read_more::stop;
    });
    if (!read.ok()) {
        failure = read.error();
    } else if (hidden) {
        failure = error{error_code::event_unknown,
                        "There is no event at position " + std::to_string(at) + "."};
    }
    etag = "\"";
    write_token(epoch, at, hash.value().prefix(), etag);
    etag += '"';
}

//! Where a follower begins, found on the worker.
struct open_work {
    const ledger& facts;
    position known = 0;
    std::string from = {};
    bool exclusive = false;

    std::optional<error> failure = {};
    chain_place place = {};

    void run() {
        const auto begin = begin_at(from, exclusive, facts, known);
        if (!begin.ok()) {
            failure = begin.error();
            return;
        }
        const auto found = place_before(facts, begin.value());
        if (found.ok()) {
            place = found.value();
        } else {
            failure = found.error();
        }
    }
};

} // namespace

struct event_routes::parts {
    api_context& context;
    position_waits& arrivals;
    std::unique_ptr<event_followers> followers = {};
    std::size_t opening = 0; //!< followers whose beginning is being looked up
    std::int64_t next_tick_us = 0;
    position tokens_as_of = 0;   //!< what permissions_moved() has seen
    std::set<instant> ends = {}; //!< when tokens of followers lapse

    ledger& facts() const { return context.live->facts(); }
    position known() const { return followers->head().next - 1; }
    void list(const call& asked);
    void tell_list(const call& asked, const std::shared_ptr<list_work>& work);
    void get(const call& asked);
    void tell_event(const call& asked, position at);
    void follow(const call& asked);
    void open(const call& asked, event_filter filter, const chain_place& from);
    bool permitted(std::string_view actor) const;
    bool permissions_moved();
    void note_end_of(std::string_view actor);

    void add_position(const call& asked) const {
        asked.out().add_header("Fasti-Position", context.live->position_token());
    }
    //! Runs the work on the worker and `tell` on this thread afterwards; false: too much waits.
    template <class Work, class Tell>
    bool run(std::shared_ptr<Work> work, Tell tell) const {
        return context.run_slow(slow_lane::questions, [this, work, tell] {
            work->run();
            context.post([work, tell] { tell(*work); });
        });
    }
};

event_routes::event_routes(api_context& context, position_waits& arrivals)
    : parts_(new parts{context, arrivals}) {}
event_routes::~event_routes() = default;

void event_routes::handle(const call& asked, query<operations::list_events_params>) {
    parts_->list(asked);
}
void event_routes::handle(const call& asked, query<operations::get_event_params>) {
    parts_->get(asked);
}
void event_routes::handle(const call& asked, query<operations::stream_events_params>) {
    parts_->follow(asked);
}

void event_routes::start(node& live) {
    parts* const own = parts_.get();
    follower_setting setting;
    setting.bytes_max = own->context.options.follower_bytes_max;
    setting.slow = [own](std::function<void()> work) {
        return own->context.run_slow(slow_lane::followers, std::move(work));
    };
    setting.post = own->context.post;
    setting.permitted = [own](std::string_view actor) { return own->permitted(actor); };
    setting.permissions_moved = [own] { return own->permissions_moved(); };
    setting.trouble = [own](const error& why) {
        own->context.log.error("A follower could not be fed from the log. " + why.message);
    };
    // The log may be ahead already; its notice is on the way.
    const auto head = place_before(live.facts(), live.views().at() + 1);
    check(head.ok(), "the place the views stand at is in the log");
    own->followers = std::make_unique<event_followers>(live.facts(), head.value(),
                                                       std::move(setting));
    live.add_observer(*own->followers);
}

void event_routes::drain() {
    if (parts_->followers != nullptr) {
        parts_->followers->drain();
    }
}

void event_routes::tick() {
    const std::int64_t now = parts_->context.time.monotonic_us();
    if (parts_->followers != nullptr && now >= parts_->next_tick_us) {
        parts_->next_tick_us = now + tick_us;
        parts_->followers->tick();
    }
}

std::size_t event_routes::followers() const noexcept {
    return parts_->followers == nullptr ? 0 : parts_->followers->count();
}

follower_counters event_routes::counters() const noexcept {
    return parts_->followers == nullptr ? follower_counters{} : parts_->followers->counters();
}

void event_routes::parts::list(const call& asked) {
    const auto params = read_parameters<operations::list_events_params>(asked);
    if (!params.ok()) {
        asked.refuse(params.error());
        return;
    }
    auto filter = read_filter(params->own, *asked.caller);
    if (!filter.ok()) {
        asked.refuse(filter.error());
        return;
    }
    auto work = std::make_shared<list_work>(list_work{.facts = facts()});
    work->from = std::string(params->own.from.value_or(""));
    work->filter = std::move(filter).value();
    work->limit = params->own.limit;
    work->plain_array = prefers(asked.in(), http::media::cloudevents_batch);
    arrivals.pass(asked, params->common, [this, asked, work] { tell_list(asked, work); });
}

void event_routes::parts::tell_list(const call& asked, const std::shared_ptr<list_work>& work) {
    work->known = known();
    add_position(asked);
    const auto tell = [asked](list_work& done) {
        if (done.failure.has_value()) {
            asked.refuse(*done.failure);
            return;
        }
        http::response& out = asked.out();
        out.content_type = done.plain_array ? http::media::cloudevents_batch : http::media::json;
        out.add_header("Fasti-Next", done.next);
        out.body = std::move(done.body);
        asked.to.send();
    };
    if (!run(work, tell)) {
        asked.refuse(reads_full());
    }
}

void event_routes::parts::get(const call& asked) {
    const auto params = read_parameters<operations::get_event_params>(asked);
    if (!params.ok()) {
        asked.refuse(params.error());
        return;
    }
    arrivals.pass(asked, params->common,
                  [this, asked, at = params->own.position] { tell_event(asked, at); });
}

void event_routes::parts::tell_event(const call& asked, position at) {
    if (at > known()) {
        asked.refuse(error{error_code::event_unknown,
                           "The log ends at position " + std::to_string(known()) +
                               "; there is no position " + std::to_string(at) + " yet."});
        return;
    }
    auto work = std::make_shared<get_work>(
        get_work{.facts = facts(), .at = at, .tenant = asked.caller->tenant});
    add_position(asked);
    const auto tell = [asked](get_work& done) {
        if (done.failure.has_value()) {
            asked.refuse(*done.failure);
            return;
        }
        http::response& out = asked.out();
        out.add_header("ETag", done.etag);
        const std::string_view given = asked.in().get(http::header_id::if_none_match);
        if (given == "*" || given.find(done.etag) != std::string_view::npos) {
            out.status = 304;
        } else {
            out.content_type = prefers(asked.in(), http::media::cloudevent)
                                   ? http::media::cloudevent
                                   : http::media::json;
            out.body = std::move(done.body);
        }
        asked.to.send();
    };
    if (!run(work, tell)) {
        asked.refuse(reads_full());
    }
}

void event_routes::parts::follow(const call& asked) {
    const auto params = read_parameters<operations::stream_events_params>(asked);
    if (!params.ok()) {
        asked.refuse(params.error());
        return;
    }
    auto filter = read_filter(params->own, *asked.caller);
    if (!filter.ok()) {
        asked.refuse(filter.error());
        return;
    }
    if (context.now == phase::draining) {
        asked.refuse(shutting_down());
        return;
    }
    if (followers->count() + opening >= context.options.followers_max) {
        asked.refuse(error{error_code::followers_full,
                           "As many clients follow the log as the server admits."});
        return;
    }
    // A browser that reconnects repeats its URL: what it has seen since then decides.
    const std::string_view last_seen = asked.in().get(http::header_id::last_event_id);
    const std::string_view from = last_seen.empty() ? params->own.from.value_or("") : last_seen;
    if (from.empty()) {
        open(asked, std::move(filter).value(), followers->head());
        return;
    }
    auto work = std::make_shared<open_work>(open_work{.facts = facts(), .known = known()});
    work->from = std::string(from);
    work->exclusive = !last_seen.empty();
    const auto tell = [this, asked, filter = std::move(filter).value()](open_work& done) {
        --opening;
        if (done.failure.has_value()) {
            asked.refuse(*done.failure);
        } else if (context.now == phase::draining) {
            asked.refuse(shutting_down());
        } else if (!refused_by_now(asked, context)) {
            open(asked, filter, done.place);
        }
    };
    ++opening;
    if (!run(work, tell)) {
        --opening;
        asked.refuse(reads_full());
    }
}

void event_routes::parts::open(const call& asked, event_filter filter, const chain_place& from) {
    http::response& out = asked.out();
    out.content_type = http::media::event_stream;
    out.add_header("X-Accel-Buffering", "no"); // proxies of nginx's kind would hold frames back
    add_position(asked);
    const std::string actor = asked.caller->actor;
    note_end_of(actor);
    followers->add(asked.to.start_stream(), std::move(filter), from, actor);
}

//! A token that was revoked or lapsed ends what it began.
bool event_routes::parts::permitted(std::string_view actor) const {
    return still_valid(actor, context.live->views().tokens(), context.time.now());
}

//! Whether a token was made or revoked, or one of a follower lapsed, since this was asked last.
bool event_routes::parts::permissions_moved() {
    const position changed = context.live->views().tokens().changed();
    const auto lapsed = ends.upper_bound(context.time.now());
    const bool moved = changed != tokens_as_of || lapsed != ends.begin();
    tokens_as_of = changed;
    ends.erase(ends.begin(), lapsed);
    return moved;
}

void event_routes::parts::note_end_of(std::string_view actor) {
    if (const auto end = end_of(actor, context.live->views().tokens())) {
        ends.insert(*end);
    }
}

} // namespace fasti::api
