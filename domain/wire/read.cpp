// SPDX-License-Identifier: Apache-2.0
#include "domain/wire/read.hpp"

#include "domain/base/char_class.hpp"
#include "domain/base/utf8.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace fasti::wire {
namespace {

constexpr std::size_t shown_bytes_max = 128;
constexpr std::size_t token_bytes_max = 128;
constexpr std::size_t cursor_bytes_max = 1024;

//! In backquotes, shortened where a character begins.
std::string shown(std::string_view text) {
    if (text.size() > shown_bytes_max) {
        std::size_t end = shown_bytes_max;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) {
            --end;
        }
        return "`" + std::string(text.substr(0, end)) + "…`";
    }
    return "`" + std::string(text) + "`";
}

std::string count_of(std::size_t count, const char* what) {
    return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

std::string expected_number(const number_rule& rule) {
    if (rule.max == std::numeric_limits<std::uint64_t>::max()) {
        return "Must be a whole number of at least " + std::to_string(rule.min) + ".";
    }
    return "Must be a whole number from " + std::to_string(rule.min) + " to " +
           std::to_string(rule.max) + ".";
}

bool is_right(std::string_view value, const text_rule& rule) {
    return value.size() <= rule.max_bytes && value.size() >= rule.min_bytes &&
           !has_control(value) && (rule.valid == nullptr || rule.valid(value));
}

//! What is wrong with a text that is UTF-8; empty: nothing.
std::string text_fault(std::string_view value, const text_rule& rule) {
    if (value.size() > rule.max_bytes) {
        return "Must have at most " + count_of(rule.max_bytes, "byte") + "; it has " +
               std::to_string(value.size()) + ".";
    }
    if (value.size() < rule.min_bytes) {
        return value.empty() ? "Must not be empty."
                             : "Must have at least " + count_of(rule.min_bytes, "byte") + ".";
    }
    if (has_control(value)) {
        return "Must not hold control characters.";
    }
    if (rule.valid != nullptr && !rule.valid(value)) {
        return rule.pattern.empty() ? "Is not valid."
                                    : "Must match " + std::string(rule.pattern) + ".";
    }
    return {};
}

void check_text(std::string_view value, std::string_view name, const text_rule& rule,
                field_errors& errors) {
    if (!is_right(value, rule)) [[unlikely]] {
        errors.add(name, text_fault(value, rule));
    }
}

constexpr std::array<std::string_view, 7> common_names = {"after", "at",     "index",  "wait",
                                                          "limit", "cursor", "dry_run"};

} // namespace

bool is_object(const json_value& value, field_errors& errors) {
    if (value.is(json_kind::object)) {
        return true;
    }
    errors.add({}, "Must be a JSON object.");
    return false;
}

void add_unknown(std::span<const std::string_view> names, std::string_view name,
                 field_errors& errors) {
    if (errors.full()) {
        return;
    }
    std::string detail = "Is unknown";
    if (const std::string_view near = nearest_name(names, name); !near.empty()) {
        detail += "; `" + std::string(near) + "` is near";
    }
    detail += '.';
    if (name.empty()) {
        detail = "Has a field without a name.";
    }
    errors.add(name, std::move(detail));
}

void add_missing(std::span<const std::string_view> names, std::uint64_t missing,
                 field_errors& errors) {
    for (std::size_t i = 0; missing != 0; ++i, missing >>= 1U) {
        if ((missing & 1U) != 0) {
            errors.add(names[i], "Is missing.");
        }
    }
}

void take_text(std::string_view value, std::string_view name, const text_rule& rule,
               std::string_view& out, field_errors& errors) {
    out = value;
    if (!is_utf8(value)) {
        errors.add(name, "Must be UTF-8.");
        return;
    }
    check_text(value, name, rule, errors);
}

void take_bool(std::string_view value, std::string_view name, bool& out, field_errors& errors) {
    if (value != "true" && value != "false") {
        errors.add(name, "Must be true or false.");
    }
    out = value == "true";
}

std::optional<std::uint64_t> take_whole(std::string_view value, std::string_view name,
                                        const number_rule& rule, field_errors& errors) {
    std::uint64_t number = 0;
    const char* end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, number);
    if (value.empty() || read.ec != std::errc{} || read.ptr != end || number < rule.min ||
        number > rule.max) {
        errors.add(name, expected_number(rule));
        return std::nullopt;
    }
    return number;
}

void take_path_text(const path_field& given, const text_rule& rule, bool in_body,
                    std::string_view& out, field_errors& errors) {
    if (!in_body) {
        take_text(given.value, given.name, rule, out, errors);
    } else if (out != given.value) {
        errors.add(given.name, "Differs from the path; leave it out or make it the same.");
    }
}

void read_text(const json_value& value, std::string_view name, const text_rule& rule,
               std::string_view& out, field_errors& errors) {
    if (!value.is(json_kind::text)) {
        errors.add(name, "Must be a text.");
        return;
    }
    out = value.text();
    check_text(out, name, rule, errors);
}

void read_bool(const json_value& value, std::string_view name, bool& out, field_errors& errors) {
    if (!value.is(json_kind::boolean)) {
        errors.add(name, "Must be true or false.");
        return;
    }
    out = value.boolean();
}

std::optional<std::uint64_t> read_whole(const json_value& value, std::string_view name,
                                        const number_rule& rule, field_errors& errors) {
    const auto number = value.as_unsigned();
    if (number && *number >= rule.min && *number <= rule.max) [[likely]] {
        return number;
    }
    if (value.is(json_kind::number) && !value.beyond()) {
        errors.add(name, "Must be written as a whole number, without fraction or exponent.");
    } else if (value.is(json_kind::text)) {
        errors.add(name, "Must be a number, not a text.");
    } else {
        errors.add(name, expected_number(rule));
    }
    return std::nullopt;
}

bool is_list(const json_value& value, std::string_view name, const list_rule& rule,
             field_errors& errors) {
    if (!value.is(json_kind::array)) {
        errors.add(name, "Must be an array.");
        return false;
    }
    if (value.size() > rule.max_items) {
        errors.add(name, "Must have at most " + count_of(rule.max_items, "item") + "; it has " +
                             std::to_string(value.size()) + ".");
        return false;
    }
    if (value.size() < rule.min_items) {
        errors.add(name, "Must have at least " + count_of(rule.min_items, "item") + ".");
        return false;
    }
    return true;
}

void read_texts(const json_value& value, std::string_view name, const list_rule& rule,
                const text_rule& item, std::vector<std::string_view>& out, field_errors& errors) {
    if (!is_list(value, name, rule, errors)) {
        return;
    }
    out.reserve(value.size());
    const std::size_t mark = errors.enter(name);
    std::size_t index = 0;
    for (const json_member one : value) {
        const std::size_t inner = errors.enter(index++);
        read_text(one.value, {}, item, out.emplace_back(), errors);
        errors.leave(inner);
    }
    errors.leave(mark);
    std::sort(out.begin(), out.end());
    const auto twice = std::adjacent_find(out.begin(), out.end());
    if (twice != out.end() && errors.empty()) {
        errors.add(name, "Holds " + shown(*twice) + " twice.");
    }
}

void read_labels(const json_value& value, std::string_view name, const labels_rule& rule,
                 std::vector<label>& out, field_errors& errors) {
    if (!value.is(json_kind::object)) {
        errors.add(name, "Must be an object of texts.");
        return;
    }
    if (value.size() > rule.max_items) {
        errors.add(name, "Must have at most " + count_of(rule.max_items, "member") + "; it has " +
                             std::to_string(value.size()) + ".");
        return;
    }
    out.reserve(value.size());
    const std::size_t mark = errors.enter(name);
    for (const json_member one : value) {
        const text_rule of_key{1, rule.max_key_bytes};
        if (!is_right(one.name, of_key)) [[unlikely]] {
            errors.add(one.name, "Its name: " + text_fault(one.name, of_key));
        }
        label& made = out.emplace_back();
        made.key = one.name;
        read_text(one.value, one.name, {0, rule.max_value_bytes}, made.value, errors);
    }
    errors.leave(mark);
    std::sort(out.begin(), out.end(), [](const label& a, const label& b) { return a.key < b.key; });
}

bool is_first(std::uint64_t& seen, std::size_t index, std::string_view name, field_errors& errors) {
    const std::uint64_t bit = std::uint64_t{1} << index;
    if ((seen & bit) != 0) {
        errors.add(name, "Stands twice.");
        return false;
    }
    seen |= bit;
    return true;
}

bool common_reader::takes(std::size_t index) const noexcept {
    switch (index) {
        case 0: return allowed_.after;
        case 1: return allowed_.past;
        case 2:
        case 3: return allowed_.wait;
        case 4:
        case 5: return allowed_.paged;
        case 6: return allowed_.dry_run;
        default: return false;
    }
}

bool common_reader::take(const query_param& given) {
    const std::size_t index = find_name(common_names, given.name, 0);
    if (!takes(index)) {
        return false;
    }
    std::uint64_t seen = seen_;
    if (!is_first(seen, index, given.name, errors_)) {
        return true;
    }
    seen_ = static_cast<std::uint32_t>(seen);
    switch (index) {
        case 0: take_token(given, out_.after); break;
        case 1: take_token(given, out_.at); break;
        case 2: take_token(given, out_.index); break;
        case 3: take_wait(given); break;
        case 4:
            take_number(given.value, given.name, {1, limit_max}, out_.limit.emplace(), errors_);
            break;
        case 5:
            take_text(given.value, given.name, {1, cursor_bytes_max}, out_.cursor, errors_);
            break;
        default: take_bool(given.value, given.name, out_.dry_run, errors_); break;
    }
    return true;
}

void common_reader::take_token(const query_param& given, std::string_view& out) {
    take_text(given.value, given.name, {1, token_bytes_max}, out, errors_);
}

void common_reader::take_wait(const query_param& given) {
    out_.wait_ms = duration_ms_from_text(given.value);
    if (!out_.wait_ms || *out_.wait_ms > wait_ms_max) {
        errors_.add(given.name, "Must be a duration such as 30s, 500ms or 5m, at most 10m.");
    }
}

void common_reader::add_unknown(std::span<const std::string_view> own, std::string_view name) {
    if (errors_.full()) {
        return;
    }
    std::vector<std::string_view> names(own.begin(), own.end());
    for (std::size_t i = 0; i < common_names.size(); ++i) {
        if (takes(i)) {
            names.push_back(common_names[i]);
        }
    }
    wire::add_unknown(names, is_utf8(name) ? name : std::string_view{"?"}, errors_);
}

} // namespace fasti::wire
