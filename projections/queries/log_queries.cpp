// SPDX-License-Identifier: Apache-2.0
#include "projections/queries/log_queries.hpp"

#include "domain/registry/streams.hpp"
#include "domain/wire/operations_json.gen.hpp"
#include "eventstore/port/record.hpp"
#include "eventstore/port/token.hpp"
#include "projections/queries/list_body.hpp"

#include <algorithm>
#include <charconv>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace fasti {
namespace {

constexpr std::uint64_t window_events_max = 65'536;

query_answer failed(error why) {
    query_answer out;
    out.failure = std::move(why);
    return out;
}

error not_a_moment() {
    return {error_code::malformed,
            "This is no moment in history.",
            {{"#/at", "Write a position, an instant such as 2026-11-21T14:03:00Z, or -5m."}}};
}

std::optional<position> whole_number(std::string_view text) {
    position value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

event_filter filter_of(const operations::list_activity_params& what) {
    event_filter filter;
    filter.stream_prefix = what.stream.value_or(std::string_view{});
    if (what.service) {
        filter.streams_under = registry::streams_about(*what.service);
    }
    filter.actor = what.actor.value_or(std::string_view{});
    return filter;
}

operations::activity_row row_of(const recorded_event& event) {
    return {event.at,          event.fact.recorded,       event.fact.type,
            event.fact.stream, event.fact.stream_version, event.fact.actor,
            event.fact.reason, event.fact.correlation};
}

struct window {
    position first = 0;
    position last = 0;
    std::size_t rows_max = 0;
};

//! The newest matching events of a window as canonical bytes, the oldest of them first: the log is
//! read backwards by windows, and each window forwards.
result<std::deque<std::string>> newest_of(const ledger& facts, const event_filter& filter,
                                          const window& where) {
    std::deque<std::string> found;
    auto read = facts.read(where.first, where.last, filter, [&](const recorded_event& event) {
        found.emplace_back(event.canonical);
        if (found.size() > where.rows_max) {
            found.pop_front();
        }
        return read_more::go_on;
    });
    if (!read) {
        return std::move(read).error();
    }
    return found;
}

void write_link(json_writer& out, const recorded_event& event, std::string_view by) {
    out.begin_object();
    out.text("by", by);
    out.number("position", event.at);
    out.moment("recorded_at", event.fact.recorded);
    out.text("type", event.fact.type);
    out.text("stream", event.fact.stream);
    out.number("stream_version", event.fact.stream_version);
    out.text("actor", event.fact.actor);
    out.text("reason", event.fact.reason);
    out.text("correlation", event.fact.correlation);
    out.text("cause", event.fact.cause);
    out.end_object();
}

//! Walks from an event to the one it came from, writing a link for each.
class chain_walker {
public:
    chain_walker(const ledger& facts, json_writer& out) : facts_(facts), out_(out) {}

    result<void> walk(std::string_view stream, std::uint64_t version) {
        auto read = facts_.read_stream(stream, version, visitor("newest"));
        for (std::size_t links = 1; read && more() && links < why_links_max; ++links) {
            if (cause_) {
                const position wanted = *cause_;
                auto end = facts_.read(wanted, wanted, {}, visitor("cause"));
                read = end ? result<void>{} : result<void>{std::move(end).error()};
            } else {
                read = facts_.read_stream(std::string{stream_}, version_ - 1, visitor("before"));
            }
        }
        return read;
    }

    position newest() const noexcept { return newest_; }
    //! Whether the walk came to an event that nothing led to.
    bool complete() const noexcept { return ended_; }

private:
    event_visitor visitor(std::string_view by) {
        return [this, by](const recorded_event& event) {
            take(event, by);
            return read_more::stop;
        };
    }

    bool more() const noexcept { return cause_ || goes_back_; }

    void take(const recorded_event& event, std::string_view by) {
        newest_ = std::max(newest_, event.at);
        stream_ = event.fact.stream;
        version_ = event.fact.stream_version;
        cause_ = whole_number(event.fact.cause);
        if (cause_ && (*cause_ == 0 || *cause_ >= event.at)) {
            cause_.reset(); // a cause is always older, so that the walk ends
        }
        // What the system did of itself follows from what it was told before.
        goes_back_ = event.fact.cause.empty() && version_ > 1 &&
                     event.fact.actor.substr(0, system_actor.size()) == system_actor;
        ended_ = event.fact.cause.empty() && !goes_back_;
        write_link(out_, event, by);
    }

    static constexpr std::string_view system_actor = "system/";

    const ledger& facts_;
    json_writer& out_;
    position newest_ = 0;
    std::string stream_;
    std::uint64_t version_ = 0;
    std::optional<position> cause_;
    bool goes_back_ = false;
    bool ended_ = false;
};

} // namespace

result<position> resolve_at(std::string_view at, const ledger& facts, instant now) {
    if (const auto when = instant_from_rfc3339(at)) {
        if (*when > now) {
            return error{error_code::position_unknown, "That moment is still to come."};
        }
        return facts.position_at(*when);
    }
    if (!at.empty() && at.front() == '-') {
        const auto before = duration_ms_from_text(at.substr(1));
        if (!before || *before > static_cast<std::uint64_t>(now.us / 1000)) {
            return not_a_moment();
        }
        return facts.position_at(now.plus_ms(-static_cast<std::int64_t>(*before)));
    }
    const auto token = read_token(at);
    if (!token) {
        return not_a_moment();
    }
    if (auto ours = verify_token(*token, facts); !ours) {
        return std::move(ours).error();
    }
    if (token->at > facts.head().last) {
        return error{error_code::position_unknown,
                     "The log ends at position " + std::to_string(facts.head().last) + "."};
    }
    return token->at;
}

query_answer list_activity(const ledger& facts, const operations::list_activity_params& what,
                           const page& part) {
    const auto cursor = read_cursor(part.cursor);
    if (!cursor) {
        return failed(cursor.error());
    }
    const auto before = cursor->has_value() ? whole_number(**cursor)
                                            : std::optional{facts.head().last + 1};
    if (!before) {
        return failed({error_code::malformed, "The cursor is of another list."});
    }
    const event_filter filter = filter_of(what);
    const bool narrow = !filter.stream_prefix.empty() || what.service || !filter.actor.empty();
    query_answer out;
    list_body body(out.body, "activity", part.limit);
    position last = *before == 0 ? 0 : std::min(*before - 1, facts.head().last);
    std::uint64_t width = narrow ? 1024 : std::uint64_t{part.limit} + 1;
    std::uint64_t looked_at = 0;
    bool full = false;
    while (last > 0 && !full) {
        if (looked_at >= activity_events_max) {
            body.passed(std::to_string(last + 1));
            body.cut();
            break;
        }
        const position first = last > width ? last - width + 1 : 1;
        auto found = newest_of(facts, filter, {first, last, std::size_t{part.limit} + 1});
        if (!found) {
            return failed(found.error());
        }
        recorded_event event;
        for (auto one = found->rbegin(); one != found->rend() && !full; ++one) {
            if (!decode_record(*one, event)) {
                return failed({error_code::store_damaged, "An event of the log cannot be read."});
            }
            full = !body.more();
            if (!full) {
                out.changed = std::max(out.changed, event.at);
                body.add(row_of(event));
                body.passed(std::to_string(event.at));
            }
        }
        looked_at += last - first + 1;
        last = first - 1;
        width = std::min(width * 2, window_events_max);
    }
    body.finish();
    out.digest = hash64(out.body);
    return out;
}

query_answer get_why(const ledger& facts, const operations::get_why_params& what) {
    const auto version = facts.stream_version(what.stream);
    if (!version) {
        return failed(version.error());
    }
    if (*version == 0) {
        return failed({error_code::event_unknown,
                       "The log holds no event of " + std::string{what.stream} + "."});
    }
    query_answer out;
    json_writer writer(out.body);
    writer.begin_object();
    writer.text("stream", what.stream);
    writer.name("chain");
    writer.begin_array();
    chain_walker walker(facts, writer);
    if (auto walked = walker.walk(what.stream, *version); !walked) {
        return failed(std::move(walked).error());
    }
    writer.end_array();
    writer.boolean("complete", walker.complete());
    writer.end_object();
    out.changed = walker.newest();
    out.digest = hash64(out.body);
    return out;
}

} // namespace fasti
