// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/http_api.hpp"

#include "adapters/api/authentication.hpp"
#include "adapters/api/call.hpp"
#include "adapters/api/command_routes.hpp"
#include "adapters/api/event_routes.hpp"
#include "adapters/api/log_routes.hpp"
#include "adapters/api/page_routes.hpp"
#include "adapters/api/past_folds.hpp"
#include "adapters/api/proof_routes.hpp"
#include "adapters/api/queries.gen.hpp"
#include "adapters/api/query_routes.hpp"
#include "adapters/api/refusals.hpp"
#include "adapters/api/traffic.hpp"
#include "adapters/api/view_routes.hpp"

#include <utility>

namespace fasti::api {

struct http_api::parts {
    api_context& context;
    traffic seen{context};
    authenticator tokens = {};
    command_routes commands{context};
    past_folds past{context};
    position_waits arrivals{context};
    query_routes queries{context, past, arrivals};
    log_routes log{context, arrivals};
    event_routes events{context, arrivals};
    view_routes views{context, past};
    proof_routes proofs{context};
    page_routes pages{context};
    std::string path_room = {};
    registry_view::foresight ahead = {}; // of the request being admitted

    void route(http::responder to);
    void write_metrics(telemetry::metrics_writer& to) const;
    void serve(const call& asked);
    template <class Params>
    void ask(const call& asked, query<Params> which);
    std::optional<call> admit(http::responder to);
    void look_ahead(const call& asked);
    static bool names_a_service(const call& asked) noexcept {
        return asked.at.field_count > 0 && asked.at.fields[0].name == "service";
    }
};

http_api::http_api(api_context& context) : parts_(new parts{context}) {
    context.metrics.add_collector(
        [own = parts_.get()](telemetry::metrics_writer& to) { own->write_metrics(to); });
}
http_api::~http_api() = default;

void http_api::handle(http::responder to) {
    parts_->seen.arrived(to.in());
    parts_->route(to);
}

void http_api::answered(const http::request& in, const http::response& out) {
    parts_->seen.answered(in, out);
}

void http_api::start(node& live) {
    parts_->context.live = &live;
    if (parts_->context.now != phase::draining) {
        parts_->context.now = phase::serving;
    }
    parts_->past.start(live);
    parts_->queries.start(live);
    parts_->events.start(live);
    parts_->arrivals.start(live); // the last one told
}

void http_api::drain() {
    parts_->context.now = phase::draining;
    parts_->arrivals.drain();
    parts_->queries.drain();
    parts_->events.drain();
    stop_long_work();
}

void http_api::stop_long_work() {
    parts_->past.drain();
    parts_->proofs.stop();
}

void http_api::tick() {
    parts_->arrivals.tick();
    parts_->queries.tick();
    parts_->events.tick();
}

void http_api::parts::write_metrics(telemetry::metrics_writer& to) const {
    using telemetry::metric_kind;
    const auto write = [&](const telemetry::metric_family& family, std::uint64_t value) {
        to.family(family);
        to.value({}, value);
    };
    const follower_counters followers = events.counters();
    write({.name = "fasti_followers",
           .help = "Clients that follow the log now.",
           .kind = metric_kind::gauge},
          events.followers());
    write({.name = "fasti_followers_opened",
           .help = "Clients that began to follow the log since the start.",
           .kind = metric_kind::counter},
          followers.opened);
    write({.name = "fasti_follower_frames",
           .help = "Events sent to followers, counted for each of them.",
           .kind = metric_kind::counter},
          followers.frames);
    write({.name = "fasti_follower_fallbacks",
           .help = "How often a follower read too slowly and was fed from the log.",
           .kind = metric_kind::counter},
          followers.fallbacks);
    write({.name = "fasti_blocking_queries",
           .help = "Queries that wait for their answer to change, or for a position.",
           .kind = metric_kind::gauge},
          queries.waiting() + arrivals.size());
    write({.name = "fasti_blocking_query_evaluations",
           .help = "How often commits made waiting queries be evaluated again.",
           .kind = metric_kind::counter},
          queries.evaluations());
    seen.write(to);
}

void http_api::parts::route(http::responder to) {
    const auto asked = admit(to);
    if (asked.has_value()) {
        if (names_a_service(*asked)) {
            context.live->views().registry().fetch_texts(ahead);
        }
        serve(*asked);
    }
}

//! Among many services nothing of one is in a cache: what the answer will read is fetched step by
//! step while route, token and parameters are looked at. Hints only; a wrong one costs nothing.
void http_api::parts::look_ahead(const call& asked) {
    const auto names = asked.at.captured();
    ahead = context.live->views().registry().foresee(
        names[0].value, names.size() > 1 ? names[1].value : std::string_view{});
}

//! Route, token, permission; a refusal is answered here.
std::optional<call> http_api::parts::admit(http::responder to) {
    call asked{to, {}, nullptr};
    http::request& in = to.in();
    asked.at = http::match(in.verb, in.path, path_room);
    in.routed = asked.at.to;
    switch (asked.at.status) {
        case http::route_status::found: break;
        case http::route_status::no_path:
            asked.refuse(error{error_code::route_unknown,
                               "There is nothing at " + std::string(in.path) + "."});
            return std::nullopt;
        case http::route_status::no_method:
            if (in.verb == http::method::options) {
                to.out().status = 204;
                to.out().add_header("Allow", asked.at.allow);
                to.send();
                return std::nullopt;
            }
            to.out().add_header("Allow", asked.at.allow);
            asked.refuse(error{error_code::method_not_allowed,
                               "This resource takes " + std::string(asked.at.allow) + "."});
            return std::nullopt;
        case http::route_status::malformed:
            asked.refuse(error{error_code::malformed, "The path cannot be decoded."});
            return std::nullopt;
    }
    if (asked.route().kind == http::route_kind::page) {
        // Public; a token, if there is a valid one, shows more.
        if (context.live != nullptr && in.has(http::header_id::authorization)) {
            auto caller = tokens.who(in.get(http::header_id::authorization),
                                     context.live->views().tokens(), context.time.now());
            asked.caller = caller.ok() ? caller.value() : nullptr;
        }
        return asked;
    }
    if (context.live == nullptr) {
        asked.refuse(
            error{error_code::not_ready, "The server is recovering. " + context.recovery_progress});
        return std::nullopt;
    }
    const bool about_a_service = names_a_service(asked);
    if (about_a_service) {
        look_ahead(asked);
    }
    auto caller = tokens.who(in.get(http::header_id::authorization), context.live->views().tokens(),
                             context.time.now());
    if (about_a_service) {
        context.live->views().registry().fetch_records(ahead);
    }
    if (!caller.ok()) {
        asked.refuse(caller.error());
        return std::nullopt;
    }
    asked.caller = std::move(caller).value();
    if (!asked.route().permission.empty() &&
        !permits(asked.caller->permissions, asked.route().permission)) {
        asked.refuse(permission_missing(asked.route().permission));
        return std::nullopt;
    }
    return asked;
}

void http_api::parts::serve(const call& asked) {
    switch (asked.route().kind) {
        case http::route_kind::command:
        case http::route_kind::any_command:
        case http::route_kind::batch: commands.handle(asked); return;
        case http::route_kind::page: pages.handle(asked); return;
        case http::route_kind::query: break;
    }
    visit_query(asked.route().what, [&](auto query) { ask(asked, query); });
}

//! A declared query that nobody answers does not compile here, or its function is missed by the linker.
template <class Params>
void http_api::parts::ask(const call& asked, query<Params> which) {
    if constexpr (requires { events.handle(asked, which); }) {
        events.handle(asked, which);
    } else if constexpr (requires { views.handle(asked, which); }) {
        views.handle(asked, which);
    } else if constexpr (requires { proofs.handle(asked, which); }) {
        proofs.handle(asked, which);
    } else if constexpr (requires { log.handle(asked, which); }) {
        log.handle(asked, which);
    } else {
        static_assert(is_over_views<Params>,
                      "a query without `past = true` needs a handle() for its parameters");
        queries.handle(asked);
    }
}

} // namespace fasti::api
