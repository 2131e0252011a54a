// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/response.hpp"

#include "domain/base/char_class.hpp"
#include "domain/base/utf8.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace fasti::http {

namespace {

void append_number(std::uint64_t value, std::string& out, int base = 10) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
    out.append(digits.data(), end);
}

//! The status lines that are sent often, whole.
std::string_view common_status_line(int status) noexcept {
    switch (status) {
        case 200: return "HTTP/1.1 200 OK\r\n";
        case 201: return "HTTP/1.1 201 Created\r\n";
        case 304: return "HTTP/1.1 304 Not Modified\r\n";
        case 404: return "HTTP/1.1 404 Not Found\r\n";
        case 409: return "HTTP/1.1 409 Conflict\r\n";
        default: return {};
    }
}

void append_status_line(int status, std::string& out) {
    if (const std::string_view whole = common_status_line(status); !whole.empty()) {
        out.append(whole);
        return;
    }
    out.append("HTTP/1.1 ");
    append_number(static_cast<std::uint64_t>(status), out);
    out.append(" ").append(reason_phrase(status)).append("\r\n");
}

constexpr std::string_view for_browsers = "X-Content-Type-Options: nosniff\r\n"
                                          "X-Frame-Options: DENY\r\n"
                                          "Referrer-Policy: no-referrer\r\n"
                                          "Cross-Origin-Resource-Policy: same-origin\r\n"
                                          "Cache-Control: no-store\r\n";

constexpr std::string_view transport_security = "Strict-Transport-Security: max-age=31536000\r\n";

//! 304 and 204 have no body and say nothing about its length.
constexpr bool has_body(int status) noexcept {
    return status != 304 && status != 204 && status >= 200;
}

void append_body_head(const response& from, const wire_form& form, std::string& out) {
    if (!has_body(from.status)) {
        return;
    }
    if (!from.content_type.empty() && (!from.body.empty() || form.how != framing::sized)) {
        out.append("Content-Type: ").append(from.content_type).append("\r\n");
    }
    if (form.how == framing::sized) {
        out.append("Content-Length: ");
        append_number(from.body.size(), out);
        out.append("\r\n");
    } else if (form.how == framing::chunked) {
        out.append("Transfer-Encoding: chunked\r\n");
    }
}

} // namespace

void response::add_header(std::string_view name, std::string_view value) {
    headers.append(name).append(": ");
    const std::size_t at = headers.size();
    headers.append(value);
    if (has_control(value)) {
        std::replace_if(
            headers.begin() + static_cast<std::ptrdiff_t>(at), headers.end(),
            [](char c) {
                return has_control({&c, 1});
            },
            ' ');
    }
    headers.append("\r\n");
}

void response::add_header(std::string_view name, std::uint64_t value) {
    headers.append(name).append(": ");
    append_number(value, headers);
    headers.append("\r\n");
}

void response::clear() noexcept {
    constexpr std::size_t kept_body = 16 * 1024;
    status = 200;
    content_type = media::json;
    policy = content_policy::data;
    close = false;
    headers.clear();
    if (body.capacity() > kept_body) {
        std::string().swap(body);
    }
    body.clear();
}

head_parts::head_parts() { set_time(0); }

void head_parts::set_time(std::int64_t seconds) {
    if (seconds == seconds_) {
        return;
    }
    seconds_ = seconds;
    const std::string start = "Server: fasti\r\nDate: " + http_date(seconds) + "\r\n";
    common_data_ = start;
    common_data_.append(for_browsers)
        .append("Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n");
    common_page_ = start;
    common_page_.append(for_browsers)
        .append(
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n");
}

void head_parts::write(const response& from, const wire_form& form, std::string& out) const {
    append_status_line(from.status, out);
    out.append(from.policy == content_policy::page ? common_page_ : common_data_);
    if (form.over_tls) {
        out.append(transport_security);
    }
    append_body_head(from, form, out);
    out.append(from.headers);
    if (!form.keep_alive) {
        out.append("Connection: close\r\n");
    } else if (form.http_1_0) {
        out.append("Connection: keep-alive\r\n");
    }
    out.append("\r\n");
    if (form.how == framing::sized && !form.head_only && has_body(from.status)) {
        out.append(from.body);
    }
}

std::string http_date(std::int64_t seconds) {
    constexpr std::string_view days = "ThuFriSatSunMonTueWed";
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    // Civil date from days since the epoch, years beginning in March.
    const std::int64_t day_number = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400;
    const auto second_of_day = static_cast<std::uint64_t>(seconds - day_number * 86400);
    const std::int64_t shifted = day_number + 719468;
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    const auto day_of_era = static_cast<std::uint64_t>(shifted - era * 146097);
    const std::uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
                                       day_of_era / 146096) /
                                      365;
    const std::uint64_t day_of_year = day_of_era -
                                      (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::uint64_t month_from_march = (5 * day_of_year + 2) / 153;
    const std::uint64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    const std::uint64_t month = month_from_march < 10 ? month_from_march + 2
                                                      : month_from_march - 10;
    const std::uint64_t year = year_of_era + static_cast<std::uint64_t>(era * 400) +
                               (month < 2 ? 1 : 0);
    const auto weekday = static_cast<std::size_t>(((day_number % 7) + 7) % 7);

    std::string out(days.substr(weekday * 3, 3));
    const auto padded = [&](std::uint64_t value, std::uint64_t width) {
        for (std::uint64_t place = width; place > 0; place /= 10) {
            out.push_back(static_cast<char>('0' + value / place % 10));
        }
    };
    out.append(", ");
    padded(day, 10);
    out.append(" ").append(months.substr(month * 3, 3)).append(" ");
    padded(year, 1000);
    out.append(" ");
    padded(second_of_day / 3600, 10);
    out.append(":");
    padded(second_of_day / 60 % 60, 10);
    out.append(":");
    padded(second_of_day % 60, 10);
    out.append(" GMT");
    return out;
}

void write_chunk_size(std::size_t bytes, std::string& out) {
    append_number(bytes, out, 16);
    out.append("\r\n");
}

void write_chunk(std::string_view bytes, std::string& out) {
    if (bytes.empty()) {
        return; // an empty chunk would end the answer
    }
    write_chunk_size(bytes.size(), out);
    out.append(bytes).append("\r\n");
}

std::string_view reason_phrase(int status) noexcept {
    struct row {
        int status;
        std::string_view phrase;
    };
    constexpr std::array<row, 31> rows = {{
        {100, "Continue"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not "
              "Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    }};
    for (const row& one : rows) {
        if (one.status == status) {
            return one.phrase;
        }
    }
    return "Unknown";
}

void append_json_text(std::string_view text, std::string& out) {
    constexpr std::string_view hex = "0123456789abcdef";
    out.push_back('"');
    const bool whole = is_utf8(text);
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte == '"' || byte == '\\') {
            out.push_back('\\');
            out.push_back(text[at]);
        } else if (byte < 0x20) {
            out.append("\\u00").append({hex[byte >> 4U], hex[byte & 15U]});
        } else if (byte >= 0x80 && !whole) {
            out.append("\xEF\xBF\xBD");
        } else {
            out.push_back(text[at]);
        }
    }
    out.push_back('"');
}

} // namespace fasti::http
