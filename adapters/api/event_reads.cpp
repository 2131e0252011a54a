// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/event_reads.hpp"

#include "adapters/api/cloudevents.hpp"
#include "eventstore/port/token.hpp"

#include <algorithm>
#include <utility>

namespace fasti::api {
namespace {

// One list answers at most this much; `next` continues.
constexpr std::size_t list_bytes_max = 8 * 1024 * 1024;

} // namespace

result<chain_place> find_beginning(const ledger& facts, const beginning& asked) {
    const auto token = read_token(asked.token);
    if (!token.ok()) {
        return token.error();
    }
    if (auto belongs = verify_token(token.value(), facts); !belongs.ok()) {
        return std::move(belongs).error();
    }
    const position at = token.value().at;
    const position next = asked.exclusive ? at + 1 : std::max<position>(at, 1);
    if (at > asked.known && next != asked.known + 1) {
        return error{error_code::position_unknown,
                     "The log ends at position " + std::to_string(asked.known) +
                         "; it cannot be read from position " + std::to_string(next) + " yet."};
    }
    return place_before(facts, next);
}

result<event_list> read_event_list(const ledger& facts, const event_list_question& asked) {
    const auto place = asked.from.token.empty() ? place_before(facts, 1)
                                                : find_beginning(facts, asked.from);
    if (!place.ok()) {
        return place.error();
    }
    const position known = asked.from.known;
    const std::uint64_t epoch = facts.head().epoch;
    cloudevent_writer writer(facts.log_id(), epoch);
    event_list out;
    std::string& body = out.body;
    std::size_t count = 0;
    body = asked.plain_array ? "[" : R"({"events":[)";
    const auto visit = [&](const recorded_event& event, const hash256& chain) {
        if (count++ > 0) {
            body += ',';
        }
        writer.write(event, chain, body);
        return count < asked.limit && body.size() < list_bytes_max ? read_more::go_on
                                                                   : read_more::stop;
    };
    const auto end = read_chained(facts, place.value(), {.to = known}, asked.filter, visit);
    if (!end.ok()) {
        return end.error();
    }
    const position follows = end.value().next;
    if (follows > known) {
        out.next = std::to_string(follows); // not there yet, so it has no hash
    } else {
        const auto hash = facts.hash_at(follows);
        if (!hash.ok()) {
            return hash.error();
        }
        write_token(epoch, follows, hash.value().prefix(), out.next);
    }
    body += asked.plain_array ? "]" : R"(],"next":")" + out.next + R"("})";
    return out;
}

result<one_event> read_one_event(const ledger& facts, position at, std::string_view tenant) {
    const auto hash = facts.hash_at(at);
    if (!hash.ok()) {
        return hash.error();
    }
    const std::uint64_t epoch = facts.head().epoch;
    cloudevent_writer writer(facts.log_id(), epoch);
    one_event out;
    bool hidden = false;
    const auto read = facts.read(at, at, {}, [&](const recorded_event& event) {
        hidden = !tenant.empty() && event.fact.tenant != tenant;
        writer.write(event, hash.value(), out.body);
        return read_more::stop;
    });
    if (!read.ok()) {
        return read.error();
    }
    if (hidden) {
        return error{error_code::event_unknown,
                     "There is no event at position " + std::to_string(at) + "."};
    }
    out.etag = "\"";
    write_token(epoch, at, hash.value().prefix(), out.etag);
    out.etag += '"';
    return out;
}

} // namespace fasti::api
