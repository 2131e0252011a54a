// SPDX-License-Identifier: Apache-2.0
//! What the write model keeps of one instance or service: a small head and its texts in one block.
//! Records never change once made; a change makes a new one. So a change is undone by putting the
//! old record back, and text that an event borrowed from a record lives until keep() or drop().
#pragma once

#include "domain/base/instant.hpp"
#include "domain/base/packed.hpp"
#include "domain/registry/registry.gen.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace fasti::registry {

//! Text behind the head: the texts of record.instance in registry.toml, then tags and metadata.
struct instance_record {
    static constexpr std::uint8_t has_lease = 1;
    static constexpr std::uint8_t draining = 2;
    static constexpr std::uint8_t maintenance = 4;
    static constexpr std::uint8_t expired = 8;
    static constexpr std::uint8_t flags_all = 15;

    std::uint64_t hash = 0;
    std::uint64_t generation = 0; //!< stream version of the event that granted the lease or ended it
    std::int64_t since_us = 0;    //!< when that was recorded
    std::uint32_t lease_ms = 0;
    std::uint32_t weight = 0;
    std::uint32_t text_bytes = 0;
    std::uint16_t port = 0;
    std::uint8_t flags = 0;

    bool is(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
    std::optional<std::uint32_t> lease() const noexcept {
        return is(has_lease) ? std::optional(lease_ms) : std::nullopt;
    }
    std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(this + 1), text_bytes};
    }
    std::string_view service() const noexcept { return packed_reader(text()).text(); }
    std::string_view instance() const noexcept;
    bool is_named(std::string_view service, std::string_view instance) const noexcept;
};

//! Text behind the head: the texts of record.service, then tags and metadata.
struct service_record {
    std::uint64_t hash = 0;
    std::uint32_t instances = 0;
    std::uint32_t text_bytes = 0;
    bool registered = false; //!< false: known only because it has instances

    std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(this + 1), text_bytes};
    }
    std::string_view service() const noexcept { return packed_reader(text()).text(); }
};

struct record_deleter {
    void operator()(void* record) const noexcept { ::operator delete(record); }
};
using instance_ptr = std::unique_ptr<instance_record, record_deleter>;
using service_ptr = std::unique_ptr<service_record, record_deleter>;

std::uint64_t hash_of_service(std::string_view service) noexcept;
std::uint64_t hash_of_instance(std::string_view service, std::string_view instance) noexcept;

//! Records with these fields; flags other than has_lease, generation and since are left empty.
instance_ptr make_record(const instance_registered& fields);
instance_ptr make_record(const instance_updated& fields);
service_ptr make_record(const service_registered& fields);
service_ptr make_record(const service_updated& fields);
//! A service that is known only by its instances.
service_ptr make_implicit_record(std::string_view service);
//! Copies head and text.
instance_ptr copy_of(const instance_record& record);
//! With text that was packed before, as a snapshot keeps it; the caller checked it.
instance_ptr make_record(const instance_record& head, std::string_view text);
service_ptr make_record(const service_record& head, std::string_view text);

bool has_fields(const instance_record& record, const instance_registered& fields);
bool has_fields(const instance_record& record, const instance_updated& fields);
bool has_fields(const service_record& record, const service_registered& fields);
//! All fields as they are, borrowed from the record.
instance_updated fields_of(const instance_record& record);

} // namespace fasti::registry
