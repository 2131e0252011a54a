// SPDX-License-Identifier: Apache-2.0
//! The one thread that talks to sockets. Other threads hand it work by post(); it wakes up once for
//! all that was posted meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace fasti::http {

class poller;

class io_loop {
public:
    io_loop();
    ~io_loop();
    io_loop(const io_loop&) = delete;
    io_loop& operator=(const io_loop&) = delete;

    //! Runs until stop(); the calling thread becomes the io thread.
    void run();
    //! Thread: any.
    void stop();

    //! Runs `work` on the io thread, in the order of posting. Thread: any.
    void post(std::function<void()> work);
    //! Runs `work` after each batch of posted work: what must happen once, not once for each.
    void after_batches(std::function<void()> work);

    //! Runs `work` when everybody with something to read by now has been told so: the kernel reports
    //! in the order in which things became ready, and this joins the end of that line.
    //! One at a time. Io thread.
    void after_what_is_ready(std::function<void()> work);

    using timer_id = std::uint64_t;
    //! Both: io thread, or before run(). The first call comes after one period.
    timer_id every_ms(std::uint32_t period, std::function<void()> work);
    timer_id once_after_ms(std::uint32_t delay, std::function<void()> work);
    void cancel(timer_id timer);

    //! Tells `work` of these signals instead of their default. Before run().
    void on_signals(std::initializer_list<int> signals, std::function<void(int)> work);

    //! Who tells of sockets; after_what_is_ready() speaks of those that are watched there.
    poller& sockets() noexcept;
    //! For modules that bring their own timers or posts.
    boost::asio::io_context& context() noexcept;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace fasti::http
