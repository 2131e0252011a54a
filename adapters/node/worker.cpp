// SPDX-License-Identifier: Apache-2.0
#include "adapters/node/worker.hpp"

#include "adapters/node/thread_name.hpp"
#include "domain/base/check.hpp"

#include <utility>

namespace fasti {

worker::worker(const char* name, std::size_t waiting_max_each_lane, std::size_t lanes)
    : waiting_max_(waiting_max_each_lane), lanes_(lanes), thread_([this, name] {
          name_thread(name);
          loop();
      }) {}

worker::~worker() { stop(); }

bool worker::run(std::size_t lane, std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_); // the lanes too: stop() exchanges them
        check(lane < lanes_.size(), "work goes to a lane that there is");
        if (stopping_ || lanes_[lane].size() >= waiting_max_) {
            return false;
        }
        lanes_[lane].push_back(std::move(work));
        ++waiting_;
    }
    wake_.notify_one();
    return true;
}

void worker::stop() {
    std::vector<std::deque<std::function<void()>>> dropped(lanes_.size());
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        waiting_ = 0;
        dropped.swap(lanes_);
    }
    wake_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

//! Needs something that waits.
std::function<void()> worker::take_next() {
    while (lanes_[turn_].empty()) {
        turn_ = (turn_ + 1) % lanes_.size();
    }
    std::function<void()> work = std::move(lanes_[turn_].front());
    lanes_[turn_].pop_front();
    turn_ = (turn_ + 1) % lanes_.size();
    --waiting_;
    return work;
}

void worker::loop() {
    for (;;) {
        std::function<void()> work;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || waiting_ > 0; });
            if (stopping_) {
                return;
            }
            work = take_next();
        }
        work();
    }
}

} // namespace fasti
