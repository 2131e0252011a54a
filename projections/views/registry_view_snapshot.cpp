// SPDX-License-Identifier: Apache-2.0
// The registry view as canonical bytes: services by name, each with its instances by name.
#include "projections/views/registry_view.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace fasti {
namespace {

constexpr std::size_t service_bytes_min = 12;
constexpr std::size_t instance_bytes_min = 12;
constexpr std::uint64_t u32_max = std::numeric_limits<std::uint32_t>::max();

constexpr std::uint64_t flag_draining = 1;
constexpr std::uint64_t flag_maintenance = 2;
constexpr std::uint64_t flag_expired = 4;
constexpr std::uint64_t flags_all = 7;

} // namespace

void registry_view::write_snapshot(std::string& out) const {
    out.reserve(out.size() + instances_.size() * packed_instance_room);
    pack(services_changed_, out);
    pack(services_removed_, out);
    pack(guard_until_ ? 1 : 0, out);
    if (guard_until_) {
        pack_signed(guard_until_->us, out);
    }
    pack(services_.size(), out);
    services_from({}, [&](service_id id) {
        write_service(id, out);
        return true;
    });
}

void registry_view::write_service(service_id id, std::string& out) const {
    const service_record& service = services_[id];
    pack(service.text.bytes(), out);
    pack(service.registered ? 1 : 0, out);
    pack(service.stream_version, out);
    pack(service.changed.row, out);
    pack(service.changed.set, out);
    pack(service.changed.healthy, out);
    pack(service.changed.removed, out);
    pack_signed(service.changed_at.us, out);
    // Sorted here and not through order_of(): a snapshot should leave nothing behind in memory.
    std::vector<std::pair<std::string_view, instance_slot>> sorted;
    sorted.reserve(service.members.size());
    for (const instance_slot slot : service.members) {
        sorted.emplace_back(instance_name(slot), slot);
    }
    std::sort(sorted.begin(), sorted.end());
    pack(sorted.size(), out);
    for (const auto& [named, slot] : sorted) {
        const instance_record& record = instances_[slot];
        pack(record.text.bytes(), out);
        pack(record.port, out);
        pack(record.weight, out);
        pack(record.lease_ms, out);
        pack((record.draining ? flag_draining : 0) | (record.maintenance ? flag_maintenance : 0) |
                 (record.expired ? flag_expired : 0),
             out);
        pack(record.stream_version, out);
        pack(record.generation, out);
        pack(record.changed, out);
        pack_signed(record.changed_at.us, out);
        pack_signed(record.registered_at.us, out);
        pack_signed(record.expired_at.us, out);
    }
}

bool registry_view::read_snapshot(std::string_view bytes) {
    clear();
    packed_reader in(bytes);
    services_changed_ = in.number();
    services_removed_ = in.number();
    if (in.number_to(1) == 1) {
        guard_until_ = instant{in.signed_number()};
    }
    std::string_view previous;
    bool good = true;
    for (std::size_t left = in.count(service_bytes_min); left > 0 && good; --left) {
        good = read_service(in, previous);
    }
    if (good && in.finished()) {
        return true;
    }
    clear();
    return false;
}

bool registry_view::read_service(packed_reader& in, std::string_view& previous) {
    const std::string_view block = in.text();
    if (!text_block::well_formed(block, service_text_count)) {
        return false;
    }
    const std::string_view named = packed_reader(block).text();
    if (service_index_.size() > 0 && named <= previous) {
        return false;
    }
    previous = named;
    const service_id id = services_.take();
    service_record& service = services_[id];
    service.text.set_bytes(block);
    text_memory_bytes_ += service.text.room();
    service.used = true;
    service_index_.insert(hash64(named), id);
    service.registered = in.number_to(1) == 1;
    service.stream_version = in.number();
    service.changed.row = in.number();
    service.changed.set = in.number();
    service.changed.healthy = in.number();
    service.changed.removed = in.number();
    service.changed_at.us = in.signed_number();
    const std::size_t count = in.count(instance_bytes_min);
    service.members.reserve(count);
    std::string_view previous_instance;
    for (std::size_t left = count; left > 0; --left) {
        if (!read_instance(in, id, previous_instance)) {
            return false;
        }
    }
    return in.ok() && (service.registered || count > 0);
}

bool registry_view::read_instance(packed_reader& in, service_id owner, std::string_view& previous) {
    const std::string_view block = in.text();
    if (!text_block::well_formed(block, instance_text_count)) {
        return false;
    }
    const std::string_view named = packed_reader(block).text();
    if (!services_[owner].members.empty() && named <= previous) {
        return false;
    }
    previous = named;
    const instance_slot slot = instances_.take();
    instance_record& record = instances_[slot];
    record.text.set_bytes(block);
    text_memory_bytes_ += record.text.room();
    record.port = static_cast<std::uint16_t>(
        in.number_to(std::numeric_limits<std::uint16_t>::max()));
    record.weight = static_cast<std::uint32_t>(in.number_to(u32_max));
    record.lease_ms = static_cast<std::uint32_t>(in.number_to(u32_max));
    const std::uint64_t flags = in.number_to(flags_all);
    record.draining = (flags & flag_draining) != 0;
    record.maintenance = (flags & flag_maintenance) != 0;
    record.expired = (flags & flag_expired) != 0;
    record.stream_version = in.number();
    record.generation = in.number();
    record.changed = in.number();
    record.changed_at.us = in.signed_number();
    record.registered_at.us = in.signed_number();
    record.expired_at.us = in.signed_number();
    add_instance(owner, slot, instance_hash(hash64(service_name(owner)), named));
    if (record.up()) {
        enter_healthy(services_[owner], slot);
    }
    return in.ok();
}

void registry_view::clear() {
    services_ = {};
    instances_ = {};
    service_index_ = {};
    instance_index_ = {};
    service_order_ = {};
    healthy_ = 0;
    services_changed_ = 0;
    services_removed_ = 0;
    guard_until_.reset();
    text_memory_bytes_ = 0;
}

} // namespace fasti
