// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/offline_events.hpp"

#include "adapters/api/chained_read.hpp"
#include "adapters/api/cloudevents.hpp"
#include "adapters/api/event_filters.hpp"
#include "adapters/api/read_place.hpp"
#include "adapters/cli/event_lines.hpp"
#include "adapters/cli/interrupt.hpp"
#include "adapters/cli/offline.hpp"
#include "adapters/cli/progress.hpp"
#include "adapters/cli/table.hpp"

#include <functional>
#include <ostream>

namespace fasti::cli {
namespace {

constexpr std::uint64_t look_again_ms = 200;

//! False ends the reading.
using event_sink = std::function<bool(position at, const std::string& json)>;

//! The events of a folder that the options ask for.
class event_reader {
public:
    event_reader(offline_log& log, event_filter filter)
        : log_(log),
          filter_(std::move(filter)),
          writer_(log.facts->log_id(), log.facts->head().epoch) {}

    //! Errors: those of a token given with --from.
    result<void> begin(const std::string& from, position otherwise) {
        position first = otherwise;
        if (!from.empty()) {
            const auto place = api::read_place(from, *log_.facts);
            if (!place) {
                return place.error();
            }
            first = std::max<position>(*place, 1);
        }
        if (first > log_.facts->head().last + 1) {
            return error{
                error_code::position_unknown,
                "The log ends at position " + std::to_string(log_.facts->head().last) + "."};
        }
        const auto place = api::place_before(*log_.facts, first);
        if (!place) {
            return place.error();
        }
        place_ = *place;
        return {};
    }

    position next() const noexcept { return place_.next; }

    //! Hands on what is there up to a position; false when the sink ended it.
    result<bool> read_to(position to, const event_sink& take) {
        bool goes_on = true;
        while (goes_on && place_.next <= to) {
            const auto read = api::read_chained(
                *log_.facts, place_, {.to = to}, filter_,
                [&](const recorded_event& event, const hash256& chain) {
                    json_.clear();
                    writer_.write(event, chain, json_);
                    while (!json_.empty() && json_.back() == '\n') {
                        json_.pop_back();
                    }
                    goes_on = take(event.at, json_);
                    return goes_on ? read_more::go_on : read_more::stop;
                });
            if (!read) {
                return read.error();
            }
            place_ = *read;
        }
        return goes_on;
    }

private:
    offline_log& log_;
    event_filter filter_;
    api::cloudevent_writer writer_;
    api::chain_place place_;
    std::string json_;
};

result<event_filter> filter_from(const arguments& given) {
    const std::vector<std::string>& named = given.all("type");
    const std::vector<std::string_view> types{named.begin(), named.end()};
    const std::string stream = given.text("stream");
    const std::string service = given.text("service");
    const std::string tenant = given.text("tenant");
    api::asked_filter asked;
    asked.types = types;
    asked.stream = given.has("stream") ? std::optional<std::string_view>{stream} : std::nullopt;
    asked.service = given.has("service") ? std::optional<std::string_view>{service} : std::nullopt;
    asked.tenant = given.has("tenant") ? std::optional<std::string_view>{tenant} : std::nullopt;
    // Who may read the files may read them all.
    return api::make_event_filter(
        asked, principal{"system/offline", "", {std::string{permission_everything}}});
}

//! Opens the folder and stands where --from says; null after having said why not.
struct opened_events {
    std::unique_ptr<offline_log> log;
    std::unique_ptr<event_reader> reader;
    int code = exit_success;
};

opened_events open_events(session& at, const arguments& given, bool from_head) {
    opened_events out;
    out.log = open_offline(at, given, open_mode::read_only, out.code);
    if (out.log == nullptr) {
        return out;
    }
    auto filter = filter_from(given);
    if (!filter) {
        out.code = fail_with(at, filter.error());
        return out;
    }
    auto reader = std::make_unique<event_reader>(*out.log, std::move(filter).value());
    const position otherwise = from_head ? out.log->facts->head().last + 1 : 1;
    if (const auto begun = reader->begin(given.text("from"), otherwise); !begun) {
        out.code = fail_with(at, begun.error());
        return out;
    }
    out.reader = std::move(reader);
    return out;
}

void print_event(session& at, const std::string& json) {
    if (at.json) {
        at.around.out << json << "\n";
    } else {
        at.around.out << event_line(read_json(json)->root()) << "\n";
    }
}

} // namespace

int list_events_here(session& at, const arguments& given) {
    const opened_events opened = open_events(at, given, false);
    if (opened.reader == nullptr) {
        return opened.code;
    }
    std::uint64_t left = given.number("limit", 100);
    const auto read = opened.reader->read_to(opened.log->facts->head().last,
                                             [&](position, const std::string& json) {
                                                 print_event(at, json);
                                                 return --left > 0;
                                             });
    if (!read) {
        return fail_with(at, read.error());
    }
    if (!*read && opened.reader->next() <= opened.log->facts->head().last) {
        at.say("More: --from " + std::to_string(opened.reader->next()));
    }
    return exit_success;
}

int show_event_here(session& at, const arguments& given) {
    arguments asked = given;
    asked.set("from", {given.text("position")});
    const opened_events opened = open_events(at, asked, false);
    if (opened.reader == nullptr) {
        return opened.code;
    }
    const position wanted = opened.reader->next();
    bool found = false;
    const auto read = opened.reader->read_to(
        std::min(wanted, opened.log->facts->head().last), [&](position, const std::string& json) {
            found = true;
            if (at.json) {
                at.around.out << json << "\n";
            } else {
                print_members(read_json(json)->root(), at.around.out);
            }
            return false;
        });
    if (!read) {
        return fail_with(at, read.error());
    }
    return found ? exit_success
                 : at.fail(exit_finding,
                           "The log holds no event at position " + std::to_string(wanted) + ".");
}

int tail_events_here(session& at, const arguments& given) {
    const opened_events opened = open_events(at, given, true);
    if (opened.reader == nullptr) {
        return opened.code;
    }
    const interrupt_scope interrupts{nullptr};
    std::uint64_t left = given.number("max", UINT64_MAX);
    while (true) {
        const auto read = opened.reader->read_to(opened.log->facts->head().last,
                                                 [&](position, const std::string& json) {
                                                     print_event(at, json);
                                                     return --left > 0;
                                                 });
        at.around.out << std::flush;
        if (!read) {
            return fail_with(at, read.error());
        }
        if (!*read || interrupts.wait_ms(look_again_ms)) {
            return exit_success;
        }
        if (const auto seen = opened.log->facts->refresh(); !seen) {
            return fail_with(at, seen.error());
        }
    }
}

int export_events_here(session& at, const arguments& given, std::ostream& out) {
    const opened_events opened = open_events(at, given, false);
    if (opened.reader == nullptr) {
        return opened.code;
    }
    const bool batch = given.text("format") == "cloudevents-batch";
    const position head = opened.log->facts->head().last;
    progress_bar bar{"events export", "events", at.around.err, at.around.err_terminal};
    std::uint64_t written = 0;
    out << (batch ? "[" : "");
    const auto read = opened.reader->read_to(head, [&](position reached, const std::string& json) {
        out << (batch ? (written == 0 ? "\n" : ",\n") : "") << json << (batch ? "" : "\n");
        ++written;
        bar.show(reached, head);
        return out.good();
    });
    out << (batch ? "\n]\n" : "") << std::flush;
    if (!read) {
        return fail_with(at, read.error());
    }
    if (!out.good()) {
        return at.fail(exit_finding, "The export could not be written.");
    }
    at.say(counted(written, "event") + " exported.");
    return exit_success;
}

} // namespace fasti::cli
