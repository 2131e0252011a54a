// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/poller.hpp"

#include "domain/base/check.hpp"

#include <sys/epoll.h>
#include <unistd.h>
#include <algorithm>
#include <array>

namespace fasti::http {

struct poller::parts {
    int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    std::array<epoll_event, round_events_max> events;
    std::size_t next = 0; //!< of the round under way
    std::size_t count = 0;
};

watched::watched(poller& by, int descriptor, std::uint32_t events)
    : by_(by), descriptor_(descriptor) {
    if (!closed() && !by_.add(*this, events)) {
        ::close(descriptor_);
        descriptor_ = -1;
    }
}

void watched::close() noexcept {
    if (!closed()) {
        by_.forget(*this);
        ::close(descriptor_);
        descriptor_ = -1;
    }
}

poller::poller() : parts_(std::make_unique<parts>()) {
    check(parts_->descriptor >= 0, "there is a descriptor left for epoll");
}

poller::~poller() { ::close(parts_->descriptor); }

int poller::descriptor() const noexcept { return parts_->descriptor; }

bool poller::add(watched& to, std::uint32_t events) noexcept {
    epoll_event wanted{};
    wanted.events = events | EPOLLET;
    wanted.data.ptr = &to;
    return ::epoll_ctl(parts_->descriptor, EPOLL_CTL_ADD, to.descriptor(), &wanted) == 0;
}

//! By hand and not by close(): a child process that was started at the wrong moment keeps the socket
//! open for a while, and with it an entry that names who is gone.
void poller::forget(watched& gone) noexcept {
    epoll_event ignored{};
    ::epoll_ctl(parts_->descriptor, EPOLL_CTL_DEL, gone.descriptor(), &ignored);
    for (std::size_t i = parts_->next; i < parts_->count; ++i) {
        if (parts_->events[i].data.ptr == &gone) {
            parts_->events[i].data.ptr = nullptr;
        }
    }
}

void poller::round() {
    parts& now = *parts_;
    const int got = ::epoll_wait(now.descriptor, now.events.data(),
                                 static_cast<int>(now.events.size()), 0);
    now.next = 0;
    now.count = static_cast<std::size_t>(std::max(got, 0));
    while (now.next < now.count) {
        const epoll_event each = now.events[now.next++];
        if (each.data.ptr != nullptr) {
            static_cast<watched*>(each.data.ptr)->on_ready(each.events);
        }
    }
}

} // namespace fasti::http
