// SPDX-License-Identifier: Apache-2.0
#include "domain/wire/fields.hpp"

#include "domain/wire/read.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace fasti {
namespace {

constexpr std::size_t shown_bytes_max = 128;

//! RFC 6901 section 6: `~` and `/` escaped, then what a URI fragment may not hold percent-encoded.
void append_pointer_token(std::string_view token, std::string& out) {
    static constexpr char digits[] = "0123456789ABCDEF";
    static constexpr std::string_view unreserved = "-._~!$&'()*+,;=:@?";
    for (const char c : token.substr(0, shown_bytes_max)) {
        const auto byte = static_cast<unsigned char>(c);
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9');
        if (c == '~') {
            out += "~0";
        } else if (c == '/') {
            out += "~1";
        } else if (letter || unreserved.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 0xFU];
        }
    }
}

//! Edits (insert, delete, replace) between two short texts.
std::size_t edits(std::string_view one, std::string_view other) {
    std::array<std::size_t, shown_bytes_max + 1> row{};
    for (std::size_t j = 0; j <= other.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= one.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= other.size(); ++j) {
            const std::size_t replaced = diagonal + (one[i - 1] == other[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[other.size()];
}

} // namespace

void field_errors::add(std::string_view name, std::string detail) {
    if (!full()) {
        found_.push_back({pointer_to(name), std::move(detail)});
    }
}

std::string field_errors::pointer_to(std::string_view name) const {
    std::string pointer(prefix_);
    for (std::size_t i = 0; i < depth_; ++i) {
        pointer += '/';
        if (steps_[i].index == named) {
            append_pointer_token(steps_[i].name, pointer);
        } else {
            pointer += std::to_string(steps_[i].index);
        }
    }
    if (!name.empty()) {
        pointer += '/';
        append_pointer_token(name, pointer);
    }
    return pointer;
}

error to_error(field_errors&& errors, std::string_view what) {
    error out{error_code::fields_invalid, "", errors.take()};
    out.message = std::to_string(out.fields.size());
    out.message += out.fields.size() == 1 ? " field of `" : " fields of `";
    out.message += what;
    out.message += out.fields.size() == 1 ? "` is wrong: " : "` are wrong, first: ";
    if (!out.fields.empty()) {
        out.message += out.fields.front().pointer + ": " + out.fields.front().detail;
    }
    return out;
}

std::optional<std::uint64_t> duration_ms_from_text(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc{} || value > 1'000'000'000) {
        return std::nullopt;
    }
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (unit == "ms") {
        return value;
    }
    if (unit == "s" || unit.empty()) {
        return value * 1000;
    }
    if (unit == "m") {
        return value * 60'000;
    }
    if (unit == "h") {
        return value * 3'600'000;
    }
    return std::nullopt;
}

std::string_view nearest_name(std::span<const std::string_view> candidates, std::string_view text) {
    std::string_view best;
    std::size_t least = text.size() <= 4 ? 2 : 3; // found only below this
    for (const std::string_view one : candidates) {
        const std::size_t longer = std::max(text.size(), one.size());
        const std::size_t shorter = std::min(text.size(), one.size());
        if (longer > shown_bytes_max || longer - shorter >= least) {
            continue; // at least as many edits as they differ in length
        }
        const std::size_t distance = edits(text, one);
        if (distance < least && distance < one.size()) {
            least = distance;
            best = one;
        }
    }
    return best;
}

void read_common(std::span<const query_param> given, const common_allowed& allowed,
                 common_params& out, field_errors& errors) {
    wire::common_reader reader(allowed, out, errors);
    for (const query_param& one : given) {
        if (!reader.take(one)) {
            reader.add_unknown({}, one.name);
        }
    }
}

} // namespace fasti
