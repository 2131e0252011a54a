// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/core/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace fasti::sim {
namespace {

constexpr std::int64_t day_us = 86'400'000'000;
constexpr std::size_t trace_max = 400;

//! The instances whose lease an operation grants or renews.
template <class Visit>
void for_each_granting(const operation& of, const Visit& visit) {
    for (const command_item& item : of.items) {
        const bool grants = std::holds_alternative<registry::register_instance>(item.what) ||
                            std::holds_alternative<registry::update_instance>(item.what) ||
                            std::holds_alternative<registry::renew_lease>(item.what);
        std::string stream;
        if (grants && !of.dry_run && append_command_stream(item.what, stream)) {
            visit(stream);
        }
    }
}

} // namespace

void simulation::note(std::string what) {
    if (!how_.trace) {
        return;
    }
    trace_.push_back(std::to_string(report_.steps) + " @" + std::to_string(on_.up_us / 1000) +
                     "ms " + std::move(what));
    if (trace_.size() > trace_max) {
        trace_.pop_front();
    }
}

server_hooks simulation::hooks() {
    server_hooks told;
    told.appends.attempted = [this](const std::shared_ptr<const committed_batch>& batch) {
        knows_.on_attempt(batch, server_->facts().head().epoch);
        if (on_.fault == planted::view_above_mark && server_->undelivered() == 0) {
            server_->live().on_notice({batch, {}});
        }
    };
    told.appends.meanwhile = [this] {
        for (std::uint64_t i = on_.pick(0, 2); i > 0 && said_.ok() && !power_is_off(); --i) {
            io_step();
        }
    };
    told.offered = [this](const command_request& request) {
        for (const command_item& item : request.items) {
            if (const auto* expiry = std::get_if<registry::expire_instance>(&item.what)) {
                ++report_.expiries;
                note("expiry of " + registry::instance_stream(expiry->service, expiry->instance));
                leases_.on_expiry(registry::instance_stream(expiry->service, expiry->instance),
                                  on_.up_us);
            }
        }
    };
    told.delivered = [this](const committed_batch& batch) {
        knows_.on_delivered(batch);
        for (std::size_t i = 0; i < batch.slices.size(); ++i) {
            recorded_event event;
            if (decode_record(batch.canonical(i), event)) {
                leases_.on_event(event, on_.up_us);
                report_.guards += event.fact.type == "expiry_guard_raised" ? 1 : 0;
            }
        }
    };
    told.renewed = [this](const sent_renewal& one, const std::optional<renewal>& until) {
        const std::string stream = registry::instance_stream(one.service, one.instance);
        leases_.answered(stream, one.id);
        if (until.has_value()) {
            note("renewed " + stream + " for " + std::to_string(until->lease_ms));
            leases_.promised(stream, until->lease_ms, lease_book::by::renewal, on_.up_us);
        }
    };
    told.noted = [this](const store_note& one) {
        note("note: " + one.text);
        if (one.kind == note_kind::torn_tail_cut) {
            cut_ = true;
            ++report_.cut_tails;
        }
    };
    return told;
}

// --- what happens -----------------------------------------------------------------------------------

void simulation::pass(std::int64_t us) { on_.pass_us(us, server_ != nullptr); }

//! Time passes in which the server is up and does nothing at all.
void simulation::pass_idle(std::int64_t us) {
    pass(us);
    leases_.nothing_ran(us);
}

void simulation::jump_clock() {
    const auto far = static_cast<std::int64_t>(on_.pick(0, 2 * day_us));
    on_.time.wall.us += (on_.one_in(2) ? far - day_us : far / 100'000 - day_us / 100'000);
    note("the wall clock jumps");
}

void simulation::send(operation& of) {
    auto request = of.request();
    request->done = [this, id = of.id](command_answer& answer) { answered(answer, id); };
    for (const command_item& item : of.items) {
        std::string stream;
        if (append_command_stream(item.what, stream)) {
            leases_.touched(stream, on_.up_us);
        }
    }
    if (server_->submit(request)) {
        of.state = op_state::waiting;
        for_each_granting(
            of, [&](const std::string& stream) { leases_.sent(stream, of.id, on_.up_us); });
        report_.commands += of.items.size();
    } else if (of.repeatable) {
        to_retry_.push_back(of.id);
    }
}

void simulation::client_step() {
    if (!to_retry_.empty() && !on_.one_in(3)) {
        operation& of = operations_[to_retry_.front()];
        to_retry_.pop_front();
        ++report_.retries;
        note("retry " + of.marker);
        send(of);
        return;
    }
    if (!operations_.empty() && on_.one_in(12)) {
        operation& before = operations_[on_.pick(0, operations_.size() - 1)];
        if (before.state == op_state::answered && before.repeatable) {
            if (before.mode == batch_mode::each && before.told.front().count > 0 && on_.one_in(4)) {
                const std::uint64_t id = operations_.size();
                maker_.make_other_body(operations_.emplace_back(), id, operations_[before.id]);
                send(operations_.back());
            } else {
                ++report_.retries;
                send(before);
            }
            return;
        }
    }
    const std::uint64_t id = operations_.size();
    maker_.make(operations_.emplace_back(), id,
                [this](std::string_view stream) { return knows_.version_of(stream); });
    note("send " + operations_.back().marker);
    send(operations_.back());
}

void simulation::answered(command_answer& answer, std::uint64_t id) {
    operation& of = operations_[id];
    knows_.on_answer(answer, of, server_->live().views().at());
    for_each_granting(of, [&](const std::string& stream) { leases_.answered(stream, id); });
    const bool all_failed = of.mode == batch_mode::all && !answer.outcomes.empty() &&
                            answer.outcomes.back().kind == outcome_kind::failed;
    if (answer.outcomes.size() != of.items.size() || of.dry_run || all_failed) {
        return;
    }
    for (std::size_t i = 0; i < of.items.size(); ++i) {
        const item_outcome& outcome = answer.outcomes[i];
        const command& what = of.items[i].what;
        const auto* joined = std::get_if<registry::register_instance>(&what);
        const auto* renewed = std::get_if<registry::renew_lease>(&what);
        if (joined == nullptr && renewed == nullptr) {
            continue;
        }
        const std::string_view service = joined != nullptr ? joined->service : renewed->service;
        const std::string_view instance = joined != nullptr ? joined->instance : renewed->instance;
        const std::string stream = registry::instance_stream(service, instance);
        leases_.touched(stream, on_.up_us);
        if (renewed != nullptr && outcome.kind == outcome_kind::unchanged) {
            if (const auto until = server_->renew(service, instance)) {
                leases_.promised(stream, until->lease_ms, lease_book::by::renewal, on_.up_us);
            }
        } else if (joined != nullptr && joined->lease_ms.has_value() &&
                   outcome.kind == outcome_kind::appended &&
                   outcome.stream_version == knows_.version_of(stream)) {
            leases_.promised(stream, *joined->lease_ms, lease_book::by::event, on_.up_us);
        }
    }
}

//! Clients of one service renew.
void simulation::renew_step() {
    const std::string service = "s" + std::to_string(on_.pick(0, operation_maker::services - 1));
    for (std::uint64_t i = 0; i < operation_maker::instances; ++i) {
        // The instances with high numbers are left alone more often.
        if (on_.pick(0, operation_maker::instances) >= i) {
            send_renewal(service, "i" + std::to_string(i));
        }
    }
}

void simulation::send_renewal(std::string service, std::string instance) {
    const std::uint64_t id = lease_book::renewal_ids + renewals_++;
    leases_.sent(registry::instance_stream(service, instance), id, on_.up_us);
    server_->arrive({id, std::move(service), std::move(instance)});
}

//! A renewal that reaches the server within microseconds of the deadline, on either side.
void simulation::race_step() {
    const auto next = leases_.next_deadline(on_.up_us);
    if (!next.has_value() || next->at_us - on_.up_us > 1'000'000) {
        return;
    }
    const auto early = static_cast<std::int64_t>(on_.pick(0, 2'000)) - 1'000;
    pass_idle(std::max<std::int64_t>(0, next->at_us - on_.up_us - early));
    note("a renewal of " + next->stream + " races its expiry by " + std::to_string(early) + " us");
    const std::size_t service = next->stream.find('/') + 1; // instance/<service>/<instance>
    const std::size_t instance = next->stream.rfind('/') + 1;
    send_renewal(next->stream.substr(service, instance - 1 - service),
                 next->stream.substr(instance));
    pass(static_cast<std::int64_t>(on_.pick(0, 5'000)));
    server_->tick();
}

//! The server does not run for a while: stopped, or busy with one long thing. Clients go on.
void simulation::pause_step() {
    const std::uint64_t longest = on_.one_in(60) ? 6'000'000 : on_.one_in(10) ? 120'000 : 16'000;
    note("nothing runs");
    for (int part = 0; part < 5; ++part) {
        pass_idle(static_cast<std::int64_t>(on_.pick(0, longest)));
        if (on_.one_in(3)) {
            renew_step();
        }
    }
}

//! Somebody looks at the views and is given a token.
void simulation::read_step() {
    const std::string token{server_->live().position_token()};
    const position at = server_->live().views().at();
    knows_.told(at);
    if (said_.ok() && at > 0 && token != knows_.token_at(at)) {
        said_.fail("A read at position " + std::to_string(at) + " was given the token " + token +
                   ".");
    }
    readers_.read_some(*server_);
}

//! What the I/O thread does; also while the pipeline waits for the disk.
void simulation::io_step() {
    const std::uint64_t kind = on_.pick(0, 99);
    if (kind < 45) {
        client_step();
    } else if (kind < 60) {
        (void)server_->deliver();
    } else if (kind < 72) {
        server_->tick();
    } else if (kind < 77) {
        renew_step();
    } else if (kind < 86) {
        server_->read_sockets(on_.pick(1, 40));
    } else if (kind < 88) {
        race_step();
    } else if (kind < 95) {
        read_step();
    } else {
        pass(static_cast<std::int64_t>(on_.pick(0, 40'000)));
    }
}

void simulation::commit_step() {
    server_->stage(on_.pick(0, 12));
    const auto done = server_->commit();
    if (!done.ok()) {
        note("the server ends: " + done.error().message);
        dead_ = true;
    }
}

void simulation::housekeeping_step() {
    switch (on_.pick(0, 11)) {
        case 0:
            note("snapshot");
            server_->take_snapshot();
            break;
        case 1: {
            const auto carried = server_->carry_on();
            dead_ = dead_ || !carried.ok();
            break;
        }
        case 2: jump_clock(); break;
        default: server_->housekeep(); break;
    }
}

void simulation::step() {
    ++report_.steps;
    if (on_.up_us - server_->checkpoint_kept_us() >= server::checkpoint_every_us) {
        server_->keep_checkpoint();
        if (power_is_off()) {
            return;
        }
    }
    const std::uint64_t kind = on_.pick(0, 99);
    if (kind < 60) {
        io_step();
    } else if (kind < 80) {
        commit_step();
    } else if (kind < 88) {
        housekeeping_step();
    } else {
        pause_step();
    }
}

void simulation::live_until(std::uint64_t commands) {
    while (going() && report_.commands < commands && !dead_ && !power_is_off()) {
        step();
        if (on_.one_in(400)) {
            settle();
            if (going() && !dead_ && !power_is_off()) {
                leases_.check_dead(server_->live().views(), on_.up_us);
            }
        }
    }
}

//! The disk is full for a while, though now and then a call finds room.
void simulation::live_without_room(std::uint64_t steps) {
    note("the disk is full");
    for (; steps > 0 && going() && !dead_; --steps) {
        on_.disk.fail_call(on_.pick(0, 2), fault::full);
        step();
    }
    ++report_.disk_errors;
    on_.disk.heal();
    note("the disk has room again");
}

//! One batch is decided, durable and told, and nothing is written after it: what its answers rest on
//! must outlast a loss of power at this moment. False: there was nothing to tell.
bool simulation::answer_what_waits() {
    server_->stage(SIZE_MAX);
    dead_ = !server_->commit().ok();
    bool told = false;
    while (!dead_ && !power_is_off() && server_->deliver()) {
        told = true;
    }
    return told;
}

//! Everything that waits is decided, durable and told; due leases are looked at.
void simulation::settle() {
    for (int round = 0; round < 6 && going() && !dead_ && !power_is_off(); ++round) {
        pass(5'000);
        server_->tick();
        server_->read_sockets(SIZE_MAX);
        while (server_->waiting() > 0 && !dead_ && !power_is_off() && said_.ok()) {
            server_->stage(SIZE_MAX);
            dead_ = !server_->commit().ok();
            while (!power_is_off() && server_->deliver()) {}
        }
        while (!dead_ && !power_is_off() && server_->deliver()) {}
    }
}

} // namespace fasti::sim
