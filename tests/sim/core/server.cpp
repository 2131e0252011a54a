// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/core/server.hpp"

#include <array>
#include <utility>

namespace fasti::sim {
namespace {

constexpr std::size_t queue_max = 60;
constexpr std::string_view leases_path = "data/leases";

} // namespace

server::server(machine& on, server_hooks told)
    : on_(on),
      told_(std::move(told)),
      late_(on.fault == planted::answer_before_sync ? late_syncing(on.disk) : nullptr),
      door_(late_ != nullptr ? *late_ : on.disk),
      snapshots_(door_, "data/snapshots") {}

result<void> server::start() {
    segment_options how;
    how.path = "data/log";
    how.segment_bytes = 64U * 1024U;
    how.fresh_log_id.bytes[0] = 42;
    how.fresh_epoch = on_.random();
    how.report = told_.noted;
    auto opened = open_segments(door_, how);
    if (!opened.ok()) {
        return std::move(opened).error();
    }
    log_ = std::move(opened).value();
    facts_ = std::make_unique<watched_ledger>(*log_, on_, told_.appends);
    model_fold model;
    const std::array<extra_fold*, 1> extras{&model};
    auto made = recover(*facts_, snapshots_, facts_->head().last, extras, {});
    if (!made.ok()) {
        return std::move(made).error();
    }
    recovered_ = std::move(made).value();
    model_ = model.take();
    decides_ = std::make_unique<sequencer>(*facts_, *model_, on_.time, on_.ids);
    node_options options;
    options.reap_ms = reap_ms;
    options.guard.lapsed_min = 6;
    options.guard.hold_ms = guard_hold_ms;
    node_ = std::make_unique<node>(*facts_, std::move(recovered_.views), on_.time, options);
    checkpoint_found_ = read_checkpoint();
    (void)node_->start_leases(checkpoint_found_);
    keep_checkpoint();
    node_->connect(*this);
    return {};
}

bool server::offer(std::unique_ptr<command_request>& request) {
    if (queue_.size() >= queue_max) {
        return false;
    }
    told_.offered(*request);
    queue_.push_back(std::move(request));
    return true;
}

void server::stage(std::size_t count) {
    for (; count > 0 && !queue_.empty() && !decides_->full(); --count) {
        auto request = std::move(queue_.front());
        queue_.pop_front();
        decides_->stage(std::move(request));
    }
}

result<void> server::commit() {
    if (decides_->idle()) {
        return {};
    }
    committing_ = true;
    auto notice = decides_->commit();
    committing_ = false;
    if (!notice.ok()) {
        return std::move(notice).error();
    }
    notices_.push_back(std::move(notice).value());
    return {};
}

bool server::deliver() {
    if (notices_.empty()) {
        return false;
    }
    commit_notice notice = std::move(notices_.front());
    notices_.pop_front();
    if (notice.batch != nullptr) {
        told_.delivered(*notice.batch);
    }
    node_->on_notice(std::move(notice));
    return true;
}

std::optional<renewal> server::renew(std::string_view service, std::string_view instance) {
    if (on_.fault == planted::expiry_ignores_renewal && on_.one_in(8)) {
        const auto slot = node_->views().registry().slot_of(service, instance);
        if (!slot.has_value()) {
            return std::nullopt;
        }
        const instance_ref known = node_->views().registry().at(*slot);
        if (known.expired || known.lease_ms == 0) {
            return std::nullopt;
        }
        return renewal{known.lease_ms, on_.time.now().plus_ms(known.lease_ms)};
    }
    return node_->renew(service, instance);
}

void server::read_sockets(std::size_t count) {
    for (; count > 0 && !sockets_.empty(); --count) {
        const sent_renewal one = std::move(sockets_.front());
        sockets_.pop_front();
        told_.renewed(one, renew(one.service, one.instance));
        if (hearing_.has_value() && --hearing_->left == 0) {
            const std::int64_t heard_us = std::exchange(hearing_, std::nullopt)->heard_us;
            node_->tick(heard_us);
        }
    }
}

void server::tick() {
    if (on_.fault == planted::expiry_before_reading || sockets_.empty()) {
        hearing_.reset();
        node_->tick(on_.time.monotonic_us());
    } else if (!hearing_.has_value()) {
        hearing_ = {on_.time.monotonic_us(), sockets_.size()};
    }
}

//! As the daemon does: replaced by rename, but not synced, since only a restart of the process
//! needs it exactly.
void server::keep_checkpoint() {
    std::string bytes;
    node_->write_lease_checkpoint(checkpoint_every_us / 1000, bytes);
    const std::string beside = std::string{leases_path} + ".new";
    auto opened = door_.open(beside, file_mode::create);
    if (!opened.ok() || !opened.value()->write_at(0, bytes).ok() ||
        !door_.rename(beside, std::string{leases_path}).ok()) {
        return;
    }
    checkpoint_kept_ = std::move(bytes);
    checkpoint_kept_us_ = on_.up_us;
}

std::string server::read_checkpoint() {
    auto opened = door_.open(std::string{leases_path}, file_mode::read);
    if (!opened.ok()) {
        return {};
    }
    const auto size = opened.value()->size();
    std::string bytes(size.ok() ? static_cast<std::size_t>(size.value()) : 0, '\0');
    const auto got = opened.value()->read_at(0, bytes.data(), bytes.size());
    bytes.resize(got.ok() ? got.value() : 0);
    return bytes;
}

void server::housekeep() {
    if (log_->wants_next()) {
        (void)log_->prepare_next().ok();
        return;
    }
    (void)log_->maintain().ok();
}

void server::take_snapshot() {
    model_fold model;
    const std::array<extra_fold*, 1> extras{&model};
    const ladder_limits limits{6, 64U * 1024U * 1024U};
    const position head = facts_->head().last;
    if (on_.fault != planted::snapshot_at_wrong_position || head == 0) {
        (void)keep_snapshot_beside(extras, *facts_, snapshots_, limits, {}).ok();
        return;
    }
    auto folded = recover(*facts_, snapshots_, head - 1, extras, {});
    if (folded.ok()) {
        folded.value().views->stand_at(head, facts_->head().last_recorded);
        (void)keep_snapshot({*folded.value().views, extras}, *facts_, snapshots_, limits).ok();
    }
}

} // namespace fasti::sim
