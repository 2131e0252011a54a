// SPDX-License-Identifier: Apache-2.0
#include "adapters/node/pipeline_thread.hpp"

#include "adapters/node/thread_name.hpp"

#include <chrono>
#include <utility>

namespace fasti {
namespace {

//! How long nothing must wait before the log is told that it is idle.
constexpr std::chrono::milliseconds idle_after{200};
//! So many waiting commands are worth a sync of their own: a pipeline that sleeps begins with them beside the
//! thread that goes on reading, instead of behind it.
constexpr std::size_t enough_to_begin = 32;
//! How many requests ahead of the one being decided their look-ups are fetched.
constexpr std::size_t ahead_requests = 4;

//! Memory a waiting request holds: its own, and that of the body its commands borrow from.
std::size_t bytes_of(const command_request& request) {
    return sizeof request + request.texts.bytes() + request.borrowed_bytes +
           request.items.size() * sizeof(command_item);
}

} // namespace

pipeline_thread::pipeline_thread(sequencer& decides, const queue_limits& limits, hooks told)
    : decides_(decides), limits_(limits), hooks_(std::move(told)), thread_([this] {
          name_thread("decide");
          run();
      }) {}

pipeline_thread::~pipeline_thread() { stop(); }

bool pipeline_thread::offer(std::unique_ptr<command_request>& request) {
    bool must_wake = false;
    bool enough = false;
    {
        const std::lock_guard lock(mutex_);
        const std::size_t commands = commands_waiting_ + request->items.size();
        const std::size_t bytes = bytes_waiting_ + bytes_of(*request);
        const bool too_many = commands > limits_.commands_max || bytes > limits_.bytes_max;
        if (stopping_ || (too_many && !queue_.empty())) {
            return false;
        }
        commands_waiting_ = commands;
        bytes_waiting_ = bytes;
        queue_.push_back(std::move(request));
        enough = commands >= enough_to_begin;
        must_wake = sleeping_ && (enough || !wake_due_);
        wake_due_ = wake_due_ || must_wake;
    }
    if (must_wake && !enough && hooks_.wake_soon) {
        hooks_.wake_soon();
    } else if (must_wake) {
        wake();
    }
    return true;
}

void pipeline_thread::wake() {
    {
        const std::lock_guard lock(mutex_);
        wake_due_ = false;
        sleeping_ = false;
    }
    wake_.notify_one();
}

void pipeline_thread::between_commits(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        between_.push_back(std::move(work));
        sleeping_ = false;
    }
    wake_.notify_one();
}

void pipeline_thread::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) {
        thread_.join();
    }
}

std::size_t pipeline_thread::waiting() const {
    const std::lock_guard lock(mutex_);
    return commands_waiting_;
}

bool pipeline_thread::take(std::vector<std::unique_ptr<command_request>>& into) {
    std::unique_lock lock(mutex_);
    bool told_idle = false;
    while (queue_.empty() && between_.empty() && !stopping_) {
        sleeping_ = true;
        if (told_idle) {
            wake_.wait(lock);
            continue;
        }
        if (wake_.wait_for(lock, idle_after) == std::cv_status::timeout && queue_.empty() &&
            between_.empty() && !stopping_) {
            told_idle = true;
            lock.unlock();
            hooks_.idle();
            lock.lock();
        }
    }
    sleeping_ = false;
    commands_waiting_ = 0;
    bytes_waiting_ = 0;
    into.swap(queue_);
    return !into.empty() || !stopping_;
}

void pipeline_thread::run_between() {
    std::vector<std::function<void()>> work;
    {
        const std::lock_guard lock(mutex_);
        work.swap(between_);
    }
    for (const auto& one : work) {
        one();
    }
}

void pipeline_thread::run() {
    std::vector<std::unique_ptr<command_request>> taken;
    const auto commit = [this] {
        auto notice = decides_.commit();
        if (!notice.ok()) {
            hooks_.fail(notice.error());
            return false;
        }
        hooks_.deliver(std::move(notice).value());
        return true;
    };
    while (take(taken)) {
        run_between();
        for (std::size_t i = 0; i < taken.size(); ++i) {
            if (i + ahead_requests < taken.size()) {
                decides_.foresee(*taken[i + ahead_requests]);
            }
            auto& request = taken[i];
            const bool commit_first = decides_.full() ||
                                      (!decides_.idle() && !decides_.fits(*request));
            if (commit_first && !commit()) {
                return;
            }
            decides_.stage(std::move(request));
        }
        if (!taken.empty() && !commit()) {
            return;
        }
        taken.clear();
    }
}

} // namespace fasti
