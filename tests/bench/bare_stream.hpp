// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

//! The subscribers of fasti_bare_server: one text of frames for all, and how far into it each of them was sent.
//! No filters, no permissions, no bound on what waits: a run is short.
namespace fasti::bench {

inline std::int64_t wall_us() {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_nsec / 1000;
}

class bare_stream {
public:
    explicit bare_stream(std::size_t frame_bytes) : frame_bytes_(frame_bytes) {}

    [[nodiscard]] bool any() const { return !subscribers_.empty(); }

    void add(int poll, int fd, std::uint64_t who) {
        subscribers_.push_back({fd, who, end(), false});
        const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: 1." +
                                 std::to_string(told_) + ".0\n\n";
        if (::send(fd, head.data(), head.size(), MSG_NOSIGNAL) < 0) {
            drop(who);
        }
        poll_ = poll;
    }

    void drop(std::uint64_t who) {
        std::erase_if(subscribers_, [who](const subscriber& one) { return one.who == who; });
    }

    //! Adds the frames up to this position.
    void append(std::uint64_t position, std::int64_t recorded_us) {
        if (!any()) {
            told_ = position;
            return;
        }
        const std::time_t whole = recorded_us / 1'000'000;
        std::tm parts{};
        ::gmtime_r(&whole, &parts);
        std::array<char, 32> time{};
        const std::size_t length = std::strftime(time.data(), time.size(), "%FT%T", &parts);
        std::array<char, 8> rest{};
        std::snprintf(rest.data(), rest.size(), ".%06u",
                      static_cast<unsigned>(recorded_us % 1'000'000));
        while (told_ < position) {
            const std::size_t from = text_.size();
            text_ += "id: 1." + std::to_string(++told_) +
                     ".0\nevent: instance_registered\ndata: {\"time\":\"";
            text_.append(time.data(), length);
            text_ += rest.data();
            text_ += "Z\",\"rest\":\"";
            const std::size_t used = text_.size() - from + 4;
            text_.append(frame_bytes_ - std::min(frame_bytes_, used), 'x');
            text_ += "\"}\n\n";
        }
    }

    //! One write for each that is not waiting for room.
    void send_all() {
        for (subscriber& one : subscribers_) {
            if (!one.waits) {
                send(one);
            }
        }
        trim();
    }

    void writable(std::uint64_t who) {
        for (subscriber& one : subscribers_) {
            if (one.who == who) {
                send(one);
                return;
            }
        }
    }

private:
    struct subscriber {
        int fd;
        std::uint64_t who;
        std::uint64_t at; // offset into all text there ever was
        bool waits;       // for room in its socket
    };

    [[nodiscard]] std::uint64_t end() const { return begin_ + text_.size(); }

    void send(subscriber& one) {
        const auto from = static_cast<std::size_t>(one.at - begin_);
        if (from < text_.size()) {
            const ssize_t sent = ::send(one.fd, text_.data() + from, text_.size() - from,
                                        MSG_NOSIGNAL | MSG_DONTWAIT);
            one.at += sent > 0 ? static_cast<std::uint64_t>(sent) : 0;
        }
        const bool waits = one.at < end();
        if (waits != one.waits) {
            one.waits = waits;
            epoll_event event{};
            event.events = waits ? EPOLLIN | EPOLLOUT : EPOLLIN;
            event.data.u64 = one.who;
            ::epoll_ctl(poll_, EPOLL_CTL_MOD, one.fd, &event);
        }
    }

    //! Forgets what everybody was sent, now and then.
    void trim() {
        std::uint64_t least = end();
        for (const subscriber& one : subscribers_) {
            least = std::min(least, one.at);
        }
        const auto sent = static_cast<std::size_t>(least - begin_);
        if (sent == text_.size() || sent > (16U << 20U)) {
            text_.erase(0, sent);
            begin_ = least;
        }
    }

    std::size_t frame_bytes_;
    std::vector<subscriber> subscribers_;
    std::string text_;
    std::uint64_t begin_ = 0; // offset of its first byte
    std::uint64_t told_ = 0;  // position of the last frame
    int poll_ = -1;
};

} // namespace fasti::bench
