// SPDX-License-Identifier: Apache-2.0
#include "domain/base/instant.hpp"

#include <array>
#include <cstring>

namespace fasti {
namespace {

constexpr std::int64_t us_per_second = 1'000'000;
constexpr std::int64_t seconds_per_day = 86'400;

struct civil_date {
    std::int64_t year;
    int month;
    int day;
};

//! Days since 1970-01-01 of a proleptic Gregorian date, counted in eras of 400 years from March.
std::int64_t days_from_civil(const civil_date& date) {
    const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
    const std::int64_t year_of_era = year - era * 400;
    const std::int64_t month_from_march = (date.month + 9) % 12;
    const std::int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
                                    day_of_year;
    return era * 146'097 + day_of_era - 719'468;
}

civil_date civil_from_days(std::int64_t days) {
    const std::int64_t shifted = days + 719'468;
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
    const std::int64_t day_of_era = shifted - era * 146'097;
    const std::int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 -
                                      day_of_era / 146'096) /
                                     365;
    const std::int64_t day_of_year = day_of_era -
                                     (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
    const int day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    const int month = static_cast<int>(month_from_march < 10 ? month_from_march + 3
                                                             : month_from_march - 9);
    return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

//! Two digits.
void put_pair(char* out, std::uint32_t value) {
    static constexpr char pairs[] = "0001020304050607080910111213141516171819"
                                    "2021222324252627282930313233343536373839"
                                    "4041424344454647484950515253545556575859"
                                    "6061626364656667686970717273747576777879"
                                    "8081828384858687888990919293949596979899";
    std::memcpy(out, pairs + std::size_t{value} * 2, 2);
}

bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_in_month(std::int64_t year, int month) {
    static constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[static_cast<std::size_t>(month - 1)];
}

//! Reads text from the front, piece by piece; `bad` stays set after the first mismatch.
struct scanner {
    std::string_view rest;
    bool bad = false;

    int digits(std::size_t count) {
        if (rest.size() < count) {
            bad = true;
            return 0;
        }
        int value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (rest[i] < '0' || rest[i] > '9') {
                bad = true;
                return 0;
            }
            value = value * 10 + (rest[i] - '0');
        }
        rest.remove_prefix(count);
        return value;
    }
    bool accept(char c) {
        if (!rest.empty() && rest.front() == c) {
            rest.remove_prefix(1);
            return true;
        }
        return false;
    }
    void expect(char c) {
        if (!accept(c)) {
            bad = true;
        }
    }
};

std::int64_t scan_fraction_us(scanner& in) {
    std::int64_t us = 0;
    int count = 0;
    while (!in.rest.empty() && in.rest.front() >= '0' && in.rest.front() <= '9') {
        if (count < 6) {
            us = us * 10 + (in.rest.front() - '0');
        }
        ++count;
        in.rest.remove_prefix(1);
    }
    in.bad = in.bad || count == 0 || count > 9;
    for (; count < 6; ++count) {
        us *= 10;
    }
    return us;
}

std::int64_t scan_offset_seconds(scanner& in) {
    if (in.accept('Z') || in.accept('z')) {
        return 0;
    }
    const bool ahead = in.accept('+');
    if (!ahead) {
        in.expect('-');
    }
    const int hours = in.digits(2);
    in.expect(':');
    const int minutes = in.digits(2);
    in.bad = in.bad || hours > 23 || minutes > 59;
    const std::int64_t seconds = hours * 3600 + minutes * 60;
    return ahead ? seconds : -seconds;
}

} // namespace

void write_rfc3339(instant when, char (&out)[27]) noexcept {
    std::int64_t seconds = when.us / us_per_second;
    std::int64_t us = when.us % us_per_second;
    if (us < 0) {
        us += us_per_second;
        --seconds;
    }
    std::int64_t days = seconds / seconds_per_day;
    std::int64_t of_day = seconds % seconds_per_day;
    if (of_day < 0) {
        of_day += seconds_per_day;
        --days;
    }
    const civil_date date = civil_from_days(days);
    const auto year = static_cast<std::uint32_t>(date.year) % 10'000;
    const auto second = static_cast<std::uint32_t>(of_day);
    const auto fraction = static_cast<std::uint32_t>(us);
    put_pair(out, year / 100);
    put_pair(out + 2, year % 100);
    out[4] = '-';
    put_pair(out + 5, static_cast<std::uint32_t>(date.month));
    out[7] = '-';
    put_pair(out + 8, static_cast<std::uint32_t>(date.day));
    out[10] = 'T';
    put_pair(out + 11, second / 3600);
    out[13] = ':';
    put_pair(out + 14, second / 60 % 60);
    out[16] = ':';
    put_pair(out + 17, second % 60);
    out[19] = '.';
    put_pair(out + 20, fraction / 10'000);
    put_pair(out + 22, fraction / 100 % 100);
    put_pair(out + 24, fraction % 100);
    out[26] = 'Z';
}

std::string to_rfc3339(instant when) {
    char text[27];
    write_rfc3339(when, text);
    return {text, sizeof text};
}

std::optional<instant> instant_from_rfc3339(std::string_view text) {
    scanner in{text};
    civil_date date{};
    date.year = in.digits(4);
    in.expect('-');
    date.month = in.digits(2);
    in.expect('-');
    date.day = in.digits(2);
    if (!in.accept('T') && !in.accept('t')) {
        in.expect(' ');
    }
    const int hour = in.digits(2);
    in.expect(':');
    const int minute = in.digits(2);
    in.expect(':');
    const int second = in.digits(2);
    const std::int64_t us = in.accept('.') ? scan_fraction_us(in) : 0;
    const std::int64_t offset = scan_offset_seconds(in);
    if (in.bad || !in.rest.empty() || date.year < 1 || date.month < 1 || date.month > 12 ||
        date.day < 1 || date.day > days_in_month(date.year, date.month) || hour > 23 ||
        minute > 59 || second > 60) {
        return std::nullopt;
    }
    const std::int64_t seconds = days_from_civil(date) * seconds_per_day + hour * 3600 +
                                 minute * 60 + second - offset;
    return instant{seconds * us_per_second + us};
}

} // namespace fasti
