// SPDX-License-Identifier: Apache-2.0
#include "adapters/node/node.hpp"

#include "eventstore/port/token.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

namespace fasti {
namespace {

//! The instance a command is about, if it is one that touches a lease.
struct lease_subject {
    std::string_view service;
    std::string_view instance;
};

template <class Command>
constexpr bool grants_lease = std::is_same_v<Command, registry::register_instance> ||
                              std::is_same_v<Command, registry::update_instance> ||
                              std::is_same_v<Command, registry::renew_lease>;

std::optional<lease_subject> lease_granted_by(const command& what) {
    return std::visit(
        []<class Command>(const Command& one) -> std::optional<lease_subject> {
            if constexpr (grants_lease<Command>) {
                return lease_subject{one.service, one.instance};
            } else {
                return std::nullopt;
            }
        },
        what);
}

} // namespace

node::node(ledger& facts, std::unique_ptr<view_set> views, clock& time, node_options options)
    : facts_(facts),
      views_(std::move(views)),
      time_(time),
      options_(options),
      leases_(time.monotonic_us()),
      guard_(options.guard),
      lease_principal_(std::make_shared<principal>(principal{"system/leases", "", {}})) {
    const ledger_head head = facts.head();
    check(views_->at() == head.last, "views stand at the head before the node starts");
    epoch_ = head.epoch;
    note_position(head.last_hash);
    views_->registry().observe(this);
}

node::~node() { views_->registry().observe(nullptr); }

bool node::submit(std::unique_ptr<command_request>& request) {
    check(entry_ != nullptr, "a node is connected before commands are submitted");
    note_pending(*request);
    if (entry_->offer(request)) {
        return true;
    }
    for (const auto& note : request->lease_notes) {
        if (age_of(note.slot) == note.age) {
            leases_.end_pending(note.slot);
        }
    }
    request->lease_notes.clear();
    return false;
}

std::optional<renewal> node::renew(std::string_view service, std::string_view instance) {
    const auto slot = views_->registry().slot_of(service, instance);
    if (!slot.has_value()) {
        return std::nullopt;
    }
    const std::int64_t now = time_.monotonic_us();
    const lease_renewal outcome = leases_.renew(*slot, now);
    if (outcome.kind != renewal_kind::renewed) {
        return std::nullopt;
    }
    ++counters_.renewals;
    const std::int64_t lease_ms = (outcome.deadline_us - now) / 1000;
    return renewal{lease_ms, time_.now().plus_ms(lease_ms)};
}

void node::on_notice(commit_notice notice) {
    if (notice.batch != nullptr) {
        views_->apply(*notice.batch);
        note_position(notice.batch->last_hash);
        ++counters_.batches;
        counters_.events += notice.batch->slices.size();
    }
    for (command_answer& answer : notice.answers) {
        settle(answer);
    }
    for (command_answer& answer : notice.answers) {
        if (answer.request->done) {
            answer.request->done(answer);
        }
    }
    if (notice.batch != nullptr) {
        for (std::size_t i = 0; i < observers_.size(); ++i) {
            observers_[i]->on_committed(notice.batch);
        }
    }
}

//! A lease is not let lapse while something that grants it is under way.
void node::note_pending(command_request& request) {
    request.lease_notes.clear();
    for (const command_item& item : request.items) {
        const auto subject = lease_granted_by(item.what);
        if (!subject.has_value() || request.dry_run) {
            continue;
        }
        const auto slot = views_->registry().slot_of(subject->service, subject->instance);
        if (slot.has_value() && leases_.begin_pending(*slot)) {
            request.lease_notes.push_back({*slot, age_of(*slot)});
        }
    }
}

void node::settle(command_answer& answer) {
    for (const auto& note : answer.request->lease_notes) {
        if (age_of(note.slot) == note.age) {
            leases_.end_pending(note.slot);
        }
    }
    if (answer.request->mode == batch_mode::all && !answer.outcomes.empty() &&
        answer.outcomes.back().failure.has_value()) {
        // Nothing of it was done, whatever was decided before the failure.
        counters_.commands_failed += answer.failed_whole ? 0 : 1;
        return;
    }
    const std::size_t count_of = std::min(answer.outcomes.size(), answer.request->items.size());
    for (std::size_t i = 0; i < count_of; ++i) {
        count(answer.outcomes[i]);
        settle_item(answer.request->items[i], answer.outcomes[i]);
    }
}

//! What an outcome without events means for leases; events reached them by the views.
//! An expiry that failed (no room to write) is as void as one that nothing followed from.
void node::settle_item(const command_item& item, const item_outcome& outcome) {
    if (const auto* expiry = std::get_if<registry::expire_instance>(&item.what)) {
        const auto slot = views_->registry().slot_of(expiry->service, expiry->instance);
        if (slot.has_value() && outcome.kind != outcome_kind::appended) {
            expiry_void(*slot);
        }
        return;
    }
    if (outcome.kind == outcome_kind::unchanged) {
        if (const auto subject = lease_granted_by(item.what)) {
            (void)renew(subject->service, subject->instance);
        }
    }
}

void node::count(const item_outcome& outcome) {
    switch (outcome.kind) {
        case outcome_kind::appended: ++counters_.commands_appended; break;
        case outcome_kind::already: ++counters_.commands_already; break;
        case outcome_kind::unchanged: ++counters_.commands_unchanged; break;
        case outcome_kind::dry_run: ++counters_.commands_dry_run; break;
        case outcome_kind::failed: ++counters_.commands_failed; break;
    }
}

void node::note_position(const hash256& last_hash) {
    position_token_.clear();
    write_token(epoch_, views_->at(), last_hash.prefix(), position_token_);
}

void node::remove_observer(commit_observer& one) { std::erase(observers_, &one); }

std::uint32_t& node::age_of(std::uint32_t slot) {
    if (slot >= slot_ages_.size()) {
        slot_ages_.resize(slot + std::size_t{1}, slot_age_first_);
    }
    return slot_ages_[slot];
}

} // namespace fasti
