// SPDX-License-Identifier: Apache-2.0
// What the registry view answers: rows, sets, picks, orders.
#include "projections/views/registry_view.hpp"

#include <algorithm>
#include <utility>

namespace fasti {

using registry::instance_status;

namespace {

bool has_tag(std::span<const std::string_view> tags, std::string_view wanted) {
    return std::find(tags.begin(), tags.end(), wanted) != tags.end();
}

bool has_all_tags(std::span<const std::string_view> tags,
                  std::span<const std::string_view> wanted) {
    return std::all_of(wanted.begin(), wanted.end(),
                       [&](std::string_view one) { return has_tag(tags, one); });
}

bool has_all_labels(std::span<const label> labels, std::span<const label> wanted) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const label& one) {
        return std::find(labels.begin(), labels.end(), one) != labels.end();
    });
}

} // namespace

instance_status registry_view::instance_record::status() const noexcept {
    if (expired) {
        return instance_status::expired;
    }
    if (maintenance) {
        return instance_status::maintenance;
    }
    return draining ? instance_status::draining : instance_status::up;
}

bool registry_view::holds(instance_slot slot) const noexcept {
    return slot < instances_.end() && instances_[slot].used;
}

std::string_view registry_view::service_name(service_id service) const {
    return services_[service].text.read().text();
}

std::string_view registry_view::instance_name(instance_slot slot) const {
    return instances_[slot].text.read().text();
}

instance_ref registry_view::at(instance_slot slot) const {
    const instance_record& record = instances_[slot];
    return {service_name(record.owner),
            instance_name(slot),
            record.owner,
            record.lease_ms,
            record.generation,
            record.status(),
            record.expired,
            record.expired_at,
            record.changed};
}

void registry_view::fill(service_id service, registry::service_row& out) const {
    const service_record& record = services_[service];
    text_walker texts(record.text);
    texts.into(out, registry::service_texts<registry::service_row>);
    texts.tags(out.tags);
    texts.metadata(out.metadata);
    out.registered = record.registered;
    out.instances = static_cast<std::uint32_t>(record.members.size());
    out.healthy = record.healthy;
    out.stream_version = record.stream_version;
    out.changed_position = record.changed.row;
    out.changed_at = record.changed_at;
}

void registry_view::fill(instance_slot slot, registry::instance_row& out) const {
    const instance_record& record = instances_[slot];
    record.text.prefetch_whole();
    text_walker texts(record.text);
    out.service = service_name(record.owner);
    texts.into<first_own_text>(out, registry::instance_texts<registry::instance_row>);
    texts.tags(out.tags);
    texts.metadata(out.metadata);
    out.port = record.port;
    out.weight = record.weight;
    out.lease_ms = record.lease_ms != 0 ? std::optional{record.lease_ms} : std::nullopt;
    out.status = record.status();
    out.registered_at = record.registered_at;
    out.stream_version = record.stream_version;
    out.changed_position = record.changed;
    out.changed_at = record.changed_at;
}

std::uint32_t registry_view::service_count() const noexcept {
    return static_cast<std::uint32_t>(services_.size());
}

std::uint32_t registry_view::instance_count() const noexcept {
    return static_cast<std::uint32_t>(instances_.size());
}

std::span<const instance_slot> registry_view::members(service_id service) const {
    return services_[service].members;
}

std::span<const instance_slot> registry_view::healthy(service_id service) const {
    const service_record& record = services_[service];
    return std::span{record.members}.first(record.healthy);
}

bool registry_view::matches(instance_slot slot, const instance_filter& filter) const {
    if (filter.status && instances_[slot].status() != *filter.status) {
        return false;
    }
    if (!filter.zone && !filter.version && filter.tags.empty() && filter.metadata.empty()) {
        return true;
    }
    constexpr auto& members = registry::instance_texts<registry::instance_row>;
    constexpr auto version_at = place_of(&registry::instance_row::version, members) -
                                first_own_text;
    constexpr auto zone_at = place_of(&registry::instance_row::zone, members) - first_own_text;
    static_assert(version_at < zone_at);
    text_walker texts(instances_[slot].text);
    texts.skip(version_at);
    const std::string_view version = texts.text();
    texts.skip(zone_at - version_at - 1);
    const std::string_view zone = texts.text();
    if ((filter.zone && zone != *filter.zone) || (filter.version && version != *filter.version)) {
        return false;
    }
    if (filter.tags.empty() && filter.metadata.empty()) {
        return true;
    }
    texts.skip(instance_text_count - zone_at - 1);
    thread_local std::vector<std::string_view> tags;
    thread_local std::vector<label> labels;
    texts.tags(tags);
    texts.metadata(labels);
    return has_all_tags(tags, filter.tags) && has_all_labels(labels, filter.metadata);
}

bool registry_view::service_has_tags(service_id service,
                                     std::span<const std::string_view> wanted) const {
    if (wanted.empty()) {
        return true;
    }
    text_walker texts(services_[service].text);
    texts.skip(service_text_count);
    std::vector<std::string_view> tags;
    texts.tags(tags);
    return has_all_tags(tags, wanted);
}

std::uint32_t registry_view::weight_of(instance_slot slot) const { return instances_[slot].weight; }

std::optional<instance_slot> registry_view::pick_weighted(service_id service,
                                                          std::uint64_t random) const {
    const service_record& record = services_[service];
    if (!record.weights) {
        record.weights = std::make_unique<weight_tree>();
        for (const instance_slot slot : healthy(service)) {
            record.weights->push_back(instances_[slot].weight);
        }
    }
    const std::uint64_t total = record.weights->total();
    if (total == 0) {
        return std::nullopt;
    }
    return record.members[record.weights->member_at(random % total)];
}

service_changes registry_view::changes(service_id service) const {
    return services_[service].changed;
}

position registry_view::instance_changed(instance_slot slot) const {
    return instances_[slot].changed;
}

void registry_view::order_services() const {
    if (service_order_.built()) {
        return;
    }
    std::vector<service_id> ids;
    ids.reserve(services_.size());
    for (service_id id = 0; id < services_.end(); ++id) {
        if (services_[id].used) {
            ids.push_back(id);
        }
    }
    service_order_.build(std::move(ids), service_namer{*this});
}

const name_order& registry_view::order_of(service_id service) const {
    const service_record& record = services_[service];
    if (!record.order) {
        record.order = std::make_unique<name_order>();
        record.order->build(record.members, instance_namer{*this});
    }
    return *record.order;
}

std::size_t registry_view::structure_bytes() const noexcept {
    std::size_t bytes = services_.memory_bytes() + instances_.memory_bytes() +
                        service_index_.memory_bytes() + instance_index_.memory_bytes();
    for (service_id id = 0; id < services_.end(); ++id) {
        bytes += services_[id].members.capacity() * sizeof(instance_slot);
    }
    return bytes;
}

} // namespace fasti
