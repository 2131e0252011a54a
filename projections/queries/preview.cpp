// SPDX-License-Identifier: Apache-2.0
#include "projections/queries/preview.hpp"

#include "domain/wire/identity_json.gen.hpp"
#include "domain/wire/json_writer.hpp"
#include "domain/wire/registry_json.gen.hpp"

#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace fasti {
namespace {

//! The keys that planned events touch, in the order of names.
struct touched {
    std::set<std::string_view> services;
    std::set<std::pair<std::string_view, std::string_view>> instances;
    std::set<std::string_view> tokens;
};

//! What follows a prefix; nothing when the text begins otherwise.
std::optional<std::string_view> after(std::string_view text, std::string_view prefix) {
    if (text.substr(0, prefix.size()) != prefix) {
        return std::nullopt;
    }
    return text.substr(prefix.size());
}

touched keys_of(std::span<const planned_fact> planned) {
    touched out;
    for (const planned_fact& fact : planned) {
        if (const auto service = after(fact.stream, "service/")) {
            out.services.insert(*service);
        } else if (const auto token = after(fact.stream, "token/")) {
            out.tokens.insert(*token);
        } else if (const auto names = after(fact.stream, "instance/")) {
            const std::size_t slash = names->find('/');
            if (slash != std::string_view::npos) {
                out.services.insert(names->substr(0, slash));
                out.instances.emplace(names->substr(0, slash), names->substr(slash + 1));
            }
        }
    }
    return out;
}

//! Where a service has instances that the plan does not touch, one of them comes along: without it
//! the trial would forget the service with the last instance that the plan removes.
void copy_anchor(const registry_view& live, std::string_view name, registry_view& trial) {
    const auto service = live.find_service(name);
    if (!service) {
        return;
    }
    const std::size_t touched_members = trial.members(*trial.find_service(name)).size();
    for (const instance_slot slot : live.members(*service)) {
        if (trial.members(*trial.find_service(name)).size() > touched_members) {
            return;
        }
        trial.copy_instance(live, slot);
    }
}

//! The trial views before any planned event: the touched keys and nothing else.
std::unique_ptr<view_set> seeded(const view_set& live, const touched& keys) {
    auto trial = std::make_unique<view_set>();
    for (const std::string_view name : keys.services) {
        if (const auto service = live.registry().find_service(name)) {
            trial->registry().copy_service(live.registry(), *service);
        }
    }
    for (const auto& [service, instance] : keys.instances) {
        if (const auto slot = live.registry().slot_of(service, instance)) {
            trial->registry().copy_instance(live.registry(), *slot);
        }
    }
    for (const std::string_view name : keys.services) {
        copy_anchor(live.registry(), name, trial->registry());
    }
    for (const std::string_view token : keys.tokens) {
        trial->tokens().copy_token(live.tokens(), token);
    }
    trial->stand_at(live.at(), live.recorded());
    return trial;
}

std::optional<registry::service_row> service_row(const registry_view& view, std::string_view name) {
    const auto service = view.find_service(name);
    if (!service) {
        return std::nullopt;
    }
    registry::service_row row;
    view.fill(*service, row);
    return row;
}

std::optional<registry::instance_row> instance_row(const registry_view& view,
                                                   std::string_view service,
                                                   std::string_view instance) {
    const auto slot = view.slot_of(service, instance);
    if (!slot) {
        return std::nullopt;
    }
    registry::instance_row row;
    view.fill(*slot, row);
    return row;
}

std::optional<identity::token_row> token_row(const tokens_view& view, std::string_view token) {
    identity::token_row row;
    return view.fill(token, row) ? std::optional{row} : std::nullopt;
}

//! How many instances a trial holds of each service when it begins: the others are not in it.
struct counts {
    std::uint32_t instances = 0;
    std::uint32_t healthy = 0;
};

counts counts_of(const std::optional<registry::service_row>& row) {
    return row ? counts{row->instances, row->healthy} : counts{};
}

//! A trial's row made whole: it counts its own instances only.
std::optional<registry::service_row> completed(std::optional<registry::service_row> trial,
                                               const std::optional<registry::service_row>& live,
                                               const counts& seed) {
    if (trial && live) {
        trial->instances += live->instances - seed.instances;
        trial->healthy += live->healthy - seed.healthy;
    }
    return trial;
}

template <class Row>
void write_change(json_writer& out, std::string_view view, std::string_view key,
                  const std::pair<std::optional<Row>, std::optional<Row>>& rows) {
    const auto write_row = [&](std::string_view name, const std::optional<Row>& row) {
        out.name(name);
        if (row) {
            write_json(out, *row);
        } else {
            out.null();
        }
    };
    if (rows.first == rows.second) {
        return;
    }
    out.begin_object();
    out.text("view", view);
    out.text("key", key);
    write_row("before", rows.first);
    write_row("after", rows.second);
    out.end_object();
}

} // namespace

std::string preview(const view_set& live, std::span<const planned_fact> planned,
                    const preview_context& context) {
    const touched keys = keys_of(planned);
    const std::unique_ptr<view_set> trial = seeded(live, keys);
    std::vector<counts> seeds;
    for (const std::string_view name : keys.services) {
        seeds.push_back(counts_of(service_row(trial->registry(), name)));
    }
    position at = live.at();
    for (const planned_fact& fact : planned) {
        recorded_event event;
        event.at = ++at;
        event.fact.stream = fact.stream;
        event.fact.stream_version = fact.stream_version;
        event.fact.type = fact.type;
        event.fact.revision = fact.revision;
        event.fact.recorded = context.now;
        event.fact.actor = context.actor;
        event.fact.data = fact.data;
        trial->apply_part(event);
    }
    std::string out;
    json_writer writer(out);
    writer.begin_array();
    auto seed = seeds.begin();
    for (const std::string_view name : keys.services) {
        const auto before = service_row(live.registry(), name);
        const auto then = completed(service_row(trial->registry(), name), before, *seed++);
        write_change<registry::service_row>(writer, "services", name, {before, then});
    }
    for (const auto& [service, instance] : keys.instances) {
        write_change<registry::instance_row>(writer, "instances",
                                             std::string{service} + "/" + std::string{instance},
                                             {instance_row(live.registry(), service, instance),
                                              instance_row(trial->registry(), service, instance)});
    }
    for (const std::string_view token : keys.tokens) {
        write_change<identity::token_row>(
            writer, "tokens", token,
            {token_row(live.tokens(), token), token_row(trial->tokens(), token)});
    }
    writer.end_array();
    return out;
}

} // namespace fasti
