// SPDX-License-Identifier: Apache-2.0
//! A thread for work that would keep the I/O thread from its sockets. Work waits in lanes, each with
//! a bound of its own and first come, first served; the lanes take turns, so that much work of one
//! kind keeps no other kind waiting longer than one piece.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fasti {

class worker {
public:
    //! `name`: of its thread, at most 15 bytes; lives as long as the worker.
    explicit worker(const char* name, std::size_t waiting_max_each_lane, std::size_t lanes = 1);
    ~worker();
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    //! False when too much waits in the lane already or the worker was stopped. Thread: any.
    bool run(std::size_t lane, std::function<void()> work);
    bool run(std::function<void()> work) { return run(0, std::move(work)); }
    //! Ends after the work under way; what only waits is dropped. Thread: any but the worker's.
    void stop();

private:
    void loop();
    std::function<void()> take_next();

    const std::size_t waiting_max_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<std::deque<std::function<void()>>> lanes_; // guarded
    std::size_t waiting_ = 0;                              // guarded; of all lanes
    std::size_t turn_ = 0;  // guarded; the lane that is looked at first
    bool stopping_ = false; // guarded
    std::thread thread_;
};

} // namespace fasti
