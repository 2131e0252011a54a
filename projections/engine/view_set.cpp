// SPDX-License-Identifier: Apache-2.0
#include "projections/engine/view_set.hpp"

#include "domain/base/check.hpp"
#include "domain/base/packed.hpp"
#include "eventstore/port/record.hpp"

#include <utility>

namespace fasti {

namespace {

// How many events ahead each step of fetching is; all below the ring's length.
constexpr std::size_t ahead_cells = 12;
constexpr std::size_t ahead_records = 8;
constexpr std::size_t ahead_texts = 4;
constexpr std::size_t run_events = 512; // decoded at a time

std::uint16_t metrics_type_of(std::string_view type) {
    static const auto numbers = [] {
        std::array<std::uint16_t, event_type_count> out{};
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] = registry_metrics_view::number_of(to_name(static_cast<event_type>(i)));
        }
        return out;
    }();
    const auto known = event_type_from_name(type);
    return known ? numbers[static_cast<std::size_t>(*known)]
                 : static_cast<std::uint16_t>(registry_metrics_view::type_count);
}

} // namespace

void view_set::apply(const committed_batch& batch) {
    for (std::size_t i = at_ < batch.first ? 0 : at_ - batch.first + 1; i < batch.slices.size();) {
        run_.clear();
        for (; i < batch.slices.size() && run_.size() < run_events; ++i) {
            check(decode_record(batch.canonical(i), run_.emplace_back()),
                  "committed events are canonical");
        }
        apply_run(run_);
    }
}

void view_set::apply_run(std::span<const recorded_event> events) {
    for (std::size_t at = 0; at < events.size(); ++at) {
        look_ahead(events, at);
        apply(events[at]);
    }
}

void view_set::look_ahead(std::span<const recorded_event> events, std::size_t at) {
    const auto ring = [&](std::size_t place) -> auto& {
        return foreseen_[place % foreseen_.size()];
    };
    if (at + ahead_cells < events.size()) {
        ring(at + ahead_cells) = registry_.foresee(events[at + ahead_cells].fact.stream);
    }
    // The first events of a run were not foreseen; what stands in the ring then is harmless.
    if (at + ahead_records < events.size() && at >= ahead_cells - ahead_records) {
        registry_.fetch_records(ring(at + ahead_records));
        registry_metrics_.fetch_records(ring(at + ahead_records).service_hash);
    }
    if (at + ahead_texts < events.size() && at >= ahead_cells - ahead_texts) {
        registry_.fetch_texts(ring(at + ahead_texts));
        registry_metrics_.fetch_texts(ring(at + ahead_texts).service_hash,
                                      metrics_type_of(events[at + ahead_texts].fact.type));
    }
}

void view_set::apply(const recorded_event& event) {
    check(event.at == at_ + 1, "views apply positions without a hole");
    apply_part(event);
}

void view_set::apply_part(const recorded_event& event) {
    at_ = event.at;
    recorded_ = event.fact.recorded;
    if (!parked_.empty()) {
        const auto standing = parked_.find(event.fact.stream);
        if (standing != parked_.end()) {
            ++standing->second.held_back;
            return;
        }
    }
    const event_context context{event.fact.recorded, event.fact.stream_version, event.at,
                                event.fact.actor};
    const auto visitor = [&](const auto& what) {
        each_view([&](auto& view) {
            if constexpr (requires { view.on(what, context); }) {
                view.on(what, context);
            }
        });
    };
    const decode_status status = visit_event(event.fact.type, event.fact.revision, event.fact.data,
                                             scratch_, visitor);
    if (status != decode_status::ok) {
        park(event, to_name(status));
    }
}

void view_set::park(const recorded_event& event, std::string_view reason) {
    parked_.emplace(event.fact.stream,
                    parked_key{event.at, std::string{event.fact.type}, std::string{reason}, 1});
}

const parked_key* view_set::find_parked(std::string_view stream) const {
    const auto found = parked_.find(stream);
    return found == parked_.end() ? nullptr : &found->second;
}

bool view_folds(std::string_view view, std::string_view stream) noexcept {
    const bool tokens = stream.substr(0, 6) == "token/";
    return tokens == (view == tokens_view::name);
}

std::size_t view_set::memory_bytes() const {
    // Orders by name and weights are built by the first reading that needs them: counted from the
    // start, so that reading a set does not make it larger.
    constexpr std::size_t orders_each = 16;
    constexpr std::size_t parked_each = 256;
    std::size_t own = 0;
    each_own_view([&](const auto& view) { own += view.memory_bytes(); });
    const std::size_t rows = std::size_t{registry_.instance_count()} + registry_.service_count();
    return sizeof *this + registry_.structure_bytes() + registry_.text_memory_bytes() +
           rows * orders_each + own + registry_metrics_.memory_bytes() +
           parked_.size() * parked_each;
}

std::vector<view_lag> view_set::lag(const ledger_head& head) const {
    std::vector<view_lag> out;
    each_view([&](const auto& view) {
        view_lag one{view.name};
        if (head.last > at_) {
            one.events = head.last - at_;
            one.us = at_ == 0 ? 0 : head.last_recorded.us - recorded_.us;
        }
        for (const auto& [stream, key] : parked_) {
            one.parked += view_folds(view.name, stream) ? 1 : 0;
        }
        out.push_back(one);
    });
    return out;
}

void view_set::write_parked(std::string& out) const {
    pack(parked_.size(), out);
    for (const auto& [stream, key] : parked_) {
        pack(stream, out);
        pack(key.at, out);
        pack(key.type, out);
        pack(key.reason, out);
        pack(key.held_back, out);
    }
}

bool view_set::read_parked(std::string_view bytes) {
    parked_.clear();
    packed_reader in(bytes);
    for (std::size_t left = in.count(5); left > 0; --left) {
        std::string stream{in.text()};
        parked_key key;
        key.at = in.number();
        key.type = in.text();
        key.reason = in.text();
        key.held_back = in.number();
        if (!parked_.empty() && stream <= parked_.rbegin()->first) {
            in.fail();
            break;
        }
        parked_.emplace_hint(parked_.end(), std::move(stream), std::move(key));
    }
    if (!in.finished()) {
        parked_.clear();
        return false;
    }
    return true;
}

void view_set::stand_at(position at, instant recorded) noexcept {
    at_ = at;
    recorded_ = recorded;
}

} // namespace fasti
