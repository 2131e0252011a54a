// SPDX-License-Identifier: Apache-2.0
#include "projections/proof/row_differences.hpp"

#include "projections/queries/view_rows.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace fasti {
namespace {

constexpr std::size_t value_told_max = 200; // bytes of one value

struct member {
    std::string_view name;
    std::string_view value; // as JSON
};

//! The end of a JSON value: at the comma or bracket behind it. Only for JSON that we wrote.
std::size_t value_end(std::string_view json, std::size_t at) {
    int depth = 0;
    bool quoted = false;
    for (; at < json.size(); ++at) {
        const char c = json[at];
        if (quoted) {
            at += c == '\\' ? 1 : 0;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']' || c == ',') {
            if (depth == 0) {
                break;
            }
            depth -= c == ',' ? 0 : 1;
        }
    }
    return at;
}

std::vector<member> members_of(std::string_view json) {
    std::vector<member> out;
    std::size_t at = 1;
    while (at + 1 < json.size() && json[at] == '"') {
        const std::size_t name_end = json.find('"', at + 1);
        const std::size_t end = value_end(json, name_end + 2);
        out.push_back({json.substr(at + 1, name_end - at - 1),
                       json.substr(name_end + 2, end - name_end - 2)});
        at = end + 1;
    }
    return out;
}

std::string_view value_in(const std::vector<member>& members, std::string_view name) {
    for (const member& one : members) {
        if (one.name == name) {
            return one.value;
        }
    }
    return {};
}

std::string shortened(std::string_view value) {
    if (value.empty()) {
        return "absent";
    }
    if (value.size() <= value_told_max) {
        return std::string(value);
    }
    std::string out(value.substr(0, value_told_max));
    out += "...";
    return out;
}

void add_member(std::string& out, std::string_view name, std::string_view was,
                std::string_view folded) {
    out.append(out.empty() ? "" : "; ").append(name).append(" is ").append(shortened(was));
    out.append(", a fold gives ").append(shortened(folded));
}

std::string tell_row(std::string_view view, const row_difference& one) {
    std::string out = std::string(view) + " " + std::string(one.key) + ": ";
    if (one.before.empty()) {
        return out + "is there, a fold gives no such row";
    }
    if (one.after.empty()) {
        return out + "is missing, a fold gives it";
    }
    return out + tell_members(one.after, one.before);
}

} // namespace

std::vector<std::string_view> views_of_part(std::string_view part) {
    if (part == registry_view::name) {
        return {"services", "instances"};
    }
    const bool own = std::find(own_view_names.begin(), own_view_names.end(), part) !=
                     own_view_names.end();
    if (own || part == registry_metrics_view::name) {
        return {part};
    }
    return {};
}

std::string tell_members(std::string_view other, std::string_view folded) {
    const auto has = members_of(other);
    const auto should = members_of(folded);
    std::string out;
    for (const member& one : has) {
        if (const auto value = value_in(should, one.name); value != one.value) {
            add_member(out, one.name, one.value, value);
        }
    }
    for (const member& one : should) {
        if (value_in(has, one.name).empty()) {
            add_member(out, one.name, {}, one.value);
        }
    }
    return out;
}

bool tell_row_differences(const view_set& folded, std::string_view part, std::string_view other,
                          const std::function<void(std::string)>& tell) {
    auto read = std::make_unique<view_set>();
    bool good = false;
    read->each_view([&](auto& view) {
        if (view.name == part) {
            good = view.read_snapshot(other);
        }
    });
    if (!good) {
        return false;
    }
    for (const std::string_view view : views_of_part(part)) {
        const auto told = visit_differences(folded, *read, view, [&](const row_difference& one) {
            tell(tell_row(view, one));
            return true;
        });
        check(told.ok(), "views of a part have rows");
    }
    return true;
}

} // namespace fasti
