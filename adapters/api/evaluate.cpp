// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/evaluate.hpp"

#include "adapters/http/router.hpp"
#include "domain/wire/identity_json.gen.hpp"
#include "domain/wire/operations_json.gen.hpp"
#include "domain/wire/registry_json.gen.hpp"
#include "projections/queries/token_queries.hpp"

#include <algorithm>
#include <charconv>
#include <type_traits>
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
    using http::operation;
    const auto call = [&]<class Params>(std::type_identity<Params>) {
        read_params<Params> read(asked);
        return with(read);
    };
    switch (asked.what) {
        case operation::list_services:
            return call(std::type_identity<registry::list_services_params>{});
        case operation::get_service:
            return call(std::type_identity<registry::get_service_params>{});
        case operation::list_instances:
            return call(std::type_identity<registry::list_instances_params>{});
        case operation::get_instance:
            return call(std::type_identity<registry::get_instance_params>{});
        case operation::discover_instance:
            return call(std::type_identity<registry::discover_instance_params>{});
        case operation::list_registry_metrics:
            return call(std::type_identity<registry::list_registry_metrics_params>{});
        case operation::list_activity:
            return call(std::type_identity<operations::list_activity_params>{});
        case operation::get_why: return call(std::type_identity<operations::get_why_params>{});
        case operation::get_status:
            return call(std::type_identity<operations::get_status_params>{});
        default: return call(std::type_identity<identity::list_tokens_params>{});
    }
}

struct evaluator {
    const view_set& views;
    const pick_context& pick;

    query_answer operator()(read_params<registry::list_services_params>& asked) const {
        return list_services(views, asked.own, page_of(asked.common));
    }
    query_answer operator()(read_params<registry::get_service_params>& asked) const {
        return get_service(views, asked.own);
    }
    query_answer operator()(read_params<registry::list_instances_params>& asked) const {
        return list_instances(views, asked.own, page_of(asked.common));
    }
    query_answer operator()(read_params<registry::get_instance_params>& asked) const {
        return get_instance(views, asked.own);
    }
    query_answer operator()(read_params<registry::discover_instance_params>& asked) const {
        return discover_instance(views, asked.own, page_of(asked.common), pick);
    }
    query_answer operator()(read_params<registry::list_registry_metrics_params>& asked) const {
        return list_registry_metrics(views, asked.own, page_of(asked.common));
    }
    query_answer operator()(read_params<identity::list_tokens_params>& asked) const {
        return list_tokens(views, page_of(asked.common));
    }
    template <class Other>
    query_answer operator()(Other&) const {
        check(false, "queries over the log are not evaluated over views");
        return {};
    }
};

std::string hex_of(std::uint64_t value) {
    char text[16];
    const auto end = std::to_chars(text, text + sizeof text, value, 16);
    return {text, end.ptr};
}

//! Rows with a stream of their own begin their tag with its version, so that If-Match can name it.
std::string etag_of(const question& asked, const view_set& views, const query_answer& answer) {
    if (answer.failure.has_value()) {
        return {};
    }
    const std::string digest = hex_of(answer.digest);
    if (asked.what == http::operation::get_instance) {
        return with_params(asked, [&](auto& read) -> std::string {
            if constexpr (requires { read.own.instance; }) {
                const auto slot = views.registry().slot_of(read.own.service, read.own.instance);
                registry::instance_row row;
                views.registry().fill(slot.value(), row);
                return "\"" + std::to_string(row.stream_version) + "\"";
            } else {
                return {};
            }
        });
    }
    if (asked.what == http::operation::get_service) {
        return with_params(asked, [&](auto& read) -> std::string {
            if constexpr (requires { views.registry().find_service(read.own.service); }) {
                const auto id = views.registry().find_service(read.own.service);
                registry::service_row row;
                views.registry().fill(id.value(), row);
                return "\"" + std::to_string(row.stream_version) + "-" + digest + "\"";
            } else {
                return {};
            }
        });
    }
    return "\"" + digest + "\"";
}

} // namespace

result<common_params> check_question(const question& asked) {
    return with_params(asked, [&](auto& read) -> result<common_params> {
        if (!read.errors.empty()) {
            return to_error(std::move(read.errors), http::to_name(asked.what));
        }
        return read.common;
    });
}

std::optional<std::string> service_of(const question& asked) {
    return with_params(asked, [&](auto& read) -> std::optional<std::string> {
        if constexpr (requires { std::string_view{read.own.service}; }) {
            return std::string(read.own.service);
        } else {
            return std::nullopt;
        }
    });
}

std::optional<std::string> stream_of(const question& asked) {
    return with_params(asked, [&](auto& read) -> std::optional<std::string> {
        if constexpr (requires { read.own.instance; }) {
            return registry::instance_stream(read.own.service, read.own.instance);
        } else {
            return std::nullopt;
        }
    });
}

result<void> look(const question& asked, const view_set& views, const pick_context& pick,
                  first_look& out) {
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
        out.answer->etag = etag_of(asked, views, out.answer->answer);
    }
    return read_well;
}

position last_change(const question& asked, const view_set& views) {
    return with_params(asked, [&](auto& read) -> position {
        if constexpr (requires { fasti::last_change(views, read.own); }) {
            return fasti::last_change(views, read.own);
        } else {
            return views.tokens().changed();
        }
    });
}

bool concerns(const question& asked, std::span<const std::string_view> services) {
    return with_params(asked, [&](auto& read) {
        if constexpr (requires { read.own.prefix; }) {
            const std::string_view prefix = read.own.prefix.value_or(std::string_view{});
            const auto at = std::lower_bound(services.begin(), services.end(), prefix);
            return at != services.end() && at->starts_with(prefix);
        } else {
            return true;
        }
    });
}

std::string shared_key(const question& asked) {
    std::string key;
    if (asked.what == http::operation::discover_instance && asked.from->find_query("strategy")) {
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
    out.etag = etag_of(asked, views, out.answer);
    return out;
}

} // namespace fasti::api
