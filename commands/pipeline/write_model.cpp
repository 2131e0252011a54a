// SPDX-License-Identifier: Apache-2.0
#include "commands/pipeline/write_model.hpp"

#include "commands/pipeline/dispatch.hpp"
#include "domain/base/packed.hpp"

#include <cstdint>

namespace fasti {
namespace {

// How many events ahead each step of fetching is; below the ring's length.
constexpr std::size_t ahead_slots = 12;
constexpr std::size_t ahead_records = 6;

constexpr std::size_t length_bytes = 8;

//! What `write` appends, behind its length. In place: a section may be most of the memory there is.
template <class Write>
void append_section(const Write& write, std::string& out) {
    const std::size_t begin = out.size();
    out.append(length_bytes, '\0');
    write(out);
    std::string length;
    pack_fixed64(out.size() - begin - length_bytes, length);
    out.replace(begin, length_bytes, length);
}

bool take_section(std::string_view& rest, std::string_view& section) {
    if (rest.size() < length_bytes) {
        return false;
    }
    std::uint64_t size = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) {
        size |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest[i])) << (8 * i);
    }
    rest.remove_prefix(length_bytes);
    if (size > rest.size()) {
        return false;
    }
    section = rest.substr(0, size);
    rest.remove_prefix(size);
    return true;
}

} // namespace

void write_model::keep() {
    registry.keep();
    identity.keep();
}

void write_model::drop() {
    registry.drop();
    identity.drop();
}

result<void> write_model::fold(const recorded_event& event) {
    const event_draft& fact = event.fact;
    const event_context context{fact.recorded, fact.stream_version, event.at, fact.actor};
    const auto evolve = [&](const auto& what) { evolve_model(*this, what, context); };
    const decode_status status = visit_event(fact.type, fact.revision, fact.data, scratch_, evolve);
    if (status != decode_status::ok) {
        return error{error_code::store_damaged,
                     "The event at position " + std::to_string(event.at) + " of type '" +
                         std::string(fact.type) + "' revision " + std::to_string(fact.revision) +
                         " cannot be read by this version."};
    }
    keep();
    return {};
}

void write_model::look_ahead(std::span<const recorded_event> run, std::size_t at) {
    const auto ring = [&](std::size_t place) -> auto& {
        return foreseen_[place % foreseen_.size()];
    };
    if (at + ahead_slots < run.size()) {
        ring(at + ahead_slots) = registry.foresee(run[at + ahead_slots].fact.stream);
    }
    // The first events of a run were not foreseen; what stands in the ring then is harmless.
    if (at + ahead_records < run.size() && at >= ahead_slots - ahead_records) {
        registry.fetch(ring(at + ahead_records));
    }
}

void write_model::write_snapshot(std::string& out) const {
    append_section([this](std::string& into) { registry::write_snapshot(registry, into); }, out);
    append_section([this](std::string& into) { identity::write_snapshot(identity, into); }, out);
}

bool write_model::read_snapshot(std::string_view bytes) {
    std::string_view registry_bytes;
    std::string_view identity_bytes;
    return take_section(bytes, registry_bytes) && take_section(bytes, identity_bytes) &&
           bytes.empty() && registry::read_snapshot(registry_bytes, registry) &&
           identity::read_snapshot(identity_bytes, identity);
}

} // namespace fasti
