// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string_view>

namespace fasti::bench {

constexpr std::uint64_t second = 1'000'000'000;

inline std::uint64_t clock_ns(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * second +
           static_cast<std::uint64_t>(time.tv_nsec);
}

inline std::uint64_t now() { return clock_ns(CLOCK_MONOTONIC); }

//! What an answer's head says that matters here.
struct answer_head {
    int status = 0;
    std::size_t head = 0; // bytes up to and with the empty line; 0: not complete yet
    std::size_t body = 0;
    bool understood = true;
};

inline answer_head read_head(std::string_view bytes) {
    answer_head found;
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        return found;
    }
    found.head = end + 4;
    bool sized = false;
    if (bytes.size() < 12 || bytes.substr(0, 9) != "HTTP/1.1 ") {
        found.understood = false;
        return found;
    }
    std::from_chars(bytes.data() + 9, bytes.data() + 12, found.status);
    constexpr std::string_view name = "content-length:";
    for (std::size_t line = bytes.find('\n') + 1; line < end; line = bytes.find('\n', line) + 1) {
        if ((bytes[line] | 0x20) != 'c' || line + name.size() > end ||
            ::strncasecmp(bytes.data() + line, name.data(), name.size()) != 0) {
            continue;
        }
        std::size_t at = line + name.size();
        while (at < end && bytes[at] == ' ') {
            ++at;
        }
        std::from_chars(bytes.data() + at, bytes.data() + end, found.body);
        sized = true;
        break;
    }
    found.understood = sized || found.status == 204 || found.status == 304;
    return found;
}

} // namespace fasti::bench
