// SPDX-License-Identifier: Apache-2.0
//! instant: a moment as data. Only adapters read clocks; everything inside is handed the time.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fasti {

//! Microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
struct instant {
    std::int64_t us = 0;

    auto operator<=>(const instant&) const = default;
    constexpr instant plus_ms(std::int64_t ms) const noexcept { return {us + ms * 1000}; }
};

//! Milliseconds from earlier to later; negative when they are the other way round.
constexpr std::int64_t ms_between(instant earlier, instant later) noexcept {
    return (later.us - earlier.us) / 1000;
}

//! RFC 3339 in UTC with microseconds: "2026-11-21T14:03:00.000000Z".
std::string to_rfc3339(instant when);
//! Writes the same 27 characters without a terminator.
void write_rfc3339(instant when, char (&out)[27]) noexcept;
//! Accepts any RFC 3339 date-time from year 1 to 9999 with offset and up to nine fraction digits
//! (cut to microseconds); nothing for other text.
std::optional<instant> instant_from_rfc3339(std::string_view text);

} // namespace fasti
