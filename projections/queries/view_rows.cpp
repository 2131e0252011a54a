// SPDX-License-Identifier: Apache-2.0
#include "projections/queries/view_rows.hpp"

#include "domain/operations/operations.gen.hpp"
#include "domain/wire/identity_json.gen.hpp"
#include "domain/wire/json_writer.hpp"
#include "domain/wire/registry_json.gen.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace fasti {
namespace {

using row_visitor = std::function<bool(std::string_view, std::string_view)>;
//! The key of the last row that was visited; a key may be empty.
using last_key = std::optional<std::string_view>;

template <class Row>
bool show(const row_visitor& visit, std::string_view key, const Row& row, std::string& room) {
    room.clear();
    json_writer writer(room);
    write_json(writer, row);
    return visit(key, room);
}

void visit_services(const registry_view& view, last_key behind, const row_visitor& visit) {
    std::string room;
    registry::service_row row;
    view.services_from(behind.value_or(""), [&](service_id service) {
        view.fill(service, row);
        return row.service == behind || show(visit, row.service, row, room);
    });
}

void visit_instances(const registry_view& view, last_key behind, const row_visitor& visit) {
    std::string room;
    std::string key;
    registry::instance_row row;
    registry::service_row of;
    const std::string_view first = behind.value_or("");
    const std::size_t slash = first.find('/');
    const std::string_view first_service = first.substr(0, slash);
    view.services_from(first_service, [&](service_id service) {
        bool go_on = true;
        view.fill(service, of);
        const bool goes_on_within = slash != std::string_view::npos && of.service == first_service;
        const std::string_view from = goes_on_within ? first.substr(slash + 1) : "";
        view.instances_from(service, from, [&](instance_slot slot) {
            view.fill(slot, row);
            key.assign(row.service).append("/").append(row.instance);
            go_on = key == behind || show(visit, key, row, room);
            return go_on;
        });
        return go_on;
    });
}

template <class View>
void visit_own(const View& view, last_key behind, const row_visitor& visit) {
    std::string room;
    view.rows_from(behind.value_or(""), [&](const auto& row) {
        const auto key = view.key_of(row);
        return key == behind || show(visit, key, row, room);
    });
}

error unknown_view(std::string_view view) {
    std::string message = "There is no view " + std::string{view} + "; there are:";
    for (std::size_t i = 0; i < operations::view_name_count; ++i) {
        message.append(i == 0 ? " " : ", ");
        message.append(operations::to_name(static_cast<operations::view_name>(i)));
    }
    return {error_code::malformed, message + "."};
}

//! Keys are not in the order of rows here: those up to the key are passed over one by one.
void visit_metrics(const registry_metrics_view& view, last_key behind, const row_visitor& visit) {
    std::string room;
    std::string key;
    bool go_on = true;
    bool reached = !behind;
    const auto shown = [&](const registry::registry_metrics_row& row) {
        key.assign(row.service).append(" ").append(row.type).append(" ");
        key.append(std::to_string(row.bucket_ms)).append(" ").append(to_rfc3339(row.bucket));
        if (!reached) {
            reached = key == behind;
            return true;
        }
        go_on = show(visit, key, row, room);
        return go_on;
    };
    view.rows({}, shown);
    for (const std::string& service : view.services()) {
        if (!go_on) {
            return;
        }
        view.rows({service, {}}, shown);
    }
}

using kept_rows = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t rows_between_looks = 1'024;

result<kept_rows> keep_rows(const view_set& views, std::string_view view,
                            const std::function<bool()>& go_on) {
    kept_rows out;
    bool stopped = false;
    auto seen = visit_rows(views, view, [&](std::string_view key, std::string_view json) {
        out.emplace_back(key, json);
        stopped = out.size() % rows_between_looks == 0 && !go_on();
        return !stopped;
    });
    if (!seen) {
        return std::move(seen).error();
    }
    if (stopped) {
        return error{error_code::not_ready, "The comparison was stopped before its end."};
    }
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace

result<void> visit_rows(const view_set& views, std::string_view view, const row_visitor& visit) {
    return visit_rows_after(views, view, std::nullopt, visit);
}

result<void> visit_rows_after(const view_set& views, std::string_view view, last_key key,
                              const row_visitor& visit) {
    if (view == "services") {
        visit_services(views.registry(), key, visit);
    } else if (view == "instances") {
        visit_instances(views.registry(), key, visit);
    } else if (view == registry_metrics_view::name) {
        visit_metrics(views.registry_metrics(), key, visit);
    } else {
        bool found = false;
        views.each_own_view([&](const auto& own) {
            if (own.name == view) {
                found = true;
                visit_own(own, key, visit);
            }
        });
        if (!found) {
            return unknown_view(view);
        }
    }
    return {};
}

result<void> visit_differences(const view_set& before, const view_set& after, std::string_view view,
                               const std::function<bool(const row_difference&)>& visit) {
    return visit_differences({before, after}, view, visit, [] { return true; });
}

result<void> visit_differences(const two_moments& of, std::string_view view,
                               const std::function<bool(const row_difference&)>& visit,
                               const std::function<bool()>& go_on) {
    const auto old_rows = keep_rows(of.before, view, go_on);
    if (!old_rows) {
        return old_rows.error();
    }
    const auto new_rows = keep_rows(of.after, view, go_on);
    if (!new_rows) {
        return new_rows.error();
    }
    auto was = old_rows->begin();
    auto is = new_rows->begin();
    while (was != old_rows->end() || is != new_rows->end()) {
        row_difference one;
        const bool has_old = was != old_rows->end() &&
                             (is == new_rows->end() || was->first <= is->first);
        const bool has_new = is != new_rows->end() &&
                             (was == old_rows->end() || is->first <= was->first);
        if (has_old) {
            one.key = was->first;
            one.before = was->second;
            ++was;
        }
        if (has_new) {
            one.key = is->first;
            one.after = is->second;
            ++is;
        }
        if (one.before != one.after && !visit(one)) {
            break;
        }
    }
    return {};
}

} // namespace fasti
