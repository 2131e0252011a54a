// SPDX-License-Identifier: Apache-2.0
#include "projections/queries/registry_queries.hpp"

#include "domain/wire/registry_json.gen.hpp"
#include "projections/queries/list_body.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace fasti {
namespace {

//! The body that is one instance; gives the version of its stream.
std::uint64_t write_instance(const registry_view& registry, instance_slot slot, query_answer& out) {
    thread_local registry::instance_row row; // its lists keep their room
    registry.fill(slot, row);
    json_writer writer(out.body);
    write_json(writer, row);
    out.changed = row.changed_position;
    return row.stream_version;
}

query_answer failed(error why, position changed) {
    query_answer out;
    // Apart from positions, which answers with rows use as their digest.
    out.digest = ~static_cast<std::uint64_t>(why.code);
    out.failure = std::move(why);
    out.changed = changed;
    return out;
}

query_answer unknown_service(const view_set& views, std::string_view service) {
    return failed(
        {error_code::service_unknown, "No service " + std::string{service} + " is known."},
        views.registry().services_removed());
}

//! A sentence when the row of a stream stands still.
std::string standing_still(const view_set& views, std::string_view stream) {
    const parked_key* const key = views.parked().empty() ? nullptr : views.find_parked(stream);
    if (key == nullptr) {
        return {};
    }
    return std::string{stream} + " stands still before position " + std::to_string(key->at) + ": " +
           key->type + " " + key->reason;
}

//! The same for a list that may hold rows of streams that begin with this.
std::string some_stand_still(const view_set& views, std::string_view prefix) {
    const auto& parked = views.parked();
    std::size_t count = 0;
    for (auto at = parked.lower_bound(prefix); at != parked.end(); ++at) {
        if (std::string_view{at->first}.substr(0, prefix.size()) != prefix) {
            break;
        }
        ++count;
    }
    return count == 0 ? std::string{}
                      : std::to_string(count) + " streams that begin with " + std::string{prefix} +
                            " stand still at events that cannot be read";
}

//! `key:value` parameters as labels; text is borrowed.
result<std::vector<label>> labels_of(const std::vector<std::string_view>& given) {
    std::vector<label> out;
    for (const std::string_view one : given) {
        const std::size_t colon = one.find(':');
        if (colon == std::string_view::npos || colon == 0) {
            return error{error_code::fields_invalid,
                         "A metadata filter is `key:value`.",
                         {{"#/metadata", "Write the key, a colon and the value."}}};
        }
        out.push_back({one.substr(0, colon), one.substr(colon + 1)});
    }
    return out;
}

//! Instances of a service in the order of names, those that match and, unless any will do, are up.
template <class Wanted>
query_answer list_matching(const view_set& views, service_id service, const page& part,
                           const Wanted& wanted) {
    query_answer out;
    const auto from = read_cursor(part.cursor);
    if (!from) {
        return failed(from.error(), 0);
    }
    const registry_view& registry = views.registry();
    list_body body(out.body, "instances", part.limit);
    registry::instance_row row;
    registry.instances_from(service, above(*from), [&](instance_slot slot) {
        if (!body.more()) {
            return false;
        }
        if (wanted(slot)) {
            registry.fill(slot, row);
            body.add(row);
        }
        body.passed(registry.instance_name(slot));
        return true;
    });
    body.finish();
    out.digest = hash64(out.body);
    std::string prefix{"instance/"};
    prefix.append(registry.service_name(service)).push_back('/');
    out.parked = some_stand_still(views, prefix);
    return out;
}

std::optional<instance_slot> pick_by_weight(const registry_view& registry,
                                            std::span<const instance_slot> from,
                                            std::uint64_t random) {
    std::uint64_t total = 0;
    for (const instance_slot slot : from) {
        total += registry.weight_of(slot);
    }
    if (total == 0) {
        return std::nullopt;
    }
    std::uint64_t point = random % total;
    for (const instance_slot slot : from) {
        if (point < registry.weight_of(slot)) {
            return slot;
        }
        point -= registry.weight_of(slot);
    }
    return std::nullopt;
}

struct picked {
    std::optional<instance_slot> slot;
    std::uint64_t digest = 0;
};

//! Chooses among the members that match, looking at each; without a filter nothing is looked at.
picked pick_one(const registry_view& registry, service_id service,
                const registry::discover_instance_params& what, const instance_filter& filter,
                const pick_context& pick) {
    auto from = what.any_status ? registry.members(service) : registry.healthy(service);
    picked out;
    std::vector<instance_slot> matching;
    if (filter.narrows()) {
        for (const instance_slot slot : from) {
            if (registry.matches(slot, filter)) {
                matching.push_back(slot);
                // A sum, since the members are in no order.
                out.digest += (registry.instance_changed(slot) * 0x9E37'79B9'7F4A'7C15U) ^ slot;
            }
        }
        from = matching;
    } else {
        const service_changes changes = registry.changes(service);
        out.digest = what.any_status ? changes.set : changes.healthy;
    }
    if (from.empty()) {
        return out;
    }
    switch (*what.strategy) {
        case registry::pick_strategy::random: out.slot = from[pick.random % from.size()]; break;
        case registry::pick_strategy::round_robin:
            out.slot = from[pick.turns.next(service) % from.size()];
            break;
        case registry::pick_strategy::weighted:
            out.slot = filter.narrows() || what.any_status
                           ? pick_by_weight(registry, from, pick.random)
                           : registry.pick_weighted(service, pick.random);
            break;
    }
    return out;
}

} // namespace

position last_change(const view_set& views, const registry::list_services_params&) {
    return views.registry().services_changed();
}

position last_change(const view_set& views, const registry::get_service_params& what) {
    const registry_view& registry = views.registry();
    const auto service = registry.find_service(what.service);
    return service ? registry.changes(*service).row : registry.services_removed();
}

position last_change(const view_set& views, const registry::list_instances_params& what) {
    const registry_view& registry = views.registry();
    const auto service = registry.find_service(what.service);
    return service ? registry.changes(*service).set : registry.services_removed();
}

position last_change(const view_set& views, const registry::get_instance_params& what) {
    const registry_view& registry = views.registry();
    const auto service = registry.find_service(what.service);
    if (!service) {
        return registry.services_removed();
    }
    const auto slot = registry.find_instance(*service, what.instance);
    return slot ? registry.instance_changed(*slot) : registry.changes(*service).removed;
}

position last_change(const view_set& views, const registry::discover_instance_params& what) {
    const registry_view& registry = views.registry();
    const auto service = registry.find_service(what.service);
    if (!service) {
        return registry.services_removed();
    }
    const service_changes changes = registry.changes(*service);
    return what.any_status ? changes.set : changes.healthy;
}

query_answer list_services(const view_set& views, const registry::list_services_params& what,
                           const page& part) {
    query_answer out;
    const auto after = read_cursor(part.cursor);
    if (!after) {
        return failed(after.error(), 0);
    }
    const registry_view& registry = views.registry();
    const std::string_view prefix = what.prefix.value_or(std::string_view{});
    list_body body(out.body, "services", part.limit);
    registry::service_row row;
    registry.services_from(std::max(above(*after), std::string{prefix}), [&](service_id service) {
        const std::string_view name = registry.service_name(service);
        if (name.substr(0, prefix.size()) != prefix || !body.more()) {
            return false;
        }
        if (registry.service_has_tags(service, what.tag)) {
            registry.fill(service, row);
            body.add(row);
        }
        body.passed(name);
        return true;
    });
    body.finish();
    out.changed = registry.services_changed();
    out.digest = hash64(out.body);
    out.parked = some_stand_still(views, "service/" + std::string{prefix});
    return out;
}

query_answer get_service(const view_set& views, const registry::get_service_params& what) {
    const registry_view& registry = views.registry();
    const auto service = registry.find_service(what.service);
    if (!service) {
        return unknown_service(views, what.service);
    }
    query_answer out;
    registry::service_row row;
    registry.fill(*service, row);
    json_writer writer(out.body);
    write_json(writer, row);
    out.changed = row.changed_position;
    out.digest = out.changed;
    out.tag = std::to_string(row.stream_version) + "-" + tag_of(out.digest);
    out.parked = standing_still(views, registry::service_stream(what.service));
    return out;
}

query_answer list_instances(const view_set& views, const registry::list_instances_params& what,
                            const page& part) {
    const registry_view& registry = views.registry();
    const auto labels = labels_of(what.metadata);
    if (!labels) {
        return failed(labels.error(), 0);
    }
    const auto service = registry.find_service(what.service);
    if (!service) {
        return unknown_service(views, what.service);
    }
    const instance_filter filter{what.tag, what.zone, what.version, *labels, what.status};
    query_answer out = list_matching(
        views, *service, part, [&](instance_slot slot) { return registry.matches(slot, filter); });
    out.changed = registry.changes(*service).set;
    return out;
}

query_answer get_instance(const view_set& views, const registry::get_instance_params& what) {
    const registry_view& registry = views.registry();
    const auto service = registry.find_service(what.service);
    const auto slot = service ? registry.find_instance(*service, what.instance) : std::nullopt;
    if (!slot) {
        return failed({error_code::instance_unknown, "No instance " + std::string{what.instance} +
                                                         " of service " +
                                                         std::string{what.service} + " is known."},
                      service ? registry.changes(*service).removed : registry.services_removed());
    }
    query_answer out;
    out.tag = std::to_string(write_instance(registry, *slot, out));
    out.digest = out.changed;
    out.parked = standing_still(views, registry::instance_stream(what.service, what.instance));
    return out;
}

query_answer discover_instance(const view_set& views,
                               const registry::discover_instance_params& what, const page& part,
                               const pick_context& pick) {
    const registry_view& registry = views.registry();
    const auto labels = labels_of(what.metadata);
    if (!labels) {
        return failed(labels.error(), 0);
    }
    const auto service = registry.find_service(what.service);
    if (!service) {
        return unknown_service(views, what.service);
    }
    instance_filter filter{what.tag, what.zone, what.version, *labels, {}};
    const service_changes changes = registry.changes(*service);
    query_answer out;
    if (what.strategy) {
        const picked chosen = pick_one(registry, *service, what, filter, pick);
        if (chosen.slot) {
            write_instance(registry, *chosen.slot, out);
        } else {
            out = failed({error_code::no_healthy_instance, "No instance of service " +
                                                               std::string{what.service} +
                                                               " is healthy and matches."},
                         0);
        }
        out.digest = chosen.digest;
    } else {
        if (!what.any_status) {
            filter.status = registry::instance_status::up;
        }
        out = list_matching(views, *service, part,
                            [&](instance_slot slot) { return registry.matches(slot, filter); });
    }
    out.changed = what.any_status ? changes.set : changes.healthy;
    return out;
}

query_answer list_registry_metrics(const view_set& views,
                                   const registry::list_registry_metrics_params& what,
                                   const page& part) {
    query_answer out;
    const auto after = read_cursor(part.cursor);
    if (!after) {
        return failed(after.error(), 0);
    }
    list_body body(out.body, "buckets", part.limit);
    // Rows come by type, width and bucket: the key is written so that it sorts the same way.
    std::string key;
    views.registry_metrics().rows(
        {what.service, what.type}, [&](const registry::registry_metrics_row& row) {
            const std::string width = std::to_string(row.bucket_ms);
            const std::string bucket = std::to_string(row.bucket.us);
            key.assign(row.type).append(" ").append(20 - width.size(), '0').append(width);
            key.append(" ")
                .append(20 - std::min<std::size_t>(bucket.size(), 20), '0')
                .append(bucket);
            if (key <= *after) {
                return true;
            }
            if (!body.more()) {
                return false;
            }
            body.add(row);
            body.passed(key);
            return true;
        });
    body.finish();
    out.changed = views.registry_metrics().changed();
    out.digest = hash64(out.body);
    return out;
}

} // namespace fasti
