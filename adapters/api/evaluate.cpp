// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/evaluate.hpp"

#include "adapters/api/call.hpp"
#include "adapters/api/queries.gen.hpp"
#include "adapters/http/router.hpp"
#include "domain/wire/identity_json.gen.hpp"
#include "domain/wire/operations_json.gen.hpp"
#include "domain/wire/registry_json.gen.hpp"
#include "projections/queries/view_queries.gen.hpp"

#include <utility>

namespace fasti::api {
namespace {

//! Parameters of one query, read; text borrowed from the request and from `room`.
template <class Params>
struct read_params {
    std::string room;
    Params own;
    common_params common;
    field_errors errors;

    explicit read_params(const question& asked) {
        if (asked.captured.has_value()) {
            read_query(asked.from->query, *asked.captured, own, common, errors);
        } else {
            const http::route_match at = http::match(asked.from->verb, asked.from->path, room);
            read_query(asked.from->query, at.captured(), own, common, errors);
        }
    }
    read_params(const read_params&) = delete;
    read_params& operator=(const read_params&) = delete;
};

//! Calls `with(read_params<P>&)` for the query's parameter struct P.
template <class With>
auto with_params(const question& asked, const With& with) {
    return visit_view_query(asked.what, [&]<class Params>(query<Params>) {
        read_params<Params> read(asked);
        return with(read);
    });
}

struct evaluator {
    const view_set& views;
    const pick_context& pick;

    template <class Params>
    query_answer operator()(read_params<Params>& asked) const {
        return answer(views, asked.own, {page_of(asked.common), pick});
    }
};

std::string etag_of(const query_answer& answer) {
    if (answer.failure.has_value()) {
        return {};
    }
    return '"' + (answer.tag.empty() ? tag_of(answer.digest) : answer.tag) + '"';
}

} // namespace

watched_services watched_by(const question& asked) {
    return with_params(asked, [&](auto& read) -> watched_services {
        if constexpr (requires { fasti::watched_by(read.own); }) {
            return fasti::watched_by(read.own);
        } else {
            check_failed("only a query with `wait` is waited for", __FILE__, __LINE__);
        }
    });
}

std::optional<std::string> stream_of(const question& asked) {
    return with_params(asked, [&](auto& read) -> std::optional<std::string> {
        if constexpr (requires { append_stream_of(read.own, std::declval<std::string&>()); }) {
            std::string out;
            append_stream_of(read.own, out);
            return out;
        } else {
            return std::nullopt;
        }
    });
}

result<void> read_and_evaluate(const question& asked, const view_set& views,
                               const pick_context& pick, read_question& out) {
    auto read_well = with_params(asked, [&](auto& read) -> result<void> {
        if (!read.errors.empty()) {
            return to_error(std::move(read.errors), http::to_name(asked.what));
        }
        out.common = read.common;
        if (out.common.at.empty() && out.common.after.empty() && out.common.index.empty()) {
            out.answer.emplace().answer = evaluator{views, pick}(read);
        }
        return {};
    });
    if (out.answer.has_value()) {
        out.answer->etag = etag_of(out.answer->answer);
    }
    return read_well;
}

position last_change(const question& asked, const view_set& views) {
    return with_params(asked, [&](auto& read) -> position {
        if constexpr (requires { fasti::last_change(views, read.own); }) {
            return fasti::last_change(views, read.own);
        } else {
            check_failed("only a query with `wait` is asked for its last change", __FILE__,
                         __LINE__);
        }
    });
}

std::string shared_key(const question& asked) {
    std::string key;
    const std::string_view picked_by = visit_view_query(
        asked.what, []<class Params>(query<Params>) { return pick_param<Params>; });
    if (!picked_by.empty() && asked.from->find_query(picked_by)) {
        return key;
    }
    key.append(asked.from->path);
    for (const http::query_pair& pair : asked.from->query) {
        if (pair.name != "index" && pair.name != "wait" && pair.name != "after") {
            key.append(1, '\0').append(pair.name).append(1, '\0').append(pair.value);
        }
    }
    return key;
}

evaluated evaluate(const question& asked, const view_set& views, const pick_context& pick) {
    evaluated out;
    out.answer = with_params(asked, evaluator{views, pick});
    out.etag = etag_of(out.answer);
    return out;
}

} // namespace fasti::api
