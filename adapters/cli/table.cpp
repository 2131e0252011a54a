// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/table.hpp"

#include "adapters/cli/session.hpp"

#include <algorithm>
#include <ostream>
#include <sstream>

namespace fasti::cli {
namespace {

std::string padded(const std::string& text, std::size_t width) {
    const std::size_t shown = shown_width(text);
    return text + std::string(shown < width ? width - shown : 0, ' ');
}

bool is_plain(json_value value) {
    return !value.is(json_kind::object) && !value.is(json_kind::array);
}

bool holds_objects(json_value list) {
    return list.is(json_kind::array) && list.size() > 0 &&
           (*list.begin()).value.is(json_kind::object);
}

//! An object that does not fit in one cell.
bool holds_more(json_value value) {
    if (!value.is(json_kind::object)) {
        return false;
    }
    for (const json_member inner : value) {
        if (!is_plain(inner.value)) {
            return true;
        }
    }
    return false;
}

std::string indented(const std::string& lines, std::size_t by) {
    std::string out;
    std::size_t begin = 0;
    while (begin < lines.size()) {
        const std::size_t end = std::min(lines.find('\n', begin), lines.size() - 1);
        out += std::string(by, ' ') + lines.substr(begin, end + 1 - begin);
        begin = end + 1;
    }
    return out;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c == '_' ? ' ' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return text;
}

} // namespace

std::size_t shown_width(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
    }));
}

std::string counted(std::uint64_t count, std::string_view what) {
    return std::to_string(count) + " " + std::string{what} + (count == 1 ? "" : "s");
}

std::string shown_text(std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        // C1 controls are two bytes in UTF-8: c2 80 to c2 9f.
        const bool c1 = c == 0xc2U && i + 1 < text.size() &&
                        static_cast<unsigned char>(text[i + 1]) < 0xa0U;
        if (c1) {
            out += '?';
            ++i;
        } else if (c < 0x20U || c == 0x7fU) {
            out += "\\x";
            out += digits[c >> 4U];
            out += digits[c & 15U];
        } else {
            out += text[i];
        }
    }
    return out;
}

void table::print(std::ostream& out, bool bold_heads) const {
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < heads_.size(); ++column) {
        std::size_t width = 0;
        for (const std::vector<std::string>& row : rows_) {
            width = std::max(width, column < row.size() ? shown_width(row[column]) : 0);
        }
        widths.push_back(width == 0 ? 0 : std::max(width, shown_width(heads_[column])));
    }
    const auto line = [&](const std::vector<std::string>& cells) {
        std::string text;
        std::size_t due = 0;
        for (std::size_t column = 0; column < heads_.size(); ++column) {
            if (widths[column] == 0) {
                continue;
            }
            text += std::string(due, ' ');
            const std::string cell = column < cells.size() ? cells[column] : std::string{};
            text += padded(cell, widths[column]);
            due = 2;
        }
        text.erase(text.find_last_not_of(' ') + 1);
        return text;
    };
    out << (bold_heads ? "\x1b[1m" : "") << line(heads_) << (bold_heads ? "\x1b[0m" : "") << "\n";
    for (const std::vector<std::string>& row : rows_) {
        out << line(row) << "\n";
    }
}

std::string cell_text(json_value value) {
    std::string out;
    if (value.is(json_kind::array)) {
        for (const json_member item : value) {
            out += (out.empty() ? "" : ",") + cell_text(item.value);
        }
    } else if (value.is(json_kind::object)) {
        for (const json_member member : value) {
            out += (out.empty() ? "" : ",") + shown_text(member.name) + "=" +
                   cell_text(member.value);
        }
    } else {
        out = shown_text(plain_text(value));
    }
    return out;
}

void print_members(json_value object, std::ostream& out, std::size_t indent) {
    std::size_t width = 0;
    for (const json_member member : object) {
        width = std::max(width, shown_width(member.name));
    }
    const std::string space(indent, ' ');
    for (const json_member member : object) {
        const std::string name = shown_text(member.name);
        if (holds_objects(member.value)) {
            std::vector<json_value> rows;
            for (const json_member item : member.value) {
                rows.push_back(item.value);
            }
            std::ostringstream inner;
            print_rows(rows, {}, inner, false);
            out << space << name << "\n" << indented(inner.str(), indent + 2);
        } else if (holds_more(member.value)) {
            out << space << name << "\n";
            print_members(member.value, out, indent + 2);
        } else {
            const bool nothing = !is_plain(member.value) && member.value.size() == 0;
            const std::string value = nothing ? "none" : cell_text(member.value);
            out << space << (value.empty() ? name : padded(name, width) + "  " + value) << "\n";
        }
    }
}

json_value rows_of(json_value answer) {
    if (answer.is(json_kind::array)) {
        return answer;
    }
    json_value found;
    for (const json_member member : answer) {
        if (member.value.is(json_kind::array)) {
            if (found) {
                return {};
            }
            found = member.value;
        }
    }
    return found;
}

void print_change(std::string_view key, json_value before, json_value after, std::ostream& out) {
    const bool had = before.is(json_kind::object);
    const bool has = after.is(json_kind::object);
    out << (!had ? "+ " : !has ? "- " : "~ ") << shown_text(key);
    if (had && has) {
        for (const json_member member : after) {
            const std::string was = cell_text(before.find(member.name));
            const std::string is = cell_text(member.value);
            // Where and when a row changed is what the moments compared say already.
            const bool follows = member.name == "changed_at" || member.name == "changed_position" ||
                                 member.name == "stream_version";
            if (was != is && !follows) {
                out << "  " << shown_text(member.name) << ": " << (was.empty() ? "-" : was)
                    << " -> " << (is.empty() ? "-" : is);
            }
        }
    }
    out << "\n";
}

void print_rows(const std::vector<json_value>& rows, const std::vector<std::string>& columns,
                std::ostream& out, bool bold_heads) {
    if (rows.empty()) {
        out << "None.\n";
        return;
    }
    std::vector<std::string> chosen = columns;
    if (chosen.empty()) {
        for (const json_member member : rows.front()) {
            if (is_plain(member.value)) {
                chosen.emplace_back(member.name);
            }
        }
    }
    std::vector<std::string> heads;
    for (const std::string& column : chosen) {
        heads.push_back(upper(column));
    }
    table shown{std::move(heads)};
    for (const json_value row : rows) {
        std::vector<std::string> cells;
        for (const std::string& column : chosen) {
            cells.push_back(cell_text(row.find(column)));
        }
        shown.add(std::move(cells));
    }
    shown.print(out, bold_heads);
}

} // namespace fasti::cli
