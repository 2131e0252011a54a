// SPDX-License-Identifier: Apache-2.0
//! What follows from each registry command. Deciding nothing is success: it is so already.
#include "domain/registry/records.gen.hpp"
#include "domain/registry/registry.gen.hpp"
#include "domain/registry/state.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace fasti::registry {
namespace {

using decided = result<std::vector<event>>;

decided nothing() { return std::vector<event>{}; }

template <class Event>
decided one(Event fact) {
    std::vector<event> facts;
    facts.emplace_back(std::in_place_type<Event>, std::move(fact));
    return facts;
}

error service_unknown(std::string_view service) {
    return {error_code::service_unknown, "No service '" + std::string(service) + "' is known."};
}

template <class Command>
error refused(error_code code, const Command& what, std::string_view why) {
    return {code, "The instance '" + std::string(what.instance) + "' of service '" +
                      std::string(what.service) + "' " + std::string(why)};
}

template <class Command>
error instance_unknown(const Command& what) {
    return refused(error_code::instance_unknown, what, "is not known: register it.");
}

template <class Command>
error instance_expired_error(const Command& what) {
    return refused(error_code::instance_expired, what, "has expired: register it again.");
}

//! Sorted and without doubles, so that the order of a request makes no new fact.
void normalise(std::vector<std::string_view>& tags) {
    if (std::adjacent_find(tags.begin(), tags.end(), std::greater_equal<>()) != tags.end()) {
        std::sort(tags.begin(), tags.end());
        tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
    }
}

//! Sorted by key; the decoder refused doubles.
void normalise(std::vector<label>& metadata) {
    std::sort(metadata.begin(), metadata.end(),
              [](const label& a, const label& b) { return a.key < b.key; });
}

//! One event that sets or clears a flag of a known instance, unless it is so already.
template <class Event, class Command>
decided switch_flag(const instance_record* known, const Command& what, std::uint8_t flag, bool on) {
    if (known == nullptr) {
        return instance_unknown(what);
    }
    if (known->is(flag) == on) {
        return nothing();
    }
    return one(Event{.service = what.service, .instance = what.instance});
}

//! Drains are for instances that still run; maintenance is not.
template <class Event, class Command>
decided switch_drain(const state& now, const Command& what, bool on) {
    const instance_record* known = now.find_instance(what.service, what.instance);
    if (known != nullptr && known->is(instance_record::expired)) {
        return instance_expired_error(what);
    }
    return switch_flag<Event>(known, what, instance_record::draining, on);
}

} // namespace

decided decide(const state& now, const register_service& what, const decision_context&) {
    auto fact = with_service_fields<service_registered>(what);
    normalise(fact.tags);
    normalise(fact.metadata);
    const service_record* known = now.find_service(what.service);
    if (known == nullptr || !known->registered) {
        return one(std::move(fact));
    }
    if (has_fields(*known, fact)) {
        return nothing();
    }
    return one(with_service_fields<service_updated>(std::move(fact)));
}

decided decide(const state& now, const deregister_service& what, const decision_context&) {
    const service_record* known = now.find_service(what.service);
    if (known == nullptr) {
        return service_unknown(what.service);
    }
    if (known->instances > 0) {
        return error{error_code::service_has_instances,
                     "The service '" + std::string(what.service) + "' still has " +
                         std::to_string(known->instances) + " instances: deregister them first."};
    }
    return one(service_deregistered{.service = what.service});
}

decided decide(const state& now, const register_instance& what, const decision_context&) {
    auto fact = with_instance_fields<instance_registered>(what);
    normalise(fact.tags);
    normalise(fact.metadata);
    const instance_record* known = now.find_instance(what.service, what.instance);
    if (known == nullptr || known->is(instance_record::expired)) {
        return one(std::move(fact));
    }
    if (has_fields(*known, fact)) {
        return nothing();
    }
    return one(with_instance_fields<instance_updated>(std::move(fact)));
}

decided decide(const state& now, const update_instance& what, const decision_context&) {
    const instance_record* known = now.find_instance(what.service, what.instance);
    if (known == nullptr) {
        return instance_unknown(what);
    }
    if (known->is(instance_record::expired)) {
        return instance_expired_error(what);
    }
    instance_updated fact = fields_of(*known);
    take_fields(fact, what);
    normalise(fact.tags);
    normalise(fact.metadata);
    if (has_fields(*known, fact)) {
        return nothing();
    }
    return one(std::move(fact));
}

decided decide(const state& now, const renew_lease& what, const decision_context&) {
    const instance_record* known = now.find_instance(what.service, what.instance);
    if (known == nullptr) {
        return instance_unknown(what);
    }
    if (known->is(instance_record::expired)) {
        return instance_expired_error(what);
    }
    if (!known->is(instance_record::has_lease)) {
        return refused(error_code::lease_absent, what, "has no lease: there is nothing to renew.");
    }
    return nothing();
}

//! Each item is answered for itself, by the decision on renew_lease.
decided decide(const state&, const renew_leases&, const decision_context&) { return nothing(); }

decided decide(const state& now, const deregister_instance& what, const decision_context&) {
    if (!now.has_instance(what.service, what.instance)) {
        return instance_unknown(what);
    }
    return one(instance_deregistered{.service = what.service, .instance = what.instance});
}

decided decide(const state& now, const drain_instance& what, const decision_context&) {
    return switch_drain<instance_drain_started>(now, what, true);
}

decided decide(const state& now, const resume_instance& what, const decision_context&) {
    return switch_drain<instance_drain_ended>(now, what, false);
}

decided decide(const state& now, const start_maintenance& what, const decision_context&) {
    return switch_flag<instance_maintenance_started>(now.find_instance(what.service, what.instance),
                                                     what, instance_record::maintenance, true);
}

decided decide(const state& now, const end_maintenance& what, const decision_context&) {
    return switch_flag<instance_maintenance_ended>(now.find_instance(what.service, what.instance),
                                                   what, instance_record::maintenance, false);
}

decided decide(const state& now, const lift_expiry_guard&, const decision_context&) {
    if (!now.guard_until().has_value()) {
        return error{error_code::expiry_guard_not_raised, "No expiry guard is raised."};
    }
    return one(expiry_guard_lifted{.until = *now.guard_until()});
}

decided decide(const state& now, const expire_instance& what, const decision_context& context) {
    const instance_record* known = now.find_instance(what.service, what.instance);
    if (known == nullptr || known->is(instance_record::expired) ||
        !known->is(instance_record::has_lease) || known->generation != what.generation) {
        return nothing();
    }
    if (now.guard_until().has_value() && context.now < *now.guard_until()) {
        return nothing();
    }
    return one(instance_expired{.service = what.service,
                                .instance = what.instance,
                                .lease_ms = known->lease_ms,
                                .deadline = what.deadline});
}

//! While an instance stays expired other events may touch it (maintenance): it is reaped all the same.
//! A version before the expiry is from an earlier life of the instance.
decided decide(const state& now, const reap_instance& what, const decision_context&) {
    const instance_record* known = now.find_instance(what.service, what.instance);
    if (known == nullptr || !known->is(instance_record::expired) ||
        what.expired_version < known->generation) {
        return nothing();
    }
    return one(instance_reaped{.service = what.service, .instance = what.instance});
}

decided decide(const state& now, const raise_expiry_guard& what, const decision_context&) {
    if (now.guard_until().has_value()) {
        return nothing();
    }
    return one(expiry_guard_raised{.lapsed = what.lapsed,
                                   .leases = what.leases,
                                   .window_ms = what.window_ms,
                                   .until = what.until});
}

decided decide(const state& now, const end_expiry_guard& what, const decision_context& context) {
    if (now.guard_until() != what.until || context.now < what.until) {
        return nothing();
    }
    return one(expiry_guard_lifted{.until = what.until});
}

} // namespace fasti::registry
