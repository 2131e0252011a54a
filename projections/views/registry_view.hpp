// SPDX-License-Identifier: Apache-2.0
//! Services and instances as they are: the declared views `services` and `instances` are two faces
//! of this one, and discovery picks from it.
//! Shape:  an instance takes about 130 bytes beside its own text; finding one costs the same
//!         whatever their number. Slots and service ids are dense, stable while their owner lives.
//! Thread: one at a time, readers too: orders and weights are built when first asked for.
//! Source: docs/decisions/0040_views.md
#pragma once

#include "domain/base/context.hpp"
#include "domain/base/slot_array.hpp"
#include "domain/base/slot_index.hpp"
#include "domain/registry/records.gen.hpp"
#include "domain/registry/registry.gen.hpp"
#include "projections/views/lease_observer.hpp"
#include "projections/views/name_order.hpp"
#include "projections/views/text_block.hpp"
#include "projections/views/weight_tree.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

using instance_slot = std::uint32_t;
using service_id = std::uint32_t;

//! What the lease table and the life of one instance need; text is borrowed from the view.
struct instance_ref {
    std::string_view service;
    std::string_view instance;
    service_id owner = 0;
    std::uint32_t lease_ms = 0;   //!< 0: none
    std::uint64_t generation = 0; //!< of the lease; of the expiry while expired
    registry::instance_status status = registry::instance_status::up;
    bool expired = false;
    instant expired_at;
    position changed = 0; //!< of the last event: the cause of what follows from its state
};

//! Where answers last changed. Each survives deletions: what is gone moved the position of its
//! parent, and an absent thing's answer is as old as the last removal beside it.
struct service_changes {
    position row = 0;     //!< the service's own row, counts included
    position set = 0;     //!< any row of its instances, or one came or went
    position healthy = 0; //!< which instances are up, or the row of one that is
    position removed = 0; //!< an instance went: the age of "instance_unknown" here
};

//! Which instances a query wants; empty members match all. Text is borrowed.
struct instance_filter {
    std::span<const std::string_view> tags = {}; //!< all of them
    std::optional<std::string_view> zone = {};
    std::optional<std::string_view> version = {};
    std::span<const label> metadata = {}; //!< all of them
    std::optional<registry::instance_status> status = {};

    bool narrows() const noexcept {
        return !tags.empty() || zone || version || !metadata.empty() || status;
    }
};

class registry_view {
public:
    static constexpr std::string_view name = "registry";
    //! Hand-bumped when the same events give other rows or other bytes.
    static constexpr std::uint64_t code_revision = 1;
    static std::uint64_t fingerprint() noexcept;

    registry_view() = default;
    registry_view(const registry_view&) = delete;
    registry_view& operator=(const registry_view&) = delete;

    //! Told of every change that concerns leases from now on; null: nobody. Not owned.
    void observe(lease_observer* observer) noexcept { observer_ = observer; }
    //! Tells an observer all that is known, as after reading a snapshot.
    void tell_all(lease_observer& observer) const;

    void on(const registry::service_registered& what, const event_context& context);
    void on(const registry::service_updated& what, const event_context& context);
    void on(const registry::service_deregistered& what, const event_context& context);
    void on(const registry::instance_registered& what, const event_context& context);
    void on(const registry::instance_updated& what, const event_context& context);
    void on(const registry::instance_deregistered& what, const event_context& context);
    void on(const registry::instance_drain_started& what, const event_context& context);
    void on(const registry::instance_drain_ended& what, const event_context& context);
    void on(const registry::instance_maintenance_started& what, const event_context& context);
    void on(const registry::instance_maintenance_ended& what, const event_context& context);
    void on(const registry::instance_expired& what, const event_context& context);
    void on(const registry::instance_reaped& what, const event_context& context);
    void on(const registry::expiry_guard_raised& what, const event_context& context);
    void on(const registry::expiry_guard_lifted& what, const event_context& context);

    //! Canonical bytes: the same for the same history, however it was folded.
    void write_snapshot(std::string& out) const;
    //! Replaces everything. False when the bytes are no snapshot; the view is then empty.
    bool read_snapshot(std::string_view bytes);

    //! Takes over a service, without its instances, or one instance of a service taken over before;
    //! what the view has of that name already stays. For small views that try events out.
    void copy_service(const registry_view& from, service_id service);
    void copy_instance(const registry_view& from, instance_slot slot);

    //! What an event or a request that comes soon will touch. The three steps of fetching it belong some events
    //! apart, since each needs what the one before has brought: index cells, records, texts.
    struct foresight {
        std::uint64_t service_hash = 0;
        std::uint64_t instance_hash = 0; //!< 0: no instance
    };
    foresight foresee(std::string_view stream) const noexcept;
    //! An empty instance: the service alone, and whom discovery may pick.
    foresight foresee(std::string_view service, std::string_view instance) const noexcept;
    void fetch_records(const foresight& what) const noexcept;
    void fetch_texts(const foresight& what) const noexcept;

    // --- single things ---
    std::optional<service_id> find_service(std::string_view service) const;
    std::optional<instance_slot> find_instance(service_id service, std::string_view instance) const;
    std::optional<instance_slot> slot_of(std::string_view service, std::string_view instance) const;
    //! Whether a slot is in use, for those who kept one.
    bool holds(instance_slot slot) const noexcept;
    instance_ref at(instance_slot slot) const;
    std::string_view service_name(service_id service) const;
    std::string_view instance_name(instance_slot slot) const;

    // --- rows; text is borrowed from the view, lists keep their room ---
    void fill(service_id service, registry::service_row& out) const;
    void fill(instance_slot slot, registry::instance_row& out) const;

    // --- sets ---
    std::uint32_t service_count() const noexcept;
    std::uint32_t instance_count() const noexcept;
    std::uint32_t healthy_count() const noexcept { return healthy_; }
    //! Every instance of a service, the healthy ones first, otherwise in no order.
    std::span<const instance_slot> members(service_id service) const;
    //! Those that are up: what discovery chooses from.
    std::span<const instance_slot> healthy(service_id service) const;
    bool matches(instance_slot slot, const instance_filter& filter) const;
    bool service_has_tags(service_id service, std::span<const std::string_view> tags) const;
    std::uint32_t weight_of(instance_slot slot) const;
    //! A healthy instance by weight; nothing when no weight is above 0. The number is random.
    std::optional<instance_slot> pick_weighted(service_id service, std::uint64_t random) const;

    //! Visits services named at or above `from`, in the order of names, until visit(id) is false.
    template <class Visit>
    void services_from(std::string_view from, const Visit& visit) const {
        order_services();
        service_order_.visit_from(from, service_namer{*this}, visit);
    }
    //! The same for the instances of a service.
    template <class Visit>
    void instances_from(service_id service, std::string_view from, const Visit& visit) const {
        order_of(service).visit_from(from, instance_namer{*this}, visit);
    }

    // --- change positions ---
    service_changes changes(service_id service) const;
    position instance_changed(instance_slot slot) const;
    position services_changed() const noexcept { return services_changed_; }
    position services_removed() const noexcept { return services_removed_; }

    //! Until when expiries are held back, if they are.
    std::optional<instant> guard_until() const noexcept { return guard_until_; }

    //! Memory of the structures and of the texts, in bytes.
    std::size_t structure_bytes() const noexcept;
    std::size_t text_memory_bytes() const noexcept { return text_memory_bytes_; }

private:
    static constexpr std::size_t service_text_count =
        registry::service_texts<registry::service_row>.size();
    //! The name of an instance's service stands with the service; the other texts are the instance's own.
    static constexpr std::size_t first_own_text = 1;
    static constexpr std::size_t instance_text_count =
        registry::instance_texts<registry::instance_row>.size() - first_own_text;

    struct instance_record {
        text_block text; // of record.instance in registry.toml without `service`, then tags, metadata
        position changed = 0;
        instant changed_at;
        instant registered_at;
        instant expired_at;
        std::uint64_t stream_version = 0;
        std::uint64_t generation = 0;
        service_id owner = 0;
        std::uint32_t place = 0; // in the members of its service
        std::uint32_t weight = 0;
        std::uint32_t lease_ms = 0; // 0: none
        std::uint16_t port = 0;
        bool draining = false;
        bool maintenance = false;
        bool expired = false;
        bool used = false;

        registry::instance_status status() const noexcept;
        bool up() const noexcept { return !(expired || maintenance || draining); }
    };

    struct service_record {
        text_block text; // of record.service, then tags, metadata
        std::vector<instance_slot> members;
        std::uint32_t healthy = 0;
        bool registered = false;
        bool used = false;
        std::uint64_t stream_version = 0;
        service_changes changed;
        instant changed_at;
        mutable std::unique_ptr<name_order> order;    // by name, once a list was asked for
        mutable std::unique_ptr<weight_tree> weights; // of the healthy, once a weighted pick was
    };

    struct service_namer {
        const registry_view& view;
        std::string_view operator()(service_id id) const { return view.service_name(id); }
    };
    struct instance_namer {
        const registry_view& view;
        std::string_view operator()(instance_slot slot) const { return view.instance_name(slot); }
    };
    struct found_instance {
        service_id service = 0;
        instance_slot slot = 0;
    };

    static std::uint64_t instance_hash(std::uint64_t service_hash,
                                       std::string_view instance) noexcept;
    std::optional<instance_slot> find_instance(service_id service, std::string_view instance,
                                               std::uint64_t hash) const;
    std::optional<service_id> find_service(std::string_view service, std::uint64_t hash) const;
    std::optional<found_instance> find(std::string_view service, std::string_view instance) const;

    service_id add_service(std::string_view service, std::uint64_t hash,
                           const event_context& context);
    void drop_service_if_empty(service_id id, const event_context& context);
    template <class Event>
    void put_service(const Event& what, const event_context& context);
    void row_changed(service_record& of, const event_context& context);

    void add_instance(service_id id, instance_slot slot, std::uint64_t hash);
    template <class Event>
    instance_slot put_instance(const Event& what, const event_context& context);
    void remove_instance(std::string_view service, std::string_view instance,
                         const event_context& context);
    template <class Change>
    void change_status(std::string_view service, std::string_view instance,
                       const event_context& context, const Change& change);
    enum class population : bool { same, changed };
    void settle(instance_slot slot, bool was_up, population known, const event_context& context);
    void enter_healthy(service_record& service, instance_slot slot);
    void leave_healthy(service_record& service, instance_slot slot);
    void swap_members(service_record& service, std::uint32_t a, std::uint32_t b);
    void set_text(text_block& block, const text_block::draft& draft);
    void detach(instance_slot slot);

    void order_services() const;
    const name_order& order_of(service_id service) const;

    void clear();
    void write_service(service_id id, std::string& out) const;
    bool read_service(packed_reader& in, std::string_view& previous);
    bool read_instance(packed_reader& in, service_id owner, std::string_view& previous);

    slot_array<service_record> services_;
    slot_array<instance_record> instances_;
    slot_index service_index_;
    slot_index instance_index_;
    mutable name_order service_order_;
    std::uint32_t healthy_ = 0;
    position services_changed_ = 0;
    position services_removed_ = 0;
    std::optional<instant> guard_until_;
    std::size_t text_memory_bytes_ = 0;
    lease_observer* observer_ = nullptr;
};

} // namespace fasti
