// SPDX-License-Identifier: Apache-2.0
#include "domain/registry/record.hpp"

#include "domain/base/ids.hpp"
#include "domain/base/members.hpp"
#include "domain/registry/records.gen.hpp"

#include <cstring>
#include <new>
#include <span>
#include <vector>

namespace fasti::registry {
namespace {

// What is neither text nor list is kept in the heads, by hand.
static_assert(service_other_fields == "tags metadata");
static_assert(instance_other_fields == "port weight tags metadata lease_ms");
// Names are found at the front.
static_assert(place_of(&service_updated::service, service_texts<service_updated>) == 0);
static_assert(place_of(&instance_updated::service, instance_texts<instance_updated>) == 0);
static_assert(place_of(&instance_updated::instance, instance_texts<instance_updated>) == 1);

template <class Record>
std::unique_ptr<Record, record_deleter> make_room(const Record& head, std::size_t text_bytes) {
    check(text_bytes <= UINT32_MAX, "the texts of a record are shorter than 4 GiB");
    void* place = ::operator new(sizeof(Record) + text_bytes);
    auto* record = new (place) Record(head);
    record->text_bytes = static_cast<std::uint32_t>(text_bytes);
    return std::unique_ptr<Record, record_deleter>(record);
}

template <class Record>
char* text_of(Record& record) noexcept {
    return reinterpret_cast<char*>(&record + 1);
}

template <class Record>
std::unique_ptr<Record, record_deleter> make_block(const Record& head, std::string_view text) {
    auto record = make_room(head, text.size());
    if (!text.empty()) {
        std::memcpy(text_of(*record), text.data(), text.size());
    }
    return record;
}

//! Counts what the writer below writes.
struct packed_size {
    std::size_t bytes = 0;

    void number(std::uint64_t value) noexcept {
        bytes += 1;
        for (; value >= 0x80; value >>= 7U) {
            bytes += 1;
        }
    }
    void text(std::string_view piece) noexcept {
        number(piece.size());
        bytes += piece.size();
    }
};

//! Packs to memory that is large enough; the same form as pack().
struct packed_writer {
    char* at;

    void number(std::uint64_t value) noexcept {
        for (; value >= 0x80; value >>= 7U) {
            *at++ = static_cast<char>(value | 0x80U);
        }
        *at++ = static_cast<char>(value);
    }
    void text(std::string_view piece) noexcept {
        number(piece.size());
        if (!piece.empty()) {
            std::memcpy(at, piece.data(), piece.size());
            at += piece.size();
        }
    }
};

template <class Out>
void put_lists(const std::vector<std::string_view>& tags, const std::vector<label>& metadata,
               Out& out) {
    out.number(tags.size());
    for (const std::string_view tag : tags) {
        out.text(tag);
    }
    out.number(metadata.size());
    for (const label& one : metadata) {
        out.text(one.key);
        out.text(one.value);
    }
}

//! A record of the head, the pieces and the lists of `fields`, in one allocation.
template <class Record, class Fields>
std::unique_ptr<Record, record_deleter> packed_record(const Record& head,
                                                      std::span<const std::string_view> pieces,
                                                      const Fields& fields) {
    packed_size size;
    for (const std::string_view piece : pieces) {
        size.text(piece);
    }
    put_lists(fields.tags, fields.metadata, size);
    auto record = make_room(head, size.bytes);
    packed_writer out{text_of(*record)};
    for (const std::string_view piece : pieces) {
        out.text(piece);
    }
    put_lists(fields.tags, fields.metadata, out);
    return record;
}

bool same_lists(packed_reader& in, const std::vector<std::string_view>& tags,
                const std::vector<label>& metadata) {
    if (in.number() != tags.size()) {
        return false;
    }
    for (const std::string_view tag : tags) {
        if (in.text() != tag) {
            return false;
        }
    }
    if (in.number() != metadata.size()) {
        return false;
    }
    for (const label& one : metadata) {
        if (in.text() != one.key || in.text() != one.value) {
            return false;
        }
    }
    return true;
}

template <class Fields>
instance_ptr instance_from(const Fields& fields) {
    instance_record head;
    head.hash = hash_of_instance(fields.service, fields.instance);
    head.lease_ms = fields.lease_ms.value_or(0);
    head.weight = fields.weight;
    head.port = fields.port;
    head.flags = fields.lease_ms.has_value() ? instance_record::has_lease : std::uint8_t{0};
    return packed_record(head, values_of(fields, instance_texts<Fields>), fields);
}

template <class Fields>
service_ptr service_from(const Fields& fields, bool registered) {
    service_record head;
    head.hash = hash_of_service(fields.service);
    head.registered = registered;
    return packed_record(head, values_of(fields, service_texts<Fields>), fields);
}

template <class Fields>
bool has_instance_fields(const instance_record& record, const Fields& fields) {
    if (record.lease() != fields.lease_ms || record.weight != fields.weight ||
        record.port != fields.port) {
        return false;
    }
    packed_reader in(record.text());
    for (const std::string_view piece : values_of(fields, instance_texts<Fields>)) {
        if (in.text() != piece) {
            return false;
        }
    }
    return same_lists(in, fields.tags, fields.metadata);
}

} // namespace

std::string_view instance_record::instance() const noexcept {
    packed_reader in(text());
    in.text();
    return in.text();
}

bool instance_record::is_named(std::string_view service, std::string_view instance) const noexcept {
    packed_reader in(text());
    return in.text() == service && in.text() == instance;
}

std::uint64_t hash_of_service(std::string_view service) noexcept { return hash64(service); }

std::uint64_t hash_of_instance(std::string_view service, std::string_view instance) noexcept {
    // Multiplied by an odd constant, so that ("a", "b") and ("b", "a") differ.
    return hash64(service) * 0x9E3779B97F4A7C15ULL + hash64(instance);
}

instance_ptr make_record(const instance_registered& fields) { return instance_from(fields); }
instance_ptr make_record(const instance_updated& fields) { return instance_from(fields); }
service_ptr make_record(const service_registered& fields) { return service_from(fields, true); }
service_ptr make_record(const service_updated& fields) { return service_from(fields, true); }

service_ptr make_implicit_record(std::string_view service) {
    return service_from(service_registered{.service = service}, false);
}

instance_ptr copy_of(const instance_record& record) { return make_block(record, record.text()); }

instance_ptr make_record(const instance_record& head, std::string_view text) {
    return make_block(head, text);
}

service_ptr make_record(const service_record& head, std::string_view text) {
    return make_block(head, text);
}

bool has_fields(const instance_record& record, const instance_registered& fields) {
    return has_instance_fields(record, fields);
}

bool has_fields(const instance_record& record, const instance_updated& fields) {
    return has_instance_fields(record, fields);
}

bool has_fields(const service_record& record, const service_registered& fields) {
    packed_reader in(record.text());
    for (const std::string_view piece : values_of(fields, service_texts<service_registered>)) {
        if (in.text() != piece) {
            return false;
        }
    }
    return same_lists(in, fields.tags, fields.metadata);
}

instance_updated fields_of(const instance_record& record) {
    instance_updated fields;
    packed_reader in(record.text());
    for (const auto text : instance_texts<instance_updated>) {
        fields.*text = in.text();
    }
    fields.tags.resize(in.number());
    for (std::string_view& tag : fields.tags) {
        tag = in.text();
    }
    fields.metadata.resize(in.number());
    for (label& one : fields.metadata) {
        one.key = in.text();
        one.value = in.text();
    }
    fields.port = record.port;
    fields.weight = record.weight;
    fields.lease_ms = record.lease();
    return fields;
}

} // namespace fasti::registry
