// SPDX-License-Identifier: Apache-2.0
//! What each registry event makes of the write model. Nothing here fails or decides: an event that
//! names what is not there (which decide never emits) changes nothing.
#include "domain/registry/registry.gen.hpp"
#include "domain/registry/state.hpp"

#include <utility>

namespace fasti::registry {
namespace {

//! Puts in place a copy of the named instance that `edit(record)` changed.
template <class Edit>
void change_instance(state& now, std::string_view service, std::string_view instance, Edit&& edit) {
    const instance_record* known = now.find_instance(service, instance);
    if (known == nullptr) {
        return;
    }
    instance_ptr changed = copy_of(*known);
    edit(*changed);
    now.set_instance(std::move(changed));
}

void set_flag(state& now, std::string_view service, std::string_view instance, std::uint8_t flag) {
    change_instance(now, service, instance, [&](instance_record& record) {
        record.flags = static_cast<std::uint8_t>(record.flags | flag);
    });
}

void clear_flag(state& now, std::string_view service, std::string_view instance,
                std::uint8_t flag) {
    change_instance(now, service, instance, [&](instance_record& record) {
        record.flags = static_cast<std::uint8_t>(record.flags & ~flag);
    });
}

//! Fields from the event, the given flags from what was known, a new lease grant.
template <class Event>
void grant(state& now, const Event& what, const event_context& context, int flags_kept) {
    instance_ptr made = make_record(what);
    if (const auto* known = now.find_instance(what.service, what.instance); known != nullptr) {
        made->flags = static_cast<std::uint8_t>(made->flags | (known->flags & flags_kept));
    }
    made->generation = context.stream_version;
    made->since_us = context.recorded.us;
    now.set_instance(std::move(made));
}

} // namespace

void evolve(state& now, const service_registered& what, const event_context&) {
    now.set_service(make_record(what));
}

void evolve(state& now, const service_updated& what, const event_context&) {
    now.set_service(make_record(what));
}

void evolve(state& now, const service_deregistered& what, const event_context&) {
    now.unregister_service(what.service);
}

void evolve(state& now, const instance_registered& what, const event_context& context) {
    grant(now, what, context, instance_record::maintenance);
}

void evolve(state& now, const instance_updated& what, const event_context& context) {
    grant(now, what, context,
          instance_record::maintenance | instance_record::draining | instance_record::expired);
}

void evolve(state& now, const instance_deregistered& what, const event_context&) {
    now.erase_instance(what.service, what.instance);
}

void evolve(state& now, const instance_drain_started& what, const event_context&) {
    set_flag(now, what.service, what.instance, instance_record::draining);
}

void evolve(state& now, const instance_drain_ended& what, const event_context&) {
    clear_flag(now, what.service, what.instance, instance_record::draining);
}

void evolve(state& now, const instance_maintenance_started& what, const event_context&) {
    set_flag(now, what.service, what.instance, instance_record::maintenance);
}

void evolve(state& now, const instance_maintenance_ended& what, const event_context&) {
    clear_flag(now, what.service, what.instance, instance_record::maintenance);
}

void evolve(state& now, const instance_expired& what, const event_context& context) {
    change_instance(now, what.service, what.instance, [&](instance_record& record) {
        record.flags = static_cast<std::uint8_t>(record.flags | instance_record::expired);
        record.generation = context.stream_version;
        record.since_us = context.recorded.us;
    });
}

void evolve(state& now, const instance_reaped& what, const event_context&) {
    now.erase_instance(what.service, what.instance);
}

void evolve(state& now, const expiry_guard_raised& what, const event_context&) {
    now.set_guard(what.until);
}

void evolve(state& now, const expiry_guard_lifted&, const event_context&) { now.set_guard({}); }

} // namespace fasti::registry
