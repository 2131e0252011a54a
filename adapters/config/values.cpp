// SPDX-License-Identifier: Apache-2.0
#include "adapters/config/values.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>

namespace fasti {
namespace {

struct suffix {
    std::string_view text;
    std::uint64_t factor;
};

constexpr std::array<suffix, 5> ms_suffixes = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<suffix, 9> byte_suffixes = {{{"B", 1},
                                                  {"kB", 1000},
                                                  {"MB", 1'000'000},
                                                  {"GB", 1'000'000'000},
                                                  {"TB", 1'000'000'000'000},
                                                  {"KiB", 1ULL << 10U},
                                                  {"MiB", 1ULL << 20U},
                                                  {"GiB", 1ULL << 30U},
                                                  {"TiB", 1ULL << 40U}}};
constexpr std::array<suffix, 1> percent_suffixes = {{{"%", 1}}};

std::span<const suffix> suffixes_of(config_unit unit) {
    switch (unit) {
        case config_unit::ms: return ms_suffixes;
        case config_unit::bytes: return byte_suffixes;
        case config_unit::percent: return percent_suffixes;
        case config_unit::none:
        case config_unit::count: return {};
    }
    return {};
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> items;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        const std::string_view item = trimmed(text.substr(0, comma));
        if (!item.empty()) {
            items.emplace_back(item);
        }
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    return items;
}

std::optional<bool> bool_from(std::string_view text) {
    if (text == "true" || text == "yes" || text == "on" || text == "1") {
        return true;
    }
    if (text == "false" || text == "no" || text == "off" || text == "0") {
        return false;
    }
    return std::nullopt;
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
    });
}

std::string joined(std::span<const std::string_view> items) {
    std::string out;
    for (const std::string_view item : items) {
        out += (out.empty() ? "" : ", ") + std::string{item};
    }
    return out;
}

std::size_t edit_distance(std::string_view one, std::string_view other) {
    std::vector<std::size_t> row(other.size() + 1);
    for (std::size_t j = 0; j <= other.size(); ++j) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= one.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= other.size(); ++j) {
            const std::size_t above = row[j];
            const std::size_t change = one[i - 1] == other[j - 1] ? 0U : 1U;
            row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + change});
            diagonal = above;
        }
    }
    return row.back();
}

} // namespace

std::optional<std::uint64_t> number_from(std::string_view text, config_unit unit) {
    text = trimmed(text);
    std::uint64_t number = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status != std::errc{}) {
        return std::nullopt;
    }
    const std::string_view rest = trimmed(text.substr(static_cast<std::size_t>(end - text.data())));
    if (rest.empty()) {
        return number;
    }
    for (const suffix& one : suffixes_of(unit)) {
        if (rest == one.text) {
            if (number > std::numeric_limits<std::uint64_t>::max() / one.factor) {
                return std::nullopt;
            }
            return number * one.factor;
        }
    }
    return std::nullopt;
}

std::optional<endpoint> endpoint_from(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
        return std::nullopt;
    }
    std::string_view host = text.substr(0, colon);
    const std::string_view port_text = text.substr(colon + 1);
    if (host.front() == '[') {
        if (host.size() < 3 || host.back() != ']') {
            return std::nullopt;
        }
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return std::nullopt; // IPv6 without brackets: where the port begins would be a guess
    }
    std::uint16_t port = 0;
    const auto [end, status] = std::from_chars(port_text.data(),
                                               port_text.data() + port_text.size(), port);
    if (port_text.empty() || status != std::errc{} || end != port_text.data() + port_text.size() ||
        host.find_first_of(" \t/@[]") != std::string_view::npos) {
        return std::nullopt;
    }
    return endpoint{std::string{host}, port};
}

bool is_loopback(std::string_view host) {
    if (host == "localhost" || host == "::1") {
        return true;
    }
    // All of 127.0.0.0/8, as four numbers; "127.example.org" is a name and not loopback.
    int parts = 0;
    std::string_view rest = host;
    while (true) {
        const std::size_t dot = rest.find('.');
        const std::string_view part = rest.substr(0, dot);
        unsigned value = 0;
        const auto [end, status] = std::from_chars(part.data(), part.data() + part.size(), value);
        if (part.empty() || status != std::errc{} || end != part.data() + part.size() ||
            value > 255 || (parts == 0 && value != 127)) {
            return false;
        }
        ++parts;
        if (dot == std::string_view::npos) {
            return parts == 4;
        }
        rest = rest.substr(dot + 1);
    }
}

std::optional<std::string_view> nearest_name(std::string_view mistyped,
                                             std::span<const std::string_view> known) {
    if (mistyped.size() > 128) {
        return std::nullopt;
    }
    std::optional<std::string_view> best;
    std::size_t best_distance = std::max<std::size_t>(2, mistyped.size() / 3) + 1;
    for (const std::string_view name : known) {
        const std::size_t distance = edit_distance(mistyped, name);
        if (distance < best_distance) {
            best = name;
            best_distance = distance;
        }
    }
    return best;
}

std::string shown_value(const config_key& key, const config& values) {
    config copy = values;
    const config_member member = key.member(copy);
    std::string out;
    if (const auto* const* text = std::get_if<std::string*>(&member)) {
        out = **text;
    } else if (const auto* const* flag = std::get_if<bool*>(&member)) {
        out = **flag ? "true" : "false";
    } else if (const auto* const* number = std::get_if<std::uint64_t*>(&member)) {
        out = std::to_string(**number);
    } else {
        for (const std::string& item : **std::get_if<std::vector<std::string>*>(&member)) {
            out += (out.empty() ? "" : ",") + item;
        }
    }
    return key.secret && !out.empty() ? "(secret)" : out;
}

bool same_value(const config_key& key, const config& one, const config& other) {
    config left = one;
    config right = other;
    const config_member a = key.member(left);
    const config_member b = key.member(right);
    return std::visit([&b](auto* value) { return *value == **std::get_if<decltype(value)>(&b); },
                      a);
}

} // namespace fasti

namespace fasti::config_detail {

std::string expectation(const config_key& key) {
    static constexpr std::array<std::string_view, 5> units = {"", " ms", " bytes", " percent", ""};
    switch (key.kind) {
        case config_kind::number:
            return std::string{key.power_of_two ? "a power of two from " : "a number from "} +
                   std::to_string(key.min) + " to " + std::to_string(key.max) +
                   std::string{units[static_cast<std::size_t>(key.unit)]};
        case config_kind::choice: return "one of " + joined(key.choices);
        case config_kind::boolean: return "true or false";
        case config_kind::list:
            return "a list of at most " + std::to_string(key.items_max) + " texts";
        case config_kind::endpoint: return "ADDRESS:PORT, such as 127.0.0.1:8400 or [::1]:8400";
        case config_kind::path: return "a path without control characters";
        case config_kind::text: return "text without control characters";
    }
    return {};
}

refusal set_number(const config_key& key, std::uint64_t number, config& into) {
    const config_member member = key.member(into);
    auto* const* place = std::get_if<std::uint64_t*>(&member);
    const bool fits = place != nullptr && number >= key.min && number <= key.max &&
                      (!key.power_of_two || std::has_single_bit(number));
    if (!fits) {
        return "must be " + expectation(key) + ", not " + std::to_string(number);
    }
    **place = number;
    return std::nullopt;
}

refusal set_list(const config_key& key, std::vector<std::string> items, config& into) {
    const config_member member = key.member(into);
    auto* const* place = std::get_if<std::vector<std::string>*>(&member);
    if (place == nullptr || items.size() > key.items_max ||
        std::any_of(items.begin(), items.end(), has_control)) {
        return "must be " + expectation(key);
    }
    **place = std::move(items);
    return std::nullopt;
}

refusal set_text(const config_key& key, std::string_view text, config& into) {
    const std::string refused = "must be " + expectation(key) +
                                (key.secret ? std::string{} : ", not `" + std::string{text} + "`");
    const config_member member = key.member(into);
    switch (key.kind) {
        case config_kind::number: {
            const std::optional<std::uint64_t> number = number_from(text, key.unit);
            return number ? set_number(key, *number, into) : refusal{refused};
        }
        case config_kind::boolean: {
            const std::optional<bool> flag = bool_from(text);
            if (!flag) {
                return refused;
            }
            **std::get_if<bool*>(&member) = *flag;
            return std::nullopt;
        }
        case config_kind::list: return set_list(key, split_list(text), into);
        case config_kind::choice:
            if (std::find(key.choices.begin(), key.choices.end(), text) == key.choices.end()) {
                return refused;
            }
            break;
        case config_kind::endpoint:
            if (!endpoint_from(text)) {
                return refused;
            }
            break;
        case config_kind::path:
        case config_kind::text:
            if (has_control(text)) {
                return "must be " + expectation(key);
            }
            break;
    }
    **std::get_if<std::string*>(&member) = text;
    return std::nullopt;
}

} // namespace fasti::config_detail
