// SPDX-License-Identifier: Apache-2.0
#include "projections/engine/view_set.hpp"

#include "domain/base/check.hpp"
#include "eventstore/port/record.hpp"
#include "projections/views/packed.hpp"

#include <utility>

namespace fasti {

void view_set::apply(const committed_batch& batch) {
    recorded_event event;
    for (std::size_t i = 0; i < batch.slices.size(); ++i) {
        if (batch.first + i <= at_) {
            continue;
        }
        check(decode_record(batch.canonical(i), event), "committed events are canonical");
        apply(event);
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
    packed::append_varint(out, parked_.size());
    for (const auto& [stream, key] : parked_) {
        packed::append_text(out, stream);
        packed::append_varint(out, key.at);
        packed::append_text(out, key.type);
        packed::append_text(out, key.reason);
        packed::append_varint(out, key.held_back);
    }
}

bool view_set::read_parked(std::string_view bytes) {
    parked_.clear();
    packed::reader in(bytes);
    for (std::size_t left = in.count(5); left > 0; --left) {
        std::string stream{in.text()};
        parked_key key;
        key.at = in.varint();
        key.type = in.text();
        key.reason = in.text();
        key.held_back = in.varint();
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
