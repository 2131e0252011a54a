// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/interrupt.hpp"

#include "domain/base/check.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>

namespace fasti::cli {
namespace {

std::atomic<client*> interrupted_client{nullptr};
std::atomic<bool> was_asked{false};
std::atomic<int> write_end{-1};
struct sigaction before_int;
struct sigaction before_term;

//! Only what a signal handler may do: an atomic and a write.
void on_signal(int number) {
    const int saved = errno;
    if (was_asked.exchange(true)) {
        _exit(128 + number);
    }
    if (client* const by = interrupted_client.load()) {
        by->interrupt();
    }
    const char byte = 0;
    [[maybe_unused]] const ssize_t written = write(write_end.load(), &byte, 1);
    errno = saved;
}

} // namespace

interrupt_scope::interrupt_scope(client* by) {
    int ends[2];
    check(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "a pipe can be made");
    read_end_ = ends[0];
    write_end.store(ends[1]);
    interrupted_client.store(by);
    was_asked.store(false);
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, &before_int);
    sigaction(SIGTERM, &action, &before_term);
}

interrupt_scope::~interrupt_scope() {
    sigaction(SIGINT, &before_int, nullptr);
    sigaction(SIGTERM, &before_term, nullptr);
    interrupted_client.store(nullptr);
    close(write_end.exchange(-1));
    close(read_end_);
}

bool interrupt_scope::asked() const noexcept { return was_asked.load(); }

bool interrupt_scope::wait_ms(std::uint64_t ms) const {
    using namespace std::chrono;
    const auto until = steady_clock::now() + milliseconds{ms};
    while (!asked()) {
        const auto left = duration_cast<milliseconds>(until - steady_clock::now()).count();
        if (left <= 0) {
            return false;
        }
        pollfd waits{read_end_, POLLIN, 0};
        poll(&waits, 1, static_cast<int>(left < 60'000 ? left + 1 : 60'000));
    }
    return true;
}

} // namespace fasti::cli
