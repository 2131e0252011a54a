// SPDX-License-Identifier: Apache-2.0
// The subscribers of fasti_load. Each checks that the positions of its frames follow on each other and looks no
// further into a frame, except into the time of every eighth one; so one core reads what another one writes.
// Requests beside them append the events: as many as the subscribers keep up with, at a fixed rate, or all they can.
#include "tests/bench/stream_load.hpp"

#include "tests/bench/answer_head.hpp"
#include "tests/bench/histogram.hpp"
#include "tests/bench/process_cpu.hpp"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::bench {
namespace {

constexpr std::uint64_t sampled_each = 8;
constexpr std::uint64_t patience = 30 * second; // until every subscriber has everything
constexpr std::uint64_t day_us = 86'400'000'000;

//! The position in <epoch>.<position>.<hash>.
std::uint64_t position_in(std::string_view token) {
    std::uint64_t found = 0;
    const std::size_t dot = token.find('.');
    if (dot != std::string_view::npos) {
        std::from_chars(token.data() + dot + 1, token.data() + token.size(), found);
    }
    return found;
}

//! Microseconds since midnight of 2026-11-21T14:03:00.000000Z.
std::uint64_t time_of_day(std::string_view text) {
    const auto digits = [text](std::size_t at, std::size_t count) {
        std::uint64_t value = 0;
        std::from_chars(text.data() + at, text.data() + at + count, value);
        return value;
    };
    return ((digits(11, 2) * 60 + digits(14, 2)) * 60 + digits(17, 2)) * 1'000'000 + digits(20, 6);
}

struct peer {
    explicit peer(bool subscribes_) : subscribes(subscribes_) {}
    ~peer() {
        if (fd >= 0) {
            ::close(fd);
        }
    }
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;

    void open(const sockaddr_in& address) {
        fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (fd < 0 ||
            ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error(std::string("cannot connect: ") + std::strerror(errno));
        }
    }
    void send(std::string_view text) const {
        // A request fits into an empty send buffer: nothing else is under way here.
        if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(text.size())) {
            throw std::runtime_error(std::string("cannot send: ") + std::strerror(errno));
        }
    }

    const bool subscribes;
    int fd = -1;
    std::string carry; // of a head or a line that is not complete yet
};

struct subscriber : peer {
    subscriber() : peer(true) {}
    std::uint64_t number = 0;
    std::uint64_t named = 0; // by the last id
    std::uint64_t last = 0;  // position of the last frame
    bool in_body = false;
    bool placed = false; // knows where it begins
};

struct writer : peer {
    writer() : peer(false) {}
    std::uint64_t sent_at = 0;
    bool busy = false;
};

class stream_load {
public:
    explicit stream_load(const load_options& wanted);
    ~stream_load() { ::close(poll_); }
    stream_load(const stream_load&) = delete;
    stream_load& operator=(const stream_load&) = delete;

    void run();
    bool print() const;

private:
    struct reading {
        std::uint64_t time = 0, frames = 0, bytes = 0, machine = 0;
        cpu_time servers, self;
    };

    void watch(peer& one) const;
    void subscribe(unsigned number);
    void turn(int wait_ms);
    void readable(subscriber& one);
    void take(subscriber& one, std::string_view bytes);
    void take_line(subscriber& one, std::string_view line);
    void take_frame(subscriber& one, std::string_view line);
    void readable(writer& one);
    void answered(writer& one, const answer_head& head, std::string_view bytes);
    void issue_more();
    bool room() const;
    bool all_told() const;
    std::uint64_t missing() const;
    reading read() const;

    load_options options_;
    request_maker maker_;
    std::uint64_t commands_each_;
    int poll_ = -1;
    std::vector<std::unique_ptr<subscriber>> subscribers_;
    std::vector<std::unique_ptr<writer>> writers_;
    std::vector<char> room_ = std::vector<char>(1U << 18U);
    std::string scratch_;
    std::size_t placed_ = 0;
    std::uint64_t started_ = 0;
    std::uint64_t issued_ = 0;
    std::uint64_t in_flight_ = 0;
    std::uint64_t appended_ = 0; // requests that were acknowledged
    std::uint64_t newest_ = 0;   // position of the last event that was acknowledged
    bool sending_ = false;
    bool measuring_ = false;

    histogram latency_; // of requests
    histogram delay_;   // from an event's time to its arrival
    std::uint64_t wall_us_ = 0;
    std::uint64_t frames_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t errors_ = 0;
    std::string first_error_;
    reading begin_, end_;
    double caught_up_in_ = 0;
};

stream_load::stream_load(const load_options& wanted)
    : options_(wanted),
      maker_(wanted.plan),
      commands_each_(wanted.plan.kind == request_kind::batch ? wanted.plan.commands : 1) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    for (unsigned number = 0; number < options_.subscribers; ++number) {
        subscribe(number);
    }
    for (unsigned number = 0; number < options_.connections; ++number) {
        writers_.push_back(std::make_unique<writer>());
        writers_.back()->open(options_.address);
        watch(*writers_.back());
    }
    const std::uint64_t until = now() + 10 * second;
    while (placed_ < subscribers_.size()) {
        turn(50);
        if (now() > until) {
            throw std::runtime_error("a stream did not begin");
        }
    }
}

void stream_load::watch(peer& one) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &one;
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, one.fd, &event);
}

//! By HTTP/1.0: the body is the frames alone, without sizes of chunks between them.
void stream_load::subscribe(unsigned number) {
    subscribers_.push_back(std::make_unique<subscriber>());
    subscriber& one = *subscribers_.back();
    one.number = number;
    one.open(options_.address);
    std::string request = "GET /v1/events/stream";
    if (options_.each_own) {
        std::string name = std::to_string(number);
        name.insert(0, 6 - std::min<std::size_t>(name.size(), 6), '0');
        request += "?service=svc-" + name;
    }
    request += " HTTP/1.0\r\nHost: " + options_.plan.host + "\r\n";
    if (!options_.plan.token.empty()) {
        request += "Authorization: Bearer " + options_.plan.token + "\r\n";
    }
    one.send(request + "\r\n");
    watch(one);
}

stream_load::reading stream_load::read() const {
    return {now(),
            frames_,
            bytes_,
            machine_busy(),
            cpu_time_of(options_.servers),
            cpu_time_of({::getpid()})};
}

void stream_load::run() {
    const auto nanoseconds = [](double seconds) {
        return static_cast<std::uint64_t>(seconds * static_cast<double>(second));
    };
    started_ = now();
    const std::uint64_t begin = started_ + nanoseconds(options_.warmup);
    const std::uint64_t end = begin + nanoseconds(options_.seconds);
    sending_ = true;
    issue_more();
    while (true) {
        const std::uint64_t time = now();
        if (!measuring_ && time >= begin) {
            begin_ = read();
            latency_ = {};
            delay_ = {};
            measuring_ = true;
        }
        // A short run on a busy machine goes on to its first answer and frame, within bounds.
        const bool something = latency_.count() > 0 && (subscribers_.empty() || delay_.count() > 0);
        if (time >= end && (something || time >= end + 10 * second)) {
            break;
        }
        turn(options_.rate > 0 ? 1 : 20);
        issue_more();
    }
    end_ = read();
    measuring_ = false;
    sending_ = false;
    while (!all_told() && now() < end_.time + patience) {
        turn(20);
    }
    caught_up_in_ = static_cast<double>(now() - end_.time) / static_cast<double>(second);
}

void stream_load::turn(int wait_ms) {
    std::array<epoll_event, 256> events{};
    const int ready = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), wait_ms);
    for (int index = 0; index < ready; ++index) {
        auto& one = *static_cast<peer*>(events[static_cast<std::size_t>(index)].data.ptr);
        if (one.subscribes) {
            readable(static_cast<subscriber&>(one));
        } else {
            readable(static_cast<writer&>(one));
        }
    }
}

// --- subscribers --------------------------------------------------------------------------------------

void stream_load::readable(subscriber& one) {
    const ssize_t got = ::recv(one.fd, room_.data(), room_.size(), MSG_DONTWAIT);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            throw std::runtime_error("a stream ended: " + one.carry);
        }
        return;
    }
    wall_us_ = clock_ns(CLOCK_REALTIME) / 1000;
    std::string_view bytes(room_.data(), static_cast<std::size_t>(got));
    if (one.in_body) {
        bytes_ += bytes.size();
        take(one, bytes);
        return;
    }
    one.carry += bytes;
    const std::size_t end = one.carry.find("\r\n\r\n");
    if (end == std::string::npos) {
        return;
    }
    if (one.carry.compare(8, 5, " 200 ") != 0) {
        throw std::runtime_error("a stream was refused: " + one.carry);
    }
    one.in_body = true;
    const std::string body = one.carry.substr(end + 4);
    one.carry.clear();
    take(one, body);
}

void stream_load::take(subscriber& one, std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        if (end == std::string_view::npos) {
            one.carry += bytes;
            return;
        }
        if (one.carry.empty()) {
            take_line(one, bytes.substr(0, end));
        } else {
            one.carry += bytes.substr(0, end);
            take_line(one, one.carry);
            one.carry.clear();
        }
        bytes.remove_prefix(end + 1);
    }
}

void stream_load::take_line(subscriber& one, std::string_view line) {
    if (line.starts_with("data: ")) {
        take_frame(one, line);
    } else if (line.starts_with("id: ")) {
        one.named = position_in(line.substr(4));
        if (!one.placed) {
            one.placed = true;
            one.last = one.named;
            ++placed_;
        }
    }
}

//! Without a filter each position follows on the one before; with one they rise, and the sum is compared at the end.
void stream_load::take_frame(subscriber& one, std::string_view line) {
    if (options_.each_own ? one.named <= one.last : one.named != one.last + 1) {
        ++lost_;
        if (first_error_.empty()) {
            first_error_ = "a frame of position " + std::to_string(one.named) + " after " +
                           std::to_string(one.last);
        }
    }
    one.last = one.named;
    ++frames_;
    if (!measuring_ || (one.named + one.number) % sampled_each != 0) {
        return;
    }
    constexpr std::string_view mark = R"("time":")";
    const std::size_t at = line.find(mark);
    if (at != std::string_view::npos && at + mark.size() + 27 < line.size()) {
        const std::uint64_t told = time_of_day(line.substr(at + mark.size(), 27));
        const std::uint64_t late = (wall_us_ % day_us + day_us - told) % day_us;
        delay_.note(late * 1000);
    }
}

bool stream_load::all_told() const { return in_flight_ == 0 && missing() == 0; }

std::uint64_t stream_load::missing() const {
    if (options_.each_own && !subscribers_.empty()) {
        return appended_ > frames_ ? appended_ - frames_ : frames_ - appended_;
    }
    std::uint64_t sum = 0;
    for (const auto& one : subscribers_) {
        sum += newest_ > one->last ? newest_ - one->last : 0;
    }
    return sum;
}

// --- requests -----------------------------------------------------------------------------------------

bool stream_load::room() const {
    if (!sending_) {
        return false;
    }
    const std::uint64_t asked = issued_ * commands_each_;
    if (options_.rate > 0 &&
        static_cast<double>(asked) >= static_cast<double>(options_.rate) *
                                          static_cast<double>(now() - started_) /
                                          static_cast<double>(second)) {
        return false;
    }
    return options_.ahead == 0 || subscribers_.empty() ||
           asked + commands_each_ <= frames_ / subscribers_.size() + options_.ahead;
}

void stream_load::issue_more() {
    for (const auto& one : writers_) {
        if (one->busy) {
            continue;
        }
        if (!room()) {
            return;
        }
        scratch_.clear();
        maker_.append_to(scratch_, issued_++);
        one->busy = true;
        one->sent_at = now();
        ++in_flight_;
        one->send(scratch_);
    }
}

void stream_load::readable(writer& one) {
    const ssize_t got = ::recv(one.fd, room_.data(), room_.size(), MSG_DONTWAIT);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            throw std::runtime_error("a connection was closed by the server");
        }
        return;
    }
    one.carry.append(room_.data(), static_cast<std::size_t>(got));
    const answer_head head = read_head(one.carry);
    if (!head.understood || !one.busy) {
        throw std::runtime_error("an answer that is not understood");
    }
    if (head.head == 0 || one.carry.size() < head.head + head.body) {
        return;
    }
    answered(one, head, one.carry);
    one.carry.clear();
}

void stream_load::answered(writer& one, const answer_head& head, std::string_view bytes) {
    one.busy = false;
    --in_flight_;
    if (measuring_) {
        latency_.note(now() - one.sent_at);
    }
    if (head.status != options_.expect) {
        ++errors_;
        if (first_error_.empty()) {
            first_error_ = bytes.substr(0, 400);
        }
        return;
    }
    ++appended_;
    std::uint64_t position = 0;
    constexpr std::string_view header = "Fasti-Position: ";
    constexpr std::string_view field = R"("position":)"; // of the bare server
    if (const std::size_t at = bytes.find(header); at != std::string_view::npos) {
        position = position_in(bytes.substr(at + header.size(), 64));
    } else if (const std::size_t in_body = bytes.find(field); in_body != std::string_view::npos) {
        std::from_chars(bytes.data() + in_body + field.size(), bytes.data() + bytes.size(),
                        position);
    }
    newest_ = std::max(newest_, position);
}

// --- what came of it ----------------------------------------------------------------------------------

bool stream_load::print() const {
    const auto seconds = static_cast<double>(end_.time - begin_.time) / static_cast<double>(second);
    const auto requests = static_cast<double>(latency_.count());
    const auto frames = static_cast<double>(end_.frames - begin_.frames);
    const auto used = [](std::uint64_t from, std::uint64_t to) {
        return static_cast<double>(to - from) / static_cast<double>(second);
    };
    const double server = used(begin_.servers.total, end_.servers.total);
    const double self = used(begin_.self.total, end_.self.total);
    const double busy = used(begin_.machine, end_.machine);
    const auto number = [](const char* name, double value) {
        std::printf(", \"%s\": %.3f", name, value);
    };
    const auto microseconds = [&number](const char* name, std::uint64_t nanoseconds) {
        number(name, static_cast<double>(nanoseconds) / 1000.0);
    };
    const std::uint64_t lost = lost_ + missing();
    std::printf("{\"requests\": %.0f, \"issued\": %llu, \"errors\": %llu, \"lost\": %llu", requests,
                static_cast<unsigned long long>(issued_), static_cast<unsigned long long>(errors_),
                static_cast<unsigned long long>(lost));
    number("seconds", seconds);
    number("per_s", requests / seconds);
    number("frames", frames);
    number("frames_per_s", frames / seconds);
    number("frames_per_core", server > 0 ? frames / server : 0);
    number("frame_bytes", frames > 0 ? static_cast<double>(end_.bytes - begin_.bytes) / frames : 0);
    microseconds("p50_us", latency_.at(0.5));
    microseconds("p99_us", latency_.at(0.99));
    microseconds("delay_p50_us", delay_.at(0.5));
    microseconds("delay_p99_us", delay_.at(0.99));
    microseconds("delay_max_us", delay_.largest());
    number("caught_up_s", caught_up_in_);
    number("server_cores", server / seconds);
    number("load_cores", self / seconds);
    number("foreign_cpu", std::max(0.0, busy - server - self) / seconds);
    std::string shown;
    for (const char letter : first_error_) {
        shown += letter == '"' || letter == '\\' || static_cast<unsigned char>(letter) < 0x20
                     ? ' '
                     : letter;
    }
    std::printf(", \"statuses\": {}, \"first_error\": \"%s\"}\n", shown.c_str());
    return errors_ == 0 && lost == 0 && end_.servers.complete;
}

} // namespace

bool load_streams(const load_options& wanted) {
    stream_load load(wanted);
    load.run();
    return load.print();
}

} // namespace fasti::bench
