// SPDX-License-Identifier: Apache-2.0
// fasti_bare_server: the raw limit of a durable register over HTTP. It reads the same requests (a small parser,
// a scan of the JSON body), appends as many bytes to a zero-filled file and answers after the sync: no identity,
// no conditions, no state, no index, no hash. One epoll thread, one writer thread, group commit without timers.
#include "tests/bench/bare_log.hpp"
#include "tests/bench/bare_stream.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::bench {
namespace {

// --- reading a request --------------------------------------------------------------------------------

// Walks over one JSON value without building anything; counts the objects of the list "commands".
class json_scan {
public:
    explicit json_scan(std::string_view text) : text_(text) {}
    bool whole() { return value(0) && (blanks(), at_ == text_.size()); }
    [[nodiscard]] std::size_t commands() const { return commands_; }
    [[nodiscard]] std::size_t fields() const { return fields_; }

private:
    void blanks() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' ||
                                      text_[at_] == '\r' || text_[at_] == '\t')) {
            ++at_;
        }
    }
    bool take(char letter) {
        blanks();
        const bool there = at_ < text_.size() && text_[at_] == letter;
        at_ += there ? 1U : 0U;
        return there;
    }
    bool string(std::string_view& found) {
        if (!take('"')) {
            return false;
        }
        const std::size_t from = at_;
        while (at_ < text_.size() && text_[at_] != '"') {
            at_ += text_[at_] == '\\' ? 2U : 1U;
        }
        found = text_.substr(from, at_ - from);
        return at_++ < text_.size();
    }
    bool object(unsigned depth) {
        if (take('}')) {
            return true;
        }
        do {
            std::string_view name;
            if (!string(name) || !take(':')) {
                return false;
            }
            known(name);
            if (!value(depth + 1)) {
                return false;
            }
        } while (take(','));
        return take('}');
    }
    bool list(unsigned depth) {
        if (take(']')) {
            return true;
        }
        do {
            if (!value(depth + 1)) {
                return false;
            }
        } while (take(','));
        return take(']');
    }
    bool value(unsigned depth) {
        std::string_view ignored;
        blanks();
        if (depth > 16 || at_ >= text_.size()) {
            return false;
        }
        switch (text_[at_]) {
            case '{': ++at_; return object(depth);
            case '[': ++at_; return list(depth);
            case '"': return string(ignored);
            default: break;
        }
        const std::size_t from = at_;
        while (at_ < text_.size() &&
               (std::strchr("+-.eE", text_[at_]) != nullptr || std::isalnum(text_[at_]) != 0)) {
            ++at_;
        }
        return at_ > from;
    }
    void known(std::string_view name) {
        static constexpr std::array<std::string_view, 9> names{"address", "port",     "protocol",
                                                               "version", "weight",   "zone",
                                                               "tags",    "metadata", "lease_ms"};
        commands_ += name == "command" ? 1U : 0U;
        fields_ += std::find(names.begin(), names.end(), name) != names.end() ? 1U : 0U;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t commands_ = 0;
    std::size_t fields_ = 0;
};

struct request {
    std::string_view method, path, body;
    std::size_t bytes = 0; // 0: not complete yet
    bool valid = true;
};

request read_request(std::string_view in) {
    request found;
    const std::size_t end_of_head = in.find("\r\n\r\n");
    if (end_of_head == std::string_view::npos) {
        return found;
    }
    const std::size_t space = in.find(' ');
    const std::size_t second = in.find(' ', space + 1);
    std::size_t length = 0;
    for (std::size_t line = in.find('\n') + 1; line < end_of_head; line = in.find('\n', line) + 1) {
        constexpr std::string_view name = "content-length:";
        if ((in[line] | 0x20) == 'c' &&
            ::strncasecmp(in.data() + line, name.data(), name.size()) == 0) {
            const char* digit = in.data() + line + name.size();
            digit += *digit == ' ' ? 1 : 0;
            std::from_chars(digit, in.data() + end_of_head, length);
        }
    }
    found.valid = second < end_of_head && length <= (1U << 20U);
    if (!found.valid || in.size() < end_of_head + 4 + length) {
        return found;
    }
    found.method = in.substr(0, space);
    found.path = in.substr(space + 1, second - space - 1);
    found.body = in.substr(end_of_head + 4, length);
    found.bytes = end_of_head + 4 + length;
    return found;
}

// --- the event loop -----------------------------------------------------------------------------------

struct client {
    int fd = -1;
    std::uint64_t generation = 0;
    std::string in, out;
};

class bare_server {
public:
    struct sizes {
        std::size_t record, frame;
    };
    bare_server(std::uint16_t port, sizes bytes, log_writer& log)
        : record_bytes_(bytes.record), stream_(bytes.frame), log_(log) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        const int on = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener_, 1024) != 0) {
            end("cannot listen");
        }
        poll_ = ::epoll_create1(EPOLL_CLOEXEC);
        watch(listener_, listener_mark);
        watch(log_.wake(), log_mark);
    }

    [[noreturn]] void run() {
        std::array<epoll_event, 256> events{};
        while (true) {
            const int ready = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()),
                                           -1);
            for (int index = 0; index < ready; ++index) {
                const std::uint64_t who = events[static_cast<std::size_t>(index)].data.u64;
                if (who == listener_mark) {
                    accept_all();
                } else if (who == log_mark) {
                    answer_durable();
                } else {
                    if ((events[static_cast<std::size_t>(index)].events & EPOLLOUT) != 0) {
                        stream_.writable(who);
                    }
                    readable(who);
                }
            }
            if (!gathered_.jobs.empty()) {
                log_.submit(gathered_);
            }
        }
    }

private:
    static constexpr std::uint64_t listener_mark = ~std::uint64_t{0};
    static constexpr std::uint64_t log_mark = ~std::uint64_t{1};

    void watch(int fd, std::uint64_t who) const {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = who;
        ::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event);
    }

    void accept_all() {
        while (true) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (fd < 0) {
                return;
            }
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            const auto number = static_cast<std::size_t>(fd);
            if (clients_.size() <= number) {
                clients_.resize(number + 1);
            }
            clients_[number].fd = fd;
            watch(fd, number);
        }
    }

    void drop(client& one) {
        stream_.drop(static_cast<std::uint64_t>(one.fd));
        ::close(one.fd);
        one.fd = -1;
        ++one.generation;
        one.in.clear();
        one.out.clear();
    }

    void readable(std::size_t number) {
        client& one = clients_[number];
        if (one.fd < 0) {
            return;
        }
        std::array<char, 65536> buffer;
        const ssize_t got = ::recv(one.fd, buffer.data(), buffer.size(), 0);
        if (got <= 0) {
            if (got == 0 || errno != EAGAIN) {
                drop(one);
            }
            return;
        }
        std::string_view rest(buffer.data(), static_cast<std::size_t>(got));
        if (!one.in.empty()) {
            one.in.append(rest);
            rest = one.in;
        }
        while (true) {
            const request asked = read_request(rest);
            if (asked.bytes == 0) {
                if (!asked.valid) {
                    drop(one);
                    return;
                }
                break;
            }
            perform(number, asked);
            rest.remove_prefix(asked.bytes);
        }
        one.in = std::string(rest);
        send_out(one);
    }

    void perform(std::size_t number, const request& asked) {
        client& one = clients_[number];
        if (asked.path == "/v1/events/stream") {
            stream_.add(poll_, one.fd, number);
            return;
        }
        if (asked.method ==
            "GET") { // the constant answer; not to be mixed with writes on one connection
            one.out +=
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";
            return;
        }
        json_scan scan(asked.body);
        const bool is_batch = asked.path == "/v1/commands";
        const bool is_put = asked.method == "PUT" && asked.path.rfind("/v1/services/", 0) == 0;
        const bool whole = scan.whole();
        const std::size_t records = is_batch ? scan.commands() : 1;
        if (!whole || !(is_batch || is_put) || records == 0 || scan.fields() == 0) {
            one.out += "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
            return;
        }
        const std::size_t wanted = records * record_bytes_;
        gathered_.bytes.append(asked.body.substr(0, wanted));
        gathered_.bytes.append(wanted - std::min(wanted, asked.body.size()), 'R');
        position_ += records;
        gathered_.jobs.push_back(
            {number, one.generation, position_, stream_.any() ? wall_us() : 0});
    }

    void answer_durable() {
        std::uint64_t ignored = 0;
        if (::read(log_.wake(), &ignored, sizeof ignored) < 0) {
            return;
        }
        durable_.clear();
        log_.take_durable(durable_);
        for (const job& one : durable_) {
            stream_.append(one.position, one.recorded_us);
            client& to = clients_[one.connection];
            if (to.generation != one.generation || to.fd < 0) {
                continue;
            }
            const std::string body = R"({"outcome":"appended","position":)" +
                                     std::to_string(one.position) + "}";
            to.out += "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\n\r\n" + body;
            send_out(to);
        }
        stream_.send_all();
    }

    static void send_out(client& one) {
        if (one.out.empty() || one.fd < 0) {
            return;
        }
        // A reader that does not take these few bytes is not what is measured: it is left waiting.
        const ssize_t sent = ::send(one.fd, one.out.data(), one.out.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            one.out.erase(0, static_cast<std::size_t>(sent));
        }
    }

    std::size_t record_bytes_;
    bare_stream stream_;
    log_writer& log_;
    int listener_ = -1;
    int poll_ = -1;
    std::vector<client> clients_;
    batch gathered_;
    std::vector<job> durable_;
    std::uint64_t position_ = 0;
};

std::size_t number(const char* text) {
    char* rest = nullptr;
    const unsigned long long value = std::strtoull(text, &rest, 10);
    if (*text == '\0' || *rest != '\0') {
        std::fprintf(stderr, "fasti_bare_server: not a number: %s\n", text);
        std::_Exit(2);
    }
    return value;
}

} // namespace
} // namespace fasti::bench

int main(int count, char** words) {
    if (count != 6 && count != 7) {
        std::fprintf(
            stderr,
            "Usage: fasti_bare_server PORT LOG_FILE LOG_BYTES FRAME_BYTES RECORD_BYTES [SSE_BYTES]\n"
            "Each batch is appended as FRAME_BYTES and RECORD_BYTES for each command in it, and told\n"
            "to each subscriber of /v1/events/stream as SSE_BYTES for each command.\n");
        return 2;
    }
    using namespace fasti::bench;
    log_writer log(words[2], number(words[3]), number(words[4]));
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    bare_server server(static_cast<std::uint16_t>(number(words[1])),
                       {number(words[5]), count == 7 ? number(words[6]) : 0}, log);
    std::printf("ready\n");
    std::fflush(stdout);
    server.run();
}
