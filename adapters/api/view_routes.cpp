// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/view_routes.hpp"

#include "adapters/api/parameters.hpp"
#include "adapters/api/refusals.hpp"
#include "adapters/api/short_turn.hpp"
#include "adapters/api/view_pages.hpp"
#include "domain/wire/json_writer.hpp"
#include "domain/wire/operations_json.gen.hpp"
#include "projections/engine/snapshot_format.hpp"
#include "projections/engine/snapshots.hpp"
#include "projections/proof/proof.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace fasti::api {
namespace {

constexpr std::size_t parked_told_max = 100;
constexpr std::string_view tokens_permission = "tokens:read";

void write_view(json_writer& out, operations::view_name which, const view_lag& lag,
                const view_set& views) {
    const std::string_view name = operations::to_name(which);
    out.begin_object();
    out.text("view", name);
    out.text("folded_in", lag.view);
    out.number("position", views.at());
    out.number("lag_events", lag.events);
    out.number("lag_seconds", static_cast<double>(lag.us) / 1e6);
    out.number("parked_streams", lag.parked);
    if (which == operations::view_name::services || which == operations::view_name::instances) {
        out.number("rows", std::uint64_t{which == operations::view_name::services
                                             ? views.registry().service_count()
                                             : views.registry().instance_count()});
    }
    out.end_object();
}

void write_parked(json_writer& out, const view_set& views) {
    out.name("parked");
    out.begin_array();
    std::size_t told = 0;
    for (const auto& [stream, key] : views.parked()) {
        if (told++ == parked_told_max) {
            break;
        }
        out.begin_object();
        out.text("stream", stream);
        out.number("position", key.at);
        out.text("type", key.type);
        out.text("reason", key.reason);
        out.number("held_back", key.held_back);
        out.end_object();
    }
    out.end_array();
}

std::string views_document(const node& live) {
    const view_set& views = live.views();
    const std::vector<view_lag> lags = views.lag(live.facts().head());
    std::string body;
    json_writer out(body);
    out.begin_object();
    out.name("views");
    out.begin_array();
    for (std::size_t i = 0; i < operations::view_name_count; ++i) {
        const auto which = static_cast<operations::view_name>(i);
        const std::string_view part = part_of_view(operations::to_name(which));
        const auto lag = std::find_if(lags.begin(), lags.end(),
                                      [&](const view_lag& one) { return one.view == part; });
        check(lag != lags.end(), "every declared view is folded in one");
        write_view(out, which, *lag, views);
    }
    out.end_array();
    write_parked(out, views);
    out.end_object();
    return body;
}

void write_snapshot_row(json_writer& out, std::string_view name, std::uint64_t bytes) {
    out.text("name", name);
    out.number("position", snapshot_position(name).value_or(0));
    out.number("bytes", bytes);
}

result<std::string> snapshots_document(const snapshot_store& store) {
    auto listed = store.list();
    if (!listed) {
        return std::move(listed).error();
    }
    std::sort(listed->begin(), listed->end(),
              [](const auto& one, const auto& other) { return one.name > other.name; });
    std::string body;
    json_writer out(body);
    out.begin_object();
    out.name("snapshots");
    out.begin_array();
    for (const stored_snapshot& one : *listed) {
        out.begin_object();
        write_snapshot_row(out, one.name, one.bytes);
        out.end_object();
    }
    out.end_array();
    out.end_object();
    return body;
}

std::string kept_document(const kept_snapshot& kept) {
    std::string body;
    json_writer out(body);
    out.begin_object();
    write_snapshot_row(out, kept.name, kept.bytes);
    out.name("removed");
    out.begin_array();
    for (const std::string& one : kept.removed) {
        out.text(one);
    }
    out.end_array();
    out.end_object();
    return body;
}

} // namespace

struct view_routes::parts {
    api_context& context;
    past_folds& past;

    void rows(const call& asked);
    void difference(const call& asked);
    void list_snapshots(const call& asked);
    void take_snapshot(const call& asked);

    //! The caller may look at this view; else it was refused.
    bool may_see(const call& asked, operations::view_name view) const {
        if (view == operations::view_name::tokens &&
            !permits(asked.caller->permissions, tokens_permission)) {
            asked.refuse(permission_missing(tokens_permission));
            return false;
        }
        return true;
    }

    static void tell(const call& asked, view_page page) {
        asked.out().body = std::move(page.body);
        asked.out().add_header("Fasti-Position", page.position);
        asked.to.send();
    }

    template <class Params>
    view_question question_of(const Params& from) const {
        view_question out;
        out.view = operations::to_name(from.view);
        out.cursor = from.cursor.value_or("");
        out.limit = from.limit;
        out.newest = context.live->views().at();
        out.now = context.time.now();
        return out;
    }
};

view_routes::view_routes(api_context& context, past_folds& past)
    : parts_(new parts{context, past}) {}
view_routes::~view_routes() = default;

void view_routes::handle(const call& asked, query<operations::get_view_params>) {
    parts_->rows(asked);
}
void view_routes::handle(const call& asked, query<operations::get_view_difference_params>) {
    parts_->difference(asked);
}
void view_routes::handle(const call& asked, query<operations::list_snapshots_params>) {
    parts_->list_snapshots(asked);
}
void view_routes::handle(const call& asked, query<operations::take_snapshot_params>) {
    parts_->take_snapshot(asked);
}

void view_routes::handle(const call& asked, query<operations::list_views_params>) {
    if (auto read = read_parameters<operations::list_views_params>(asked); !read.ok()) {
        asked.refuse(read.error());
        return;
    }
    asked.out().add_header("Fasti-Position", parts_->context.live->position_token());
    asked.out().body = views_document(*parts_->context.live);
    asked.to.send();
}

void view_routes::parts::rows(const call& asked) {
    const auto params = read_parameters<operations::get_view_params>(asked);
    if (!params.ok()) {
        asked.refuse(params.error());
        return;
    }
    if (!may_see(asked, params->own.view)) {
        return;
    }
    view_question question = question_of(params->own);
    question.to = params->own.at.value_or("");
    past.answer(
        asked,
        [&facts = context.live->facts(), question](past_views& views, const auto& progress) {
            return page_of_rows(question, facts, views, progress);
        },
        [asked](view_page page) { tell(asked, std::move(page)); });
}

void view_routes::parts::difference(const call& asked) {
    const auto params = read_parameters<operations::get_view_difference_params>(asked);
    if (!params.ok()) {
        asked.refuse(params.error());
        return;
    }
    if (!may_see(asked, params->own.view)) {
        return;
    }
    view_question question = question_of(params->own);
    question.from = params->own.from;
    question.to = params->own.to.value_or("");
    past.answer(
        asked,
        [&facts = context.live->facts(), question](past_views& views, const auto& progress) {
            return page_of_differences(question, facts, views, progress);
        },
        [asked](view_page page) { tell(asked, std::move(page)); });
}

void view_routes::parts::list_snapshots(const call& asked) {
    if (auto read = read_parameters<operations::list_snapshots_params>(asked); !read.ok()) {
        asked.refuse(read.error());
        return;
    }
    answer_in_short_turn(
        context, asked, [&store = context.snapshots] { return snapshots_document(store); },
        [asked](std::string body) {
            asked.out().body = std::move(body);
            asked.to.send();
        });
}

void view_routes::parts::take_snapshot(const call& asked) {
    if (auto read = read_parameters<operations::take_snapshot_params>(asked); !read.ok()) {
        asked.refuse(read.error());
        return;
    }
    if (!context.take_snapshot) {
        asked.refuse(error{error_code::not_ready, "This server takes no snapshots."});
        return;
    }
    context.take_snapshot([this, asked](result<kept_snapshot> kept) {
        auto done = std::make_shared<result<kept_snapshot>>(std::move(kept));
        context.post([asked, done] {
            if (!done->ok()) {
                asked.refuse(done->error());
                return;
            }
            asked.out().status = 201;
            asked.out().body = kept_document(**done);
            asked.to.send();
        });
    });
}

} // namespace fasti::api
