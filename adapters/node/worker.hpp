// SPDX-License-Identifier: Apache-2.0
//! A thread for work that would keep the I/O thread from its sockets. Bounded; first come, first served.
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
    worker(std::size_t threads, std::size_t waiting_max);
    ~worker();
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    //! False when too much waits already or the worker was stopped. Thread: any.
    bool run(std::function<void()> work);
    //! Ends after the work under way; what only waits is dropped. Thread: any but a worker's.
    void stop();

private:
    void loop();

    const std::size_t waiting_max_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> waiting_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

} // namespace fasti
