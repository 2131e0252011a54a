// SPDX-License-Identifier: Apache-2.0
//! The registry as decisions need it: services, instances, the expiry guard.
//! Changes are made in place and written down in a journal: keep() forgets the journal, drop() plays
//! it back. So a read costs one look-up whether or not there are unkept changes, keeping one command
//! costs nothing, and dropping a batch costs what it touched.
//! Thread: one at a time. Source: docs/decisions/0005_write_model.md
#pragma once

#include "domain/base/flat_table.hpp"
#include "domain/registry/record.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::registry {

class state {
public:
    state() = default;
    ~state();
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    //! Makes what evolve changed since the last keep() or drop() stay.
    void keep() noexcept;
    //! Takes it back. Text borrowed from the state is void after either.
    void drop();

    //! A service is there when it is registered or has instances, expired ones too.
    bool has_service(std::string_view service) const { return find_service(service) != nullptr; }
    bool has_instance(std::string_view service, std::string_view instance) const {
        return find_instance(service, instance) != nullptr;
    }
    const service_record* find_service(std::string_view service) const;
    const instance_record* find_instance(std::string_view service, std::string_view instance) const;
    //! Hints for events of a stream that evolve will be called with soon: fetches where its instance is
    //! looked up; a few events later, with what the first returned, the record itself.
    std::uint64_t foresee(std::string_view stream) const noexcept;
    void fetch(std::uint64_t foreseen) const noexcept;
    //! Until when the raised guard holds expiries back; nothing when none is raised.
    const std::optional<instant>& guard_until() const noexcept { return guard_until_; }

    std::size_t instance_count() const noexcept { return instances_.size(); }
    std::size_t service_count() const noexcept { return services_.size(); }
    //! In no particular order.
    void for_each_service(const std::function<void(const service_record&)>& visit) const;
    void for_each_instance(const std::function<void(const instance_record&)>& visit) const;

    // What evolve and read_snapshot change; everything else only reads.

    //! Puts the record in place of the one of the same name, if any.
    void set_instance(instance_ptr made);
    void erase_instance(std::string_view service, std::string_view instance);
    //! Puts the record in place of the one of the same name; the count of instances is carried over.
    void set_service(service_ptr made);
    //! The service is no longer registered; it stays known while it has instances.
    void unregister_service(std::string_view service);
    void set_guard(std::optional<instant> until);
    //! Back to empty, kept.
    void clear() noexcept;

private:
    //! One change: what was there, what is there now. Null: nothing.
    struct change {
        enum class kind : std::uint8_t { instance, service, guard } what;
        instance_record* instance_before = nullptr;
        instance_record* instance_after = nullptr;
        service_record* service_before = nullptr;
        std::string_view service = {};
        std::optional<instant> guard_before = {};
    };

    void link(instance_record* record);
    void unlink(const instance_record* record);
    service_record* find(std::string_view service) const;
    instance_record* find(std::string_view service, std::string_view instance) const;

    flat_table<instance_record> instances_;
    flat_table<service_record> services_;
    std::optional<instant> guard_until_;
    std::vector<change> journal_;
};

//! Canonical bytes of a state without unkept changes. Shape: docs/decisions/0005_write_model.md
void write_snapshot(const state& now, std::string& out);
//! False when the bytes are damaged or of another format; the state is then empty. What reads well
//! writes back byte for byte.
bool read_snapshot(std::string_view bytes, state& now);

} // namespace fasti::registry
