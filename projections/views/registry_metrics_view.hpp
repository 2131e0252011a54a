// SPDX-License-Identifier: Apache-2.0
//! How many events of each type each service saw, in buckets of recorded time.
//! Shape:  minutes for each service and type, minutes and hours for the registry as a whole. What is
//!         kept follows from recorded times alone: 60 minutes and 744 hours back from the newest
//!         event, and at most about a million cells (service, type, minute): the oldest minute goes
//!         first, and a series that finds the newest minute full counts for the whole only.
//! Thread: one at a time.
#pragma once

#include "domain/base/context.hpp"
#include "domain/base/packed.hpp"
#include "domain/base/slot_array.hpp"
#include "domain/base/slot_index.hpp"
#include "domain/registry/registry.gen.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace fasti {

template <class One, class Variant>
inline constexpr bool in_variant = false;
template <class One, class... Each>
inline constexpr bool in_variant<One, std::variant<Each...>> = (std::is_same_v<One, Each> || ...);

class registry_metrics_view {
public:
    static constexpr std::string_view name = "registry_metrics";
    static constexpr std::uint64_t code_revision = 1;
    static std::uint64_t fingerprint();

    static constexpr std::int64_t minutes_max = 60;
    static constexpr std::int64_t hours_max = 744;
    static constexpr std::size_t cells_max = 1U << 20U;
    static constexpr std::size_t type_count = std::variant_size_v<registry::event>;

    //! Tests pass a smaller bound.
    explicit registry_metrics_view(std::size_t cells_most = cells_max) noexcept
        : cells_most_(cells_most) {}
    registry_metrics_view(const registry_metrics_view&) = delete;
    registry_metrics_view& operator=(const registry_metrics_view&) = delete;

    template <class Event>
    requires in_variant<Event, registry::event>
    void on(const Event& what, const event_context& context) {
        std::optional<std::string_view> service;
        if constexpr (requires { what.service; }) {
            service = what.service;
        }
        add(index_of<Event>(), service, context);
    }

    //! Steps of fetching what an event that comes soon will touch; see registry_view::foresight.
    void fetch_records(std::uint64_t service_hash) const noexcept;
    void fetch_texts(std::uint64_t service_hash, std::uint16_t type) const noexcept;
    //! The number of an event type by name; type_count for types of other contexts.
    static std::uint16_t number_of(std::string_view type) noexcept;

    void write_snapshot(std::string& out) const;
    //! Replaces everything. False when the bytes are no snapshot; the view is then empty.
    bool read_snapshot(std::string_view bytes);

    struct row_filter {
        std::optional<std::string_view> service; //!< absent: the registry as a whole
        std::optional<std::string_view> type;
    };
    //! Visits rows by type name, width and bucket, until visit(row) gives false.
    void rows(const row_filter& wanted,
              const std::function<bool(const registry::registry_metrics_row&)>& visit) const;

    //! Services that have any row of their own, by name.
    std::vector<std::string> services() const;

    position changed() const noexcept { return changed_; }
    std::size_t cell_count() const noexcept { return cell_count_; }
    std::size_t memory_bytes() const noexcept;

private:
    using type_index = std::uint16_t;

    struct bucket {
        std::int64_t number = 0; // minutes or hours since 1970
        std::uint64_t count = 0;
    };
    struct totals {
        std::deque<bucket> minutes;
        std::deque<bucket> hours;
    };
    struct cell {
        std::uint64_t count = 0;
        std::uint32_t service = 0;
        type_index type = 0;
    };
    struct minute_cells {
        std::int64_t number = 0;
        std::vector<cell> cells;
        slot_index index;
    };
    struct service_record {
        std::string name;
        std::uint32_t cells = 0;
    };

    template <class Event, std::size_t At = 0>
    static constexpr type_index index_of() {
        if constexpr (std::is_same_v<std::variant_alternative_t<At, registry::event>, Event>) {
            return static_cast<type_index>(At);
        } else {
            return index_of<Event, At + 1>();
        }
    }

    void add(type_index type, std::optional<std::string_view> service,
             const event_context& context);
    void advance(std::int64_t minute);
    void count_cell(std::string_view service, type_index type, std::uint64_t by);
    void drop_oldest();
    std::optional<std::uint32_t> find_service(std::string_view service) const;
    static const cell* find_cell(const minute_cells& in, std::uint32_t service, type_index type);
    static std::uint64_t cell_hash(std::uint32_t service, type_index type) noexcept;
    bool read_minutes(packed_reader& in);
    void clear();

    std::size_t cells_most_;
    std::array<totals, type_count> totals_;
    std::deque<minute_cells> minutes_;
    slot_array<service_record> services_;
    slot_index service_index_;
    std::size_t cell_count_ = 0;
    std::int64_t newest_ = 0; // minute; with changed_ 0 there is none yet
    position changed_ = 0;
};

} // namespace fasti
