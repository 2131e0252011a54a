// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/event_routes.hpp"

#include "adapters/api/authentication.hpp"
#include "adapters/api/event_filters.hpp"
#include "adapters/api/event_reads.hpp"
#include "adapters/api/parameters.hpp"
#include "adapters/api/refusals.hpp"
#include "adapters/api/short_turn.hpp"
#include "domain/wire/operations_json.gen.hpp"

#include <set>
#include <utility>

namespace fasti::api {
namespace {

constexpr std::int64_t tick_us = 1'000'000;

template <class Params>
result<event_filter> read_filter(const Params& from, const principal& caller) {
    return make_event_filter({from.type, from.stream, from.service, from.tenant}, caller);
}

bool prefers(const http::request& from, std::string_view media_type) {
    const std::string_view accept = from.get(http::header_id::accept);
    return !accept.empty() &&
           http::accept_weight(accept, media_type) > http::accept_weight(accept, http::media::json);
}

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
    void tell_list(const call& asked, event_list_question what);
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
    event_list_question what;
    what.from.token = std::string(params->own.from.value_or(""));
    what.filter = std::move(filter).value();
    what.limit = params->own.limit;
    what.plain_array = prefers(asked.in(), http::media::cloudevents_batch);
    arrivals.pass(asked, params->common, [this, asked, what] { tell_list(asked, what); });
}

void event_routes::parts::tell_list(const call& asked, event_list_question what) {
    what.from.known = known();
    add_position(asked);
    const auto media = what.plain_array ? http::media::cloudevents_batch : http::media::json;
    answer_in_short_turn(
        context, asked,
        [&log = facts(), what = std::move(what)] { return read_event_list(log, what); },
        [asked, media](event_list done) {
            http::response& out = asked.out();
            out.content_type = media;
            out.add_header("Fasti-Next", done.next);
            out.body = std::move(done.body);
            asked.to.send();
        });
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
    add_position(asked);
    answer_in_short_turn(
        context, asked,
        [&log = facts(), at, tenant = asked.caller->tenant] {
            return read_one_event(log, at, tenant);
        },
        [asked](one_event done) {
            http::response& out = asked.out();
            out.add_header("ETag", done.etag);
            if (asked.knows(done.etag)) {
                out.status = 304;
            } else {
                out.content_type = prefers(asked.in(), http::media::cloudevent)
                                       ? http::media::cloudevent
                                       : http::media::json;
                out.body = std::move(done.body);
            }
            asked.to.send();
        });
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
    const beginning where{std::string(from), !last_seen.empty(), known()};
    const auto read = [&log = facts(), where] { return find_beginning(log, where); };
    const auto begin = [this, asked,
                        filter = std::move(filter).value()](const result<chain_place>& place) {
        --opening;
        if (!place.ok()) {
            asked.refuse(place.error());
        } else if (context.now == phase::draining) {
            asked.refuse(shutting_down());
        } else if (!refused_by_now(asked, context)) {
            open(asked, filter, *place);
        }
    };
    ++opening;
    if (!in_short_turn(context, read, begin)) {
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
