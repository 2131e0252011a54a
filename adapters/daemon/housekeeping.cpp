// SPDX-License-Identifier: Apache-2.0
#include "adapters/daemon/housekeeping.hpp"

#include "adapters/node/model_fold.hpp"
#include "adapters/node/thread_name.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace fasti {
namespace {

//! How long to leave a disk alone that had no room, or other trouble.
constexpr std::chrono::seconds after_trouble{1};

//! A snapshot costs time in proportion to its bytes; as many events as that is worth lie between two,
//! so that a large state does not keep a core busy with copies of itself.
constexpr std::uint64_t bytes_per_event = 200;

} // namespace

housekeeping::housekeeping(segment_ledger& facts, snapshot_store& snapshots, const options& how,
                           telemetry::logger& log)
    : facts_(facts),
      snapshots_(snapshots),
      how_(how),
      log_(log),
      snapshot_at_(how.snapshot_at),
      snapshot_distance_(how.snapshot_every_events),
      head_(facts.head().last),
      thread_([this] {
          name_thread("housekeeping");
          run();
      }) {}

housekeeping::~housekeeping() { stop(); }

void housekeeping::on_committed(const std::shared_ptr<const committed_batch>& batch) {
    {
        const std::lock_guard lock(mutex_);
        head_ = batch->last();
        if (poked_) {
            return;
        }
        // Segments and snapshots are rare beside commits: the thread is woken for them only.
        poked_ = facts_.wants_next() || head_ - snapshot_at_ >= snapshot_distance_;
        if (!poked_) {
            return;
        }
    }
    wake_.notify_one();
}

void housekeeping::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) {
        thread_.join();
    }
    tell_wanted(error{error_code::not_ready, "The server is shutting down."});
}

void housekeeping::snapshot_now(std::function<void(result<kept_snapshot>)> done) {
    {
        const std::lock_guard lock(mutex_);
        wanted_.push_back(std::move(done));
        poked_ = true;
    }
    wake_.notify_one();
}

void housekeeping::tell_wanted(const result<kept_snapshot>& kept) {
    std::vector<std::function<void(result<kept_snapshot>)>> told;
    {
        const std::lock_guard lock(mutex_);
        told.swap(wanted_);
    }
    for (const auto& one : told) {
        one(kept);
    }
}

void housekeeping::run() {
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return poked_ || stopping_; });
            if (stopping_) {
                return;
            }
            poked_ = false;
        }
        while (do_one()) {
            const std::lock_guard lock(mutex_);
            if (stopping_) {
                return;
            }
        }
        if (std::exchange(prepare_failed_, false)) {
            std::unique_lock lock(mutex_);
            wake_.wait_for(lock, after_trouble, [this] { return stopping_; });
            poked_ = true;
        }
    }
}

//! One piece of work, the most urgent first; whether there was any.
bool housekeeping::do_one() {
    if (facts_.wants_next()) {
        if (auto prepared = facts_.prepare_next(); !prepared.ok()) {
            log_.warn("The next segment of the log could not be made ahead. " +
                      prepared.error().message);
            prepare_failed_ = true;
            tell_wanted(prepared.error());
            return false;
        }
        return true;
    }
    auto more = facts_.maintain();
    if (!more.ok()) {
        log_.warn("The indexes of the log could not be written. " + more.error().message);
        prepare_failed_ = true;
        tell_wanted(more.error());
        return false;
    }
    if (more.value()) {
        return true;
    }
    position head = 0;
    bool due = false;
    bool wanted = false;
    {
        const std::lock_guard lock(mutex_);
        head = head_;
        due = head - snapshot_at_ >= snapshot_distance_;
        wanted = !wanted_.empty();
    }
    if (due || wanted) {
        const auto kept = take_snapshot(head);
        if (wanted) {
            tell_wanted(kept);
        }
        return true;
    }
    return false;
}

result<kept_snapshot> housekeeping::take_snapshot(position head) {
    model_fold model;
    const std::array<extra_fold*, 1> extras{&model};
    const auto go_on = [this](std::uint64_t, std::uint64_t) {
        const std::lock_guard lock(mutex_);
        return !stopping_;
    };
    auto kept = keep_snapshot_beside(extras, facts_, snapshots_, how_.ladder, go_on);
    const std::lock_guard lock(mutex_);
    if (kept.ok()) {
        snapshot_at_ = kept.value().at;
        snapshot_distance_ = std::max(how_.snapshot_every_events,
                                      kept.value().bytes / bytes_per_event);
        log_.debug("snapshot taken",
                   {{"position", kept.value().at}, {"bytes", kept.value().bytes}});
    } else if (!stopping_) {
        snapshot_at_ = head; // tried again when as many events came as should lie between two
        log_.warn("A snapshot could not be taken. " + kept.error().message);
    }
    return kept;
}

} // namespace fasti
