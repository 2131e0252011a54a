// SPDX-License-Identifier: Apache-2.0
// fasti_load: a bounded HTTP/1.1 load generator. One thread, one epoll set, requests made beforehand and
// answers looked at no further than status and length, so that on two cores the server is what is measured.
// It reads the servers' processor time at both ends of the measured window and prints one line of JSON.
#include "tests/bench/answer_head.hpp"
#include "tests/bench/histogram.hpp"
#include "tests/bench/load_options.hpp"
#include "tests/bench/process_cpu.hpp"
#include "tests/bench/requests.hpp"
#include "tests/bench/stream_load.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::bench {
namespace {

class connection {
public:
    explicit connection(unsigned pipeline) : sent_at_(pipeline) {}
    ~connection() { close(); }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    void open(const sockaddr_in& address) {
        close();
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (fd_ < 0 ||
            ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error(std::string("cannot connect: ") + std::strerror(errno));
        }
        filled_ = 0;
        skip_ = 0;
        oldest_ = 0;
        waiting_ = 0;
        unsent_.clear();
    }
    void close() {
        if (fd_ >= 0) {
            ::close(fd_);
            fd_ = -1;
        }
    }

    int fd_ = -1;
    std::vector<std::uint64_t> sent_at_; // ring of the requests under way
    std::size_t oldest_ = 0;
    std::size_t waiting_ = 0;
    std::array<char, 16384> in_{};
    std::size_t filled_ = 0;
    std::size_t skip_ = 0; // bytes of a body still to come
    std::string unsent_;
};

class load {
public:
    explicit load(const load_options& wanted) : options_(wanted), maker_(wanted.plan) {
        poll_ = ::epoll_create1(EPOLL_CLOEXEC);
        for (unsigned number = 0; number < options_.connections; ++number) {
            connections_.push_back(std::make_unique<connection>(options_.pipeline));
            connect(*connections_.back());
        }
    }
    ~load() { ::close(poll_); }
    load(const load&) = delete;
    load& operator=(const load&) = delete;

    void run();
    bool print() const;

private:
    void connect(connection& one);
    void readable(connection& one);
    void take_answers(connection& one, std::uint64_t time);
    void answered(connection& one, const answer_head& head, std::string_view bytes,
                  std::uint64_t time);
    void send_more(connection& one, std::uint64_t time);
    void flush(connection& one);
    void lost(connection& one, const char* why);
    void begin_window(std::uint64_t time);
    void end_window(std::uint64_t time);

    load_options options_;
    request_maker maker_;
    int poll_ = -1;
    std::vector<std::unique_ptr<connection>> connections_;
    std::string scratch_;
    std::uint64_t issued_ = 0;
    std::uint64_t in_flight_ = 0;
    bool sending_ = true;
    bool measuring_ = false;
    bool complete_ = false;

    histogram latency_;
    std::map<int, std::uint64_t> statuses_;
    std::uint64_t errors_ = 0;
    std::string first_error_;
    std::uint64_t bytes_ = 0;
    std::uint64_t window_begin_ = 0;
    std::uint64_t window_ = 0;
    cpu_time servers_begin_, servers_end_, self_begin_, self_end_;
    std::uint64_t machine_begin_ = 0, machine_end_ = 0;
};

void load::connect(connection& one) {
    one.open(options_.address);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &one;
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, one.fd_, &event);
}

void load::run() {
    const std::uint64_t start = now();
    const auto warmup = static_cast<std::uint64_t>(options_.warmup * static_cast<double>(second));
    const std::uint64_t end = start + warmup +
                              static_cast<std::uint64_t>(options_.seconds *
                                                         static_cast<double>(second));
    if (warmup == 0) {
        begin_window(start);
    }
    for (const auto& one : connections_) {
        send_more(*one, now());
    }
    std::array<epoll_event, 256> events{};
    while (true) {
        const int ready = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 50);
        for (int index = 0; index < ready; ++index) {
            auto& one = *static_cast<connection*>(events[static_cast<std::size_t>(index)].data.ptr);
            if ((events[static_cast<std::size_t>(index)].events & EPOLLOUT) != 0) {
                flush(one);
            }
            readable(one);
        }
        const std::uint64_t time = now();
        if (!measuring_ && window_ == 0 && time >= start + warmup) {
            begin_window(time);
        }
        if (options_.count != 0 && issued_ >= options_.count && in_flight_ == 0) {
            complete_ = true;
            break;
        }
        // A short run on a busy machine goes on to its first answer, within bounds.
        if (time >= end && (latency_.count() > 0 || time >= end + 10 * second)) {
            complete_ = options_.count == 0;
            break;
        }
    }
    end_window(now());
    // Answers under way are waited for, so that the server is quiet when the next run begins.
    sending_ = false;
    const std::uint64_t patience = now() + 5 * second;
    while (in_flight_ > 0 && now() < patience) {
        const int ready = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 50);
        for (int index = 0; index < ready; ++index) {
            readable(*static_cast<connection*>(events[static_cast<std::size_t>(index)].data.ptr));
        }
    }
}

void load::begin_window(std::uint64_t time) {
    latency_ = {};
    statuses_.clear();
    bytes_ = 0;
    measuring_ = true;
    servers_begin_ = cpu_time_of(options_.servers);
    self_begin_ = cpu_time_of({::getpid()});
    machine_begin_ = machine_busy();
    window_begin_ = time;
}

void load::end_window(std::uint64_t time) {
    window_ = time - window_begin_;
    measuring_ = false;
    servers_end_ = cpu_time_of(options_.servers);
    self_end_ = cpu_time_of({::getpid()});
    machine_end_ = machine_busy();
}

void load::readable(connection& one) {
    while (one.fd_ >= 0) {
        const std::size_t room = one.in_.size() - one.filled_;
        const ssize_t got = ::recv(one.fd_, one.in_.data() + one.filled_, room, MSG_DONTWAIT);
        if (got <= 0) {
            if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
                lost(one, got == 0 ? "closed by the server" : std::strerror(errno));
            }
            return;
        }
        one.filled_ += static_cast<std::size_t>(got);
        take_answers(one, now());
        if (static_cast<std::size_t>(got) < room) {
            return;
        }
    }
}

void load::take_answers(connection& one, std::uint64_t time) {
    std::size_t at = 0;
    while (at < one.filled_) {
        if (one.skip_ > 0) {
            const std::size_t part = std::min(one.skip_, one.filled_ - at);
            one.skip_ -= part;
            at += part;
            continue;
        }
        const std::string_view rest(one.in_.data() + at, one.filled_ - at);
        const answer_head head = read_head(rest);
        if (!head.understood || (head.head == 0 && rest.size() == one.in_.size()) ||
            one.waiting_ == 0) {
            lost(one, "an answer that is not understood");
            return;
        }
        if (head.head == 0) {
            break;
        }
        answered(one, head, rest, time);
        at += head.head;
        one.skip_ = head.body;
    }
    if (at < one.filled_) {
        std::memmove(one.in_.data(), one.in_.data() + at, one.filled_ - at);
    }
    one.filled_ -= at;
    if (sending_ && one.waiting_ < options_.pipeline) {
        send_more(one, time);
    }
}

// An answer counts with its head: for the sizes measured here the body is in the same packet.
void load::answered(connection& one, const answer_head& head, std::string_view bytes,
                    std::uint64_t time) {
    --in_flight_;
    --one.waiting_;
    const std::uint64_t sent = one.sent_at_[one.oldest_];
    one.oldest_ = (one.oldest_ + 1) % one.sent_at_.size();
    if (measuring_) {
        latency_.note(time - sent);
        ++statuses_[head.status];
        bytes_ += head.head + head.body;
    }
    if (head.status != options_.expect) {
        ++errors_;
        if (first_error_.empty()) {
            first_error_ = bytes.substr(
                0, std::min<std::size_t>(bytes.size(),
                                         head.head + std::min<std::size_t>(head.body, 400)));
        }
    }
}

void load::send_more(connection& one, std::uint64_t time) {
    scratch_.clear();
    while (one.waiting_ < options_.pipeline && (options_.count == 0 || issued_ < options_.count)) {
        maker_.append_to(scratch_, issued_++);
        one.sent_at_[(one.oldest_ + one.waiting_) % one.sent_at_.size()] = time;
        ++one.waiting_;
        ++in_flight_;
    }
    if (scratch_.empty()) {
        return;
    }
    if (!one.unsent_.empty()) {
        one.unsent_ += scratch_;
        return;
    }
    const ssize_t sent = ::send(one.fd_, scratch_.data(), scratch_.size(),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    const std::size_t done = sent > 0 ? static_cast<std::size_t>(sent) : 0;
    if (done <
        scratch_.size()) { // the next EPOLLOUT goes on, and finds out when the connection is gone
        one.unsent_.assign(scratch_, done);
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT;
        event.data.ptr = &one;
        ::epoll_ctl(poll_, EPOLL_CTL_MOD, one.fd_, &event);
    }
}

void load::flush(connection& one) {
    const ssize_t sent = ::send(one.fd_, one.unsent_.data(), one.unsent_.size(),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
        return;
    }
    one.unsent_.erase(0, static_cast<std::size_t>(sent));
    if (one.unsent_.empty()) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = &one;
        ::epoll_ctl(poll_, EPOLL_CTL_MOD, one.fd_, &event);
    }
}

void load::lost(connection& one, const char* why) {
    errors_ += one.waiting_ > 0 ? one.waiting_ : 1;
    in_flight_ -= one.waiting_;
    if (first_error_.empty()) {
        first_error_ = why;
    }
    one.close();
    if (errors_ > 10'000) {
        throw std::runtime_error("too many lost connections: " + first_error_);
    }
    if (sending_) {
        connect(one);
        send_more(one, now());
    }
}

std::string json_text(const std::string& text) {
    std::string out = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\') {
            out += '\\';
            out += letter;
        } else {
            out += static_cast<unsigned char>(letter) < 0x20 ? ' ' : letter;
        }
    }
    return out + "\"";
}

bool load::print() const {
    const auto requests = static_cast<double>(latency_.count());
    const double seconds = static_cast<double>(window_) / static_cast<double>(second);
    const auto each = [requests](std::uint64_t begin, std::uint64_t end) {
        return requests == 0 ? 0.0 : static_cast<double>(end - begin) / 1000.0 / requests;
    };
    std::printf(
        "{\"requests\": %.0f, \"seconds\": %.4f, \"per_s\": %.1f, \"errors\": %llu, \"complete\": %s",
        requests, seconds, seconds > 0 ? requests / seconds : 0.0,
        static_cast<unsigned long long>(errors_), complete_ ? "true" : "false");
    const std::array<std::pair<const char*, double>, 4> shares{
        {{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p999_us", 0.999}}};
    for (const auto& [name, share] : shares) {
        std::printf(", \"%s\": %.1f", name, static_cast<double>(latency_.at(share)) / 1000.0);
    }
    std::printf(", \"max_us\": %.1f, \"bytes\": %llu",
                static_cast<double>(latency_.largest()) / 1000.0,
                static_cast<unsigned long long>(bytes_));
    if (!options_.servers.empty()) {
        std::printf(
            ", \"server_cpu_us\": %.3f, \"server_user_us\": %.3f, \"server_system_us\": %.3f",
            each(servers_begin_.total, servers_end_.total),
            each(servers_begin_.user, servers_end_.user),
            each(servers_begin_.system, servers_end_.system));
        const std::uint64_t ours = servers_end_.total - servers_begin_.total + self_end_.total -
                                   self_begin_.total;
        const std::uint64_t busy = machine_end_ - machine_begin_;
        std::printf(", \"server_alive\": %s, \"foreign_cpu\": %.3f",
                    servers_end_.complete ? "true" : "false",
                    busy > ours && window_ > 0
                        ? static_cast<double>(busy - ours) / static_cast<double>(window_)
                        : 0.0);
    }
    std::printf(", \"load_cpu_us\": %.3f, \"issued\": %llu, \"statuses\": {",
                each(self_begin_.total, self_end_.total), static_cast<unsigned long long>(issued_));
    const char* comma = "";
    for (const auto& [status, times] : statuses_) {
        std::printf("%s\"%d\": %llu", comma, status, static_cast<unsigned long long>(times));
        comma = ", ";
    }
    std::printf("}, \"first_error\": %s}\n",
                first_error_.empty() ? "null" : json_text(first_error_).c_str());
    return errors_ == 0 && (complete_ || options_.count == 0) && servers_end_.complete;
}

} // namespace
} // namespace fasti::bench

int main(int count, char** words) {
    try {
        fasti::bench::load_options wanted;
        if (!fasti::bench::read_options(wanted, count, words)) {
            std::printf("%s", fasti::bench::load_usage());
            return 0;
        }
        if (wanted.streams) {
            return fasti::bench::load_streams(wanted) ? 0 : 1;
        }
        fasti::bench::load load(wanted);
        load.run();
        return load.print() ? 0 : 1;
    } catch (const std::invalid_argument& error) {
        std::fprintf(stderr, "fasti_load: %s\n%s", error.what(), fasti::bench::load_usage());
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fasti_load: %s\n", error.what());
        return 3;
    }
}
