// SPDX-License-Identifier: Apache-2.0
//! All views of a node at one position. Events are decoded once and handed to every view.
//! An event that cannot be read parks its stream: the rows of that stream stand still at the event
//! before, queries for them say so, and nothing of it is skipped in silence.
//! Thread: one at a time, readers too. There may be many sets: live, rebuilt beside, past.
//! Source: docs/decisions/0040_views.md
#pragma once

#include "domain/wire/events.gen.hpp"
#include "eventstore/port/ledger.hpp"
#include "projections/engine/own_views.gen.hpp"
#include "projections/views/registry_metrics_view.hpp"
#include "projections/views/registry_view.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace fasti {

//! Why a stream's rows stand still.
struct parked_key {
    position at = 0;             //!< of the event that could not be read
    std::string type;            //!< of that event
    std::string reason;          //!< such as "unknown_type"
    std::uint64_t held_back = 0; //!< events of the stream not applied, that one included
};

struct view_lag {
    std::string_view view;
    std::uint64_t events = 0; //!< behind the head
    std::int64_t us = 0;      //!< recorded time between the last event applied and the head's
    std::uint64_t parked = 0; //!< streams that stand still
};

class view_set {
public:
    using parked_keys = std::map<std::string, parked_key, std::less<>>;

    view_set() = default;
    view_set(const view_set&) = delete;
    view_set& operator=(const view_set&) = delete;

    registry_view& registry() noexcept { return registry_; }
    const registry_view& registry() const noexcept { return registry_; }
    tokens_view& tokens() noexcept { return std::get<tokens_view>(own_); }
    const tokens_view& tokens() const noexcept { return std::get<tokens_view>(own_); }
    const registry_metrics_view& registry_metrics() const noexcept { return registry_metrics_; }

    //! A view that has a class of its own.
    template <class View>
    const View& get() const noexcept {
        return std::get<View>(own_);
    }

    //! The last event applied, 0 when none was.
    position at() const noexcept { return at_; }
    instant recorded() const noexcept { return recorded_; }

    //! Applies the events of a batch that are above at(); the next one must be among them or the
    //! batch wholly known.
    void apply(const committed_batch& batch);
    //! Applies the next event.
    void apply(const recorded_event& event);
    //! Applies events that follow each other, fetching ahead what they will touch: a large log is
    //! folded about twice as fast as one by one.
    void apply_run(std::span<const recorded_event> events);
    //! Applies an event further on, for sets that hold a part of the log only.
    void apply_part(const recorded_event& event);

    //! Streams that stand still, and why.
    const parked_keys& parked() const noexcept { return parked_; }
    const parked_key* find_parked(std::string_view stream) const;

    //! About what all of it takes.
    std::size_t memory_bytes() const;

    std::vector<view_lag> lag(const ledger_head& head) const;

    //! Calls visit(view) for each view that has a class of its own.
    template <class Visit>
    void each_own_view(const Visit& visit) const {
        std::apply([&](const auto&... each) { (visit(each), ...); }, own_);
    }
    //! Calls visit(view) for each view: name, fingerprint(), write_snapshot(), read_snapshot().
    template <class Visit>
    void each_view(const Visit& visit) const {
        visit(registry_);
        each_own_view(visit);
        visit(registry_metrics_);
    }
    template <class Visit>
    void each_view(const Visit& visit) {
        visit(registry_);
        std::apply([&](auto&... each) { (visit(each), ...); }, own_);
        visit(registry_metrics_);
    }

    //! For snapshots: what is known beside the views.
    void write_parked(std::string& out) const;
    bool read_parked(std::string_view bytes);
    void stand_at(position at, instant recorded) noexcept;

private:
    void look_ahead(std::span<const recorded_event> events, std::size_t at);
    void park(const recorded_event& event, std::string_view reason);

    registry_view registry_;
    own_views own_;
    registry_metrics_view registry_metrics_;
    position at_ = 0;
    instant recorded_;
    parked_keys parked_;
    event_scratch scratch_;
    std::array<registry_view::foresight, 16> foreseen_; // a ring, by the event's place in its run
    std::vector<recorded_event> run_;
};

//! Whether a view folds events of a stream.
bool view_folds(std::string_view view, std::string_view stream) noexcept;

} // namespace fasti
