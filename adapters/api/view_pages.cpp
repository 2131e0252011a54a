// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/view_pages.hpp"

#include "domain/wire/json_writer.hpp"
#include "eventstore/port/token.hpp"
#include "projections/queries/cursor.hpp"
#include "projections/queries/log_queries.hpp"
#include "projections/queries/view_rows.hpp"

#include <charconv>
#include <memory>
#include <optional>

namespace fasti::api {
namespace {

//! Where a page begins: two moments (equal ones for rows) and the key of the last row told, if any was.
struct place {
    position from = 0;
    position to = 0;
    std::optional<std::string> after;
};

error foreign_cursor() {
    return error{error_code::malformed, "The cursor is not one of this list."};
}

std::optional<position> take_number(std::string_view& text) {
    position value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end == text.data() + text.size() || *end != ' ') {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    return value;
}

result<place> read_cursor_place(std::string_view cursor, position newest) {
    const auto text = read_cursor(cursor);
    if (!text) {
        return text.error();
    }
    std::string_view rest = text->has_value() ? std::string_view{**text} : std::string_view{};
    place out;
    const auto from = take_number(rest);
    const auto to = take_number(rest);
    if (!from || !to || *from > newest || *to > newest) {
        return foreign_cursor();
    }
    out.from = *from;
    out.to = *to;
    out.after.emplace(rest);
    return out;
}

std::string cursor_of(const place& at, std::string_view key) {
    return write_cursor(std::to_string(at.from) + " " + std::to_string(at.to) + " " +
                        std::string(key));
}

result<position> moment(std::string_view text, const view_question& asked, const ledger& facts) {
    if (text.empty()) {
        return asked.newest;
    }
    auto at = resolve_at(text, facts, asked.now);
    if (at && *at > asked.newest) {
        return error{error_code::position_unknown,
                     "The views stand at position " + std::to_string(asked.newest) + "."};
    }
    return at;
}

result<place> begin(const view_question& asked, const ledger& facts) {
    if (!asked.cursor.empty()) {
        return read_cursor_place(asked.cursor, asked.newest);
    }
    place out;
    const auto to = moment(asked.to, asked, facts);
    if (!to) {
        return to.error();
    }
    out.to = *to;
    const auto from = asked.from.empty() ? to : moment(asked.from, asked, facts);
    if (!from) {
        return from.error();
    }
    out.from = *from;
    return out;
}

result<std::string> token_at(position at, const ledger& facts) {
    const auto hash = facts.hash_at(at);
    if (!hash) {
        return hash.error();
    }
    std::string out;
    write_token(facts.head().epoch, at, hash->prefix(), out);
    return out;
}

//! Counts rows and bytes; remembers the key behind which the next page begins.
class page_writer {
public:
    page_writer(json_writer& out, const view_question& asked) : out_(out), limit_(asked.limit) {}

    //! False: the page is full and this row belongs to the next one.
    bool room() {
        cut_ = rows_ == limit_ || out_.out().size() >= view_page_bytes_max;
        return !cut_;
    }
    void told(std::string_view key) {
        ++rows_;
        last_ = key;
    }
    void finish(const place& at) {
        out_.end_array();
        if (cut_) {
            out_.text("next", cursor_of(at, last_));
        }
        out_.end_object();
    }

private:
    json_writer& out_;
    std::uint32_t limit_;
    std::uint32_t rows_ = 0;
    std::string last_;
    bool cut_ = false;
};

void write_difference(json_writer& out, const row_difference& one) {
    const auto side = [&](std::string_view name, std::string_view row) {
        out.name(name);
        out.raw(row.empty() ? "null" : row);
    };
    out.begin_object();
    out.text("key", one.key);
    out.text("change", one.before.empty() ? "added" : one.after.empty() ? "removed" : "changed");
    side("before", one.before);
    side("after", one.after);
    out.end_object();
}

} // namespace

result<view_page> page_of_rows(const view_question& asked, const ledger& facts, past_views& past,
                               const progress_sink& progress) {
    const auto at = begin(asked, facts);
    if (!at) {
        return at.error();
    }
    const auto views = past.as_of(at->to, progress);
    if (!views) {
        return views.error();
    }
    const auto token = token_at(at->to, facts);
    if (!token) {
        return token.error();
    }
    view_page out{{}, *token};
    json_writer json(out.body);
    json.begin_object();
    json.text("view", asked.view);
    json.text("at", *token);
    json.name("rows");
    json.begin_array();
    page_writer page(json, asked);
    const auto shown = visit_rows_after(**views, asked.view, at->after,
                                        [&](std::string_view key, std::string_view row) {
                                            if (!page.room()) {
                                                return false;
                                            }
                                            json.raw(row);
                                            page.told(key);
                                            return true;
                                        });
    if (!shown) {
        return shown.error();
    }
    page.finish(*at);
    return out;
}

result<view_page> page_of_differences(const view_question& asked, const ledger& facts,
                                      past_views& past, const progress_sink& progress) {
    const auto at = begin(asked, facts);
    if (!at) {
        return at.error();
    }
    const auto before = past.as_of(at->from, progress);
    if (!before) {
        return before.error();
    }
    const auto after = past.as_of(at->to, progress);
    if (!after) {
        return after.error();
    }
    const auto from_token = token_at(at->from, facts);
    const auto to_token = token_at(at->to, facts);
    if (!from_token || !to_token) {
        return from_token ? to_token.error() : from_token.error();
    }
    view_page out{{}, *to_token};
    json_writer json(out.body);
    json.begin_object();
    json.text("view", asked.view);
    json.text("from", *from_token);
    json.text("to", *to_token);
    json.name("rows");
    json.begin_array();
    page_writer page(json, asked);
    const auto show = [&](const row_difference& one) {
        if (one.key <= at->after) {
            return true;
        }
        if (!page.room()) {
            return false;
        }
        write_difference(json, one);
        page.told(one.key);
        return true;
    };
    const auto shown = visit_differences({**before, **after}, asked.view, show,
                                         [&] { return !progress || progress(0, at->to); });
    if (!shown) {
        return shown.error();
    }
    page.finish(*at);
    return out;
}

} // namespace fasti::api
