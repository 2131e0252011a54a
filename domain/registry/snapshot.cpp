// SPDX-License-Identifier: Apache-2.0
//! Snapshot of the registry's write model. Shape: format name and number; guard; registered services
//! by name; instances by service and name. Services known only by instances follow from those.
#include "domain/registry/records.gen.hpp"
#include "domain/registry/state.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace fasti::registry {
namespace {

constexpr std::string_view format_name = "fasti registry write model";
constexpr std::uint64_t format_number = 1;
constexpr std::size_t service_text_count = service_texts<service_updated>.size();
constexpr std::size_t instance_text_count = instance_texts<instance_updated>.size();

//! Steps over tags and metadata.
void skip_lists(packed_reader& in) {
    for (std::uint64_t left = in.number_to(in.left()); left > 0 && in.ok(); --left) {
        in.text();
    }
    for (std::uint64_t left = in.number_to(in.left()); left > 0 && in.ok(); --left) {
        in.text();
        in.text();
    }
}

//! The bytes of `pieces` texts and two lists, and the first texts among them.
struct record_text {
    std::string_view all;
    std::string_view first;
    std::string_view second;
};

record_text read_text(packed_reader& in, std::size_t pieces) {
    const std::string_view from = in.rest();
    record_text text;
    text.first = in.text();
    text.second = in.text();
    for (std::size_t i = 2; i < pieces; ++i) {
        in.text();
    }
    skip_lists(in);
    text.all = from.substr(0, from.size() - in.left());
    return text;
}

bool read_services(packed_reader& in, state& now) {
    std::string_view last;
    for (std::uint64_t left = in.number_to(in.left()); left > 0; --left) {
        const record_text text = read_text(in, service_text_count);
        if (!in.ok() || !is_valid_name(text.first) || text.first <= last) {
            return false;
        }
        last = text.first;
        service_record head;
        head.hash = hash_of_service(text.first);
        head.registered = true;
        now.set_service(make_record(head, text.all));
        now.keep();
    }
    return in.ok();
}

bool read_instances(packed_reader& in, state& now) {
    std::pair<std::string_view, std::string_view> last;
    for (std::uint64_t left = in.number_to(in.left()); left > 0; --left) {
        instance_record head;
        head.flags = static_cast<std::uint8_t>(in.number_to(instance_record::flags_all));
        if (head.is(instance_record::has_lease)) {
            head.lease_ms = static_cast<std::uint32_t>(in.number_to(UINT32_MAX));
        }
        head.weight = static_cast<std::uint32_t>(in.number_to(UINT32_MAX));
        head.port = static_cast<std::uint16_t>(in.number_to(UINT16_MAX));
        head.generation = in.number();
        head.since_us = static_cast<std::int64_t>(in.number());
        const record_text text = read_text(in, instance_text_count);
        const std::pair name{text.first, text.second};
        if (!in.ok() || !is_valid_name(text.first) || !is_valid_name(text.second) || name <= last) {
            return false;
        }
        last = name;
        head.hash = hash_of_instance(text.first, text.second);
        now.set_instance(make_record(head, text.all));
        now.keep();
    }
    return in.ok();
}

bool read_all(packed_reader& in, state& now) {
    if (in.text() != format_name || in.number() != format_number) {
        return false;
    }
    if (in.number_to(1) == 1) {
        now.set_guard(instant{static_cast<std::int64_t>(in.number())});
        now.keep();
    }
    return in.ok() && read_services(in, now) && read_instances(in, now) && in.at_end();
}

void write_services(const state& now, std::string& out) {
    std::vector<std::pair<std::string_view, const service_record*>> services;
    now.for_each_service([&](const service_record& record) {
        if (record.registered) {
            services.emplace_back(record.service(), &record);
        }
    });
    std::sort(services.begin(), services.end());
    pack(std::uint64_t{services.size()}, out);
    for (const auto& [name, record] : services) {
        out.append(record->text());
    }
}

void write_instances(const state& now, std::string& out) {
    std::vector<std::tuple<std::string_view, std::string_view, const instance_record*>> instances;
    instances.reserve(now.instance_count());
    now.for_each_instance([&](const instance_record& record) {
        instances.emplace_back(record.service(), record.instance(), &record);
    });
    std::sort(instances.begin(), instances.end());
    pack(std::uint64_t{instances.size()}, out);
    for (const auto& [service, instance, record] : instances) {
        pack(std::uint64_t{record->flags}, out);
        if (record->is(instance_record::has_lease)) {
            pack(std::uint64_t{record->lease_ms}, out);
        }
        pack(std::uint64_t{record->weight}, out);
        pack(std::uint64_t{record->port}, out);
        pack(record->generation, out);
        pack(static_cast<std::uint64_t>(record->since_us), out);
        out.append(record->text());
    }
}

} // namespace

void write_snapshot(const state& now, std::string& out) {
    out.reserve(out.size() + now.instance_count() * packed_instance_room);
    pack(format_name, out);
    pack(format_number, out);
    pack(std::uint64_t{now.guard_until().has_value() ? 1U : 0U}, out);
    if (now.guard_until().has_value()) {
        pack(static_cast<std::uint64_t>(now.guard_until()->us), out);
    }
    write_services(now, out);
    write_instances(now, out);
}

bool read_snapshot(std::string_view bytes, state& now) {
    now.clear();
    packed_reader in(bytes);
    if (!read_all(in, now)) {
        now.clear();
        return false;
    }
    return true;
}

} // namespace fasti::registry
