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

std::int64_t steady_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

} // namespace

housekeeping::housekeeping(segment_ledger& facts, snapshot_store& snapshots, const options& how,
                           telemetry::logger& log)
    : facts_(facts),
      snapshots_(snapshots),
      how_(how),
      log_(log),
      pace_(how.snapshot_every_events, how.snapshot_at),
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
        poked_ = facts_.wants_next() || pace_.due(head_, steady_us());
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
            const auto woken = [this] { return poked_ || stopping_; };
            const std::int64_t rest_us = pace_.rests_until_us() - steady_us();
            if (rest_us > 0 || pace_.wanted(head_)) {
                // What is wanted during the rest is due at its end, though no commit says so any more.
                wake_.wait_for(lock, std::chrono::microseconds(std::max<std::int64_t>(rest_us, 0)),
                               woken);
            } else {
                wake_.wait(lock, woken);
            }
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
        due = pace_.due(head, steady_us());
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
    const std::int64_t begun_us = steady_us();
    auto kept = keep_snapshot_beside(extras, facts_, snapshots_, how_.ladder, go_on);
    const snapshot_pace::span during{.begun_us = begun_us, .ended_us = steady_us()};
    const std::lock_guard lock(mutex_);
    if (kept.ok()) {
        pace_.taken(kept.value().at, kept.value().bytes, during);
        log_.debug("snapshot taken", {{"position", kept.value().at},
                                      {"bytes", kept.value().bytes},
                                      {"took_ms", (during.ended_us - begun_us) / 1000}});
    } else if (!stopping_) {
        pace_.failed(head, during);
        log_.warn("A snapshot could not be taken. " + kept.error().message);
    }
    return kept;
}

} // namespace fasti
