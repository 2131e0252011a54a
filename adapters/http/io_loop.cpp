// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/io_loop.hpp"

#include "adapters/http/poller.hpp"
#include "domain/base/check.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <chrono>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace fasti::http {

namespace asio = boost::asio;

namespace {

//! The end of the line of what is ready. It is never read: each write to it is an edge.
class line_end final : watched {
public:
    explicit line_end(poller& by) : watched(by, ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), EPOLLIN) {
        check(!closed(), "there is a descriptor left for the end of the line");
    }
    void join(std::function<void()> work) {
        check(!work_, "one at a time waits for the end of the line");
        work_ = std::move(work);
        check(::eventfd_write(descriptor(), 1) == 0, "an event is written");
    }

private:
    void on_ready(std::uint32_t) override {
        if (work_) {
            std::exchange(work_, nullptr)();
        }
    }
    std::function<void()> work_;
};

} // namespace

struct io_loop::parts {
    struct timer {
        asio::steady_timer clock;
        std::chrono::milliseconds period; //!< zero: once
        std::function<void()> work;
    };

    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
    std::mutex lock;
    std::vector<std::function<void()>> posted; //!< guarded by lock
    std::vector<std::function<void()>> running;
    std::vector<std::function<void()>> after;
    std::map<timer_id, std::unique_ptr<timer>> timers;
    timer_id last_timer = 0;
    poller sockets;
    line_end end_of_line{sockets};
    //! Of its own, because Asio closes it.
    asio::posix::stream_descriptor sockets_ready{context,
                                                 ::fcntl(sockets.descriptor(), F_DUPFD_CLOEXEC, 0)};
    std::unique_ptr<asio::signal_set> signals;
    std::function<void(int)> on_signal;

    void run_posted();
    timer_id start(std::chrono::milliseconds delay, std::chrono::milliseconds period,
                   std::function<void()> work);
    void arm(timer_id id, timer& armed);
    void wait_for_signal();
    void wait_for_sockets();
};

io_loop::io_loop() : parts_(std::make_unique<parts>()) { parts_->wait_for_sockets(); }
io_loop::~io_loop() = default;

void io_loop::run() { parts_->context.run(); }
void io_loop::stop() { parts_->context.stop(); }
asio::io_context& io_loop::context() noexcept { return parts_->context; }
poller& io_loop::sockets() noexcept { return parts_->sockets; }

//! Waiting looks at once whether there is news, so what came during the round is not missed.
void io_loop::parts::wait_for_sockets() {
    sockets_ready.async_wait(asio::posix::stream_descriptor::wait_read,
                             [this](const boost::system::error_code& error) {
                                 check(!error || error == asio::error::operation_aborted,
                                       "an epoll instance can be waited for");
                                 if (!error) {
                                     sockets.round();
                                     wait_for_sockets();
                                 }
                             });
}

void io_loop::post(std::function<void()> work) {
    bool first = false;
    {
        const std::lock_guard<std::mutex> held(parts_->lock);
        first = parts_->posted.empty();
        parts_->posted.push_back(std::move(work));
    }
    if (first) {
        asio::post(parts_->context, [this] { parts_->run_posted(); });
    }
}

void io_loop::parts::run_posted() {
    {
        const std::lock_guard<std::mutex> held(lock);
        running.swap(posted);
    }
    for (std::function<void()>& work : running) {
        work();
    }
    running.clear();
    for (const std::function<void()>& work : after) {
        work();
    }
}

void io_loop::after_batches(std::function<void()> work) {
    parts_->after.push_back(std::move(work));
}

void io_loop::after_what_is_ready(std::function<void()> work) {
    parts_->end_of_line.join(std::move(work));
}

io_loop::timer_id io_loop::every_ms(std::uint32_t period, std::function<void()> work) {
    const std::chrono::milliseconds each(period);
    return parts_->start(each, each, std::move(work));
}

io_loop::timer_id io_loop::once_after_ms(std::uint32_t delay, std::function<void()> work) {
    return parts_->start(std::chrono::milliseconds(delay), std::chrono::milliseconds(0),
                         std::move(work));
}

void io_loop::cancel(timer_id id) { parts_->timers.erase(id); }

io_loop::timer_id io_loop::parts::start(std::chrono::milliseconds delay,
                                        std::chrono::milliseconds period,
                                        std::function<void()> work) {
    const timer_id id = ++last_timer;
    auto made = std::make_unique<timer>(
        timer{asio::steady_timer(context), period, std::move(work)});
    made->clock.expires_after(delay);
    arm(id, *timers.emplace(id, std::move(made)).first->second);
    return id;
}

void io_loop::parts::arm(timer_id id, timer& armed) {
    armed.clock.async_wait([this, id](const boost::system::error_code& error) {
        const auto found = timers.find(id);
        if (error || found == timers.end()) {
            return;
        }
        const std::function<void()> work = found->second->work; // it may cancel itself
        if (found->second->period.count() == 0) {
            timers.erase(found);
            work();
            return;
        }
        work();
        if (const auto still = timers.find(id); still != timers.end()) {
            // From now, not from when it was due: a stalled process does not run a burst of them.
            still->second->clock.expires_after(still->second->period);
            arm(id, *still->second);
        }
    });
}

void io_loop::on_signals(std::initializer_list<int> signals, std::function<void(int)> work) {
    parts_->on_signal = std::move(work);
    parts_->signals = std::make_unique<asio::signal_set>(parts_->context);
    for (const int signal : signals) {
        boost::system::error_code ignored;
        parts_->signals->add(signal, ignored);
    }
    parts_->wait_for_signal();
}

void io_loop::parts::wait_for_signal() {
    signals->async_wait([this](const boost::system::error_code& error, int signal) {
        if (error) {
            return;
        }
        on_signal(signal);
        wait_for_signal();
    });
}

} // namespace fasti::http
