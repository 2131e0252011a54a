// SPDX-License-Identifier: Apache-2.0
#include "projections/views/registry_view.hpp"

#include "domain/base/check.hpp"
#include "projections/views/declared.hpp"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

namespace fasti {

using registry::instance_status;

// What is neither text nor list is kept in the records, by hand.
static_assert(registry::service_other_fields == "tags metadata");
static_assert(registry::instance_other_fields == "port weight tags metadata lease_ms");

std::uint64_t registry_view::fingerprint() noexcept {
    return declared_fingerprint<registry::event>(name, code_revision);
}

// ------------------------------------------------------------------------------ services

void registry_view::on(const registry::service_registered& what, const event_context& context) {
    put_service(what, context);
}

void registry_view::on(const registry::service_updated& what, const event_context& context) {
    put_service(what, context);
}

template <class Event>
void registry_view::put_service(const Event& what, const event_context& context) {
    const std::uint64_t hash = hash64(what.service);
    const auto known = find_service(what.service, hash);
    const service_id id = known ? *known : add_service(what.service, hash, context);
    service_record& service = services_[id];
    const auto texts = values_of(what, registry::service_texts<Event>);
    set_text(service.text, {texts, what.tags, what.metadata});
    service.registered = true;
    service.stream_version = context.stream_version;
    row_changed(service, context);
}

void registry_view::on(const registry::service_deregistered& what, const event_context& context) {
    const auto id = find_service(what.service);
    if (!id) {
        return;
    }
    service_record& service = services_[*id];
    const std::array<std::string_view, service_text_count> texts{what.service};
    set_text(service.text, {texts, {}, {}});
    service.registered = false;
    service.stream_version = context.stream_version;
    row_changed(service, context);
    drop_service_if_empty(*id, context);
}

service_id registry_view::add_service(std::string_view service, std::uint64_t hash,
                                      const event_context& context) {
    const service_id id = services_.take();
    service_record& record = services_[id];
    const std::array<std::string_view, service_text_count> texts{service};
    set_text(record.text, {texts, {}, {}});
    record.used = true;
    record.changed = {context.at, context.at, context.at, services_removed_};
    service_index_.insert(hash, id);
    service_order_.insert(id, service_namer{*this});
    return id;
}

void registry_view::drop_service_if_empty(service_id id, const event_context& context) {
    service_record& service = services_[id];
    if (service.registered || !service.members.empty()) {
        return;
    }
    service_order_.erase(id, service_namer{*this});
    service_index_.erase(hash64(service_name(id)), id);
    text_memory_bytes_ -= service.text.room();
    services_.give_back(id);
    services_removed_ = context.at;
    services_changed_ = context.at;
}

void registry_view::row_changed(service_record& of, const event_context& context) {
    of.changed.row = context.at;
    of.changed_at = context.recorded;
    services_changed_ = context.at;
}

// ------------------------------------------------------------------------------ instances

void registry_view::on(const registry::instance_registered& what, const event_context& context) {
    const instance_slot slot = put_instance(what, context);
    if (observer_ != nullptr) {
        observer_->instance_granted(slot, instances_[slot].lease_ms, context.stream_version);
    }
}

void registry_view::on(const registry::instance_updated& what, const event_context& context) {
    const instance_slot slot = put_instance(what, context);
    if (observer_ != nullptr && !instances_[slot].expired) {
        observer_->instance_granted(slot, instances_[slot].lease_ms, context.stream_version);
    }
}

template <class Event>
instance_slot registry_view::put_instance(const Event& what, const event_context& context) {
    const std::uint64_t service_hash = hash64(what.service);
    const std::uint64_t hash = instance_hash(service_hash, what.instance);
    const auto known_service = find_service(what.service, service_hash);
    const service_id id = known_service ? *known_service
                                        : add_service(what.service, service_hash, context);
    const auto known = known_service ? find_instance(id, what.instance, hash) : std::nullopt;
    const instance_slot slot = known ? *known : instances_.take();
    instance_record& record = instances_[slot];
    const bool was_up = record.used && record.up();
    const auto texts = values_of<first_own_text>(what, registry::instance_texts<Event>);
    set_text(record.text, {texts, what.tags, what.metadata});
    if (was_up && services_[id].weights) {
        services_[id].weights->change(record.place, record.weight, what.weight);
    }
    record.weight = what.weight;
    record.port = what.port;
    record.lease_ms = what.lease_ms.value_or(0);
    if (!known) {
        record.registered_at = context.recorded;
        add_instance(id, slot, hash);
    }
    if constexpr (std::is_same_v<Event, registry::instance_registered>) {
        record.draining = false; // a new life; maintenance outlasts it
        record.expired = false;
    }
    if (!record.expired) {
        record.generation = context.stream_version;
    }
    settle(slot, was_up, known ? population::same : population::changed, context);
    return slot;
}

void registry_view::add_instance(service_id id, instance_slot slot, std::uint64_t hash) {
    instance_record& record = instances_[slot];
    service_record& service = services_[id];
    record.owner = id;
    record.used = true;
    record.place = static_cast<std::uint32_t>(service.members.size());
    service.members.push_back(slot);
    instance_index_.insert(hash, slot);
    if (service.order) {
        service.order->insert(slot, instance_namer{*this});
    }
}

void registry_view::on(const registry::instance_deregistered& what, const event_context& context) {
    remove_instance(what.service, what.instance, context);
}

void registry_view::on(const registry::instance_reaped& what, const event_context& context) {
    remove_instance(what.service, what.instance, context);
}

void registry_view::remove_instance(std::string_view service_named, std::string_view instance,
                                    const event_context& context) {
    const auto found = find(service_named, instance);
    if (!found) {
        return;
    }
    service_record& service = services_[found->service];
    const bool was_up = instances_[found->slot].up();
    detach(found->slot);
    service.changed.set = context.at;
    service.changed.removed = context.at;
    if (was_up) {
        service.changed.healthy = context.at;
    }
    row_changed(service, context);
    if (observer_ != nullptr) {
        observer_->instance_removed(found->slot);
    }
    drop_service_if_empty(found->service, context);
}

void registry_view::detach(instance_slot slot) {
    instance_record& record = instances_[slot];
    service_record& service = services_[record.owner];
    if (record.up()) {
        leave_healthy(service, slot);
    }
    swap_members(service, record.place, static_cast<std::uint32_t>(service.members.size() - 1));
    service.members.pop_back();
    if (service.order) {
        service.order->erase(slot, instance_namer{*this});
    }
    instance_index_.erase(instance_hash(hash64(service_name(record.owner)), instance_name(slot)),
                          slot);
    text_memory_bytes_ -= record.text.room();
    instances_.give_back(slot);
}

// ------------------------------------------------------------------------------ status

template <class Change>
void registry_view::change_status(std::string_view service, std::string_view instance,
                                  const event_context& context, const Change& change) {
    const auto found = find(service, instance);
    if (!found) {
        return;
    }
    instance_record& record = instances_[found->slot];
    const bool was_up = record.up();
    change(record);
    settle(found->slot, was_up, population::same, context);
}

void registry_view::on(const registry::instance_drain_started& what, const event_context& context) {
    change_status(what.service, what.instance, context,
                  [](instance_record& record) { record.draining = true; });
}

void registry_view::on(const registry::instance_drain_ended& what, const event_context& context) {
    change_status(what.service, what.instance, context,
                  [](instance_record& record) { record.draining = false; });
}

void registry_view::on(const registry::instance_maintenance_started& what,
                       const event_context& context) {
    change_status(what.service, what.instance, context,
                  [](instance_record& record) { record.maintenance = true; });
}

void registry_view::on(const registry::instance_maintenance_ended& what,
                       const event_context& context) {
    change_status(what.service, what.instance, context,
                  [](instance_record& record) { record.maintenance = false; });
}

void registry_view::on(const registry::instance_expired& what, const event_context& context) {
    const auto found = find(what.service, what.instance);
    if (!found) {
        return;
    }
    instance_record& record = instances_[found->slot];
    const bool was_up = record.up();
    record.expired = true;
    record.expired_at = context.recorded;
    record.generation = context.stream_version;
    settle(found->slot, was_up, population::same, context);
    if (observer_ != nullptr) {
        observer_->instance_expired(found->slot, context.recorded, context.stream_version);
    }
}

//! Brings the healthy set and the change positions in line with what an instance has become.
void registry_view::settle(instance_slot slot, bool was_up, population known,
                           const event_context& context) {
    instance_record& record = instances_[slot];
    service_record& service = services_[record.owner];
    const bool is_up = record.up();
    if (is_up && !was_up) {
        enter_healthy(service, slot);
    } else if (was_up && !is_up) {
        leave_healthy(service, slot);
    }
    record.changed = context.at;
    record.changed_at = context.recorded;
    record.stream_version = context.stream_version;
    service.changed.set = context.at;
    if (was_up || is_up) {
        service.changed.healthy = context.at;
    }
    if (was_up != is_up || known == population::changed) {
        row_changed(service, context);
    }
}

void registry_view::enter_healthy(service_record& service, instance_slot slot) {
    swap_members(service, instances_[slot].place, service.healthy);
    ++service.healthy;
    ++healthy_;
    if (service.weights) {
        service.weights->push_back(instances_[slot].weight);
    }
}

void registry_view::leave_healthy(service_record& service, instance_slot slot) {
    const std::uint32_t place = instances_[slot].place;
    const std::uint32_t last = --service.healthy;
    --healthy_;
    if (service.weights) {
        const std::uint32_t last_weight = instances_[service.members[last]].weight;
        service.weights->change(place, instances_[slot].weight, last_weight);
        service.weights->pop_back(last_weight);
    }
    swap_members(service, place, last);
}

void registry_view::swap_members(service_record& service, std::uint32_t a, std::uint32_t b) {
    std::swap(service.members[a], service.members[b]);
    instances_[service.members[a]].place = a;
    instances_[service.members[b]].place = b;
}

void registry_view::on(const registry::expiry_guard_raised& what, const event_context&) {
    guard_until_ = what.until;
    if (observer_ != nullptr) {
        observer_->guard_raised(what.until);
    }
}

void registry_view::on(const registry::expiry_guard_lifted&, const event_context&) {
    guard_until_.reset();
    if (observer_ != nullptr) {
        observer_->guard_lifted();
    }
}

void registry_view::copy_service(const registry_view& from, service_id service) {
    const service_record& source = from.services_[service];
    const std::string_view named = from.service_name(service);
    if (find_service(named)) {
        return;
    }
    const service_id id = add_service(named, hash64(named), {});
    service_record& record = services_[id];
    text_memory_bytes_ -= record.text.room();
    record.text.set_bytes(source.text.bytes());
    text_memory_bytes_ += record.text.room();
    record.registered = source.registered;
    record.stream_version = source.stream_version;
    record.changed = source.changed;
    record.changed_at = source.changed_at;
}

void registry_view::copy_instance(const registry_view& from, instance_slot slot) {
    const instance_record& source = from.instances_[slot];
    const std::string_view service = from.service_name(source.owner);
    const std::uint64_t service_hash = hash64(service);
    const std::string_view named = from.instance_name(slot);
    const auto id = find_service(service, service_hash);
    const std::uint64_t hash = instance_hash(service_hash, named);
    if (!id || find_instance(*id, named, hash)) {
        return;
    }
    const instance_slot made = instances_.take();
    instance_record& record = instances_[made];
    record.text.set_bytes(source.text.bytes());
    text_memory_bytes_ += record.text.room();
    record.changed = source.changed;
    record.changed_at = source.changed_at;
    record.registered_at = source.registered_at;
    record.expired_at = source.expired_at;
    record.stream_version = source.stream_version;
    record.generation = source.generation;
    record.weight = source.weight;
    record.lease_ms = source.lease_ms;
    record.port = source.port;
    record.draining = source.draining;
    record.maintenance = source.maintenance;
    record.expired = source.expired;
    add_instance(*id, made, hash);
    if (record.up()) {
        enter_healthy(services_[*id], made);
    }
}

void registry_view::tell_all(lease_observer& observer) const {
    for (instance_slot slot = 0; slot < instances_.end(); ++slot) {
        const instance_record& record = instances_[slot];
        if (!record.used) {
            continue;
        }
        if (record.expired) {
            observer.instance_expired(slot, record.expired_at, record.generation);
        } else {
            observer.instance_granted(slot, record.lease_ms, record.generation);
        }
    }
    if (guard_until_) {
        observer.guard_raised(*guard_until_);
    }
}

// ------------------------------------------------------------------------------ finding

std::uint64_t registry_view::instance_hash(std::uint64_t service_hash,
                                           std::string_view instance) noexcept {
    // The index places by the upper half, so both names are spread over all of it.
    std::uint64_t mixed = hash64(instance) ^ (service_hash * 0x9E37'79B9'7F4A'7C15U);
    mixed ^= mixed >> 32U;
    return mixed * 0xD6E8'FEB8'6659'FD93U;
}

std::optional<service_id> registry_view::find_service(std::string_view service) const {
    return find_service(service, hash64(service));
}

std::optional<service_id> registry_view::find_service(std::string_view service,
                                                      std::uint64_t hash) const {
    return service_index_.find(hash, [&](service_id id) { return service_name(id) == service; });
}

std::optional<instance_slot> registry_view::find_instance(service_id service,
                                                          std::string_view instance) const {
    return find_instance(service, instance, instance_hash(hash64(service_name(service)), instance));
}

std::optional<instance_slot> registry_view::find_instance(service_id service,
                                                          std::string_view instance,
                                                          std::uint64_t hash) const {
    return instance_index_.find(hash, [&](instance_slot slot) {
        return instances_[slot].owner == service && instance_name(slot) == instance;
    });
}

std::optional<registry_view::found_instance> registry_view::find(std::string_view service,
                                                                 std::string_view instance) const {
    const std::uint64_t hash = hash64(service);
    const auto id = find_service(service, hash);
    if (!id) {
        return std::nullopt;
    }
    const auto slot = find_instance(*id, instance, instance_hash(hash, instance));
    return slot ? std::optional<found_instance>{{*id, *slot}} : std::nullopt;
}

std::optional<instance_slot> registry_view::slot_of(std::string_view service,
                                                    std::string_view instance) const {
    const auto found = find(service, instance);
    return found ? std::optional{found->slot} : std::nullopt;
}

registry_view::foresight registry_view::foresee(std::string_view stream) const noexcept {
    foresight out;
    const std::size_t slash = stream.find('/');
    if (slash == std::string_view::npos) {
        return out;
    }
    const std::string_view names = stream.substr(slash + 1);
    const std::size_t between = std::min(names.find('/'), names.size());
    return foresee(names.substr(0, between), names.substr(std::min(between + 1, names.size())));
}

registry_view::foresight registry_view::foresee(std::string_view service,
                                                std::string_view instance) const noexcept {
    foresight out;
    out.service_hash = hash64(service);
    service_index_.prefetch(out.service_hash);
    if (!instance.empty()) {
        out.instance_hash = instance_hash(out.service_hash, instance);
        instance_index_.prefetch(out.instance_hash);
    }
    return out;
}

void registry_view::fetch_records(const foresight& what) const noexcept {
    if (const auto service = service_index_.guess(what.service_hash)) {
        const auto* record = reinterpret_cast<const char*>(&services_[*service]);
        __builtin_prefetch(record);
        __builtin_prefetch(record + 64);
    }
    if (what.instance_hash == 0) {
        return;
    }
    if (const auto slot = instance_index_.guess(what.instance_hash)) {
        const auto* record = reinterpret_cast<const char*>(&instances_[*slot]);
        __builtin_prefetch(record);
        __builtin_prefetch(record + 64);
    }
}

void registry_view::fetch_texts(const foresight& what) const noexcept {
    if (const auto service = service_index_.guess(what.service_hash)) {
        services_[*service].text.prefetch();
        if (what.instance_hash == 0) {
            __builtin_prefetch(services_[*service].members.data());
        }
    }
    if (what.instance_hash == 0) {
        return;
    }
    if (const auto slot = instance_index_.guess(what.instance_hash)) {
        instances_[*slot].text.prefetch();
    }
}

void registry_view::set_text(text_block& block, const text_block::draft& draft) {
    text_memory_bytes_ -= block.room();
    block.set(draft);
    text_memory_bytes_ += block.room();
}

} // namespace fasti
