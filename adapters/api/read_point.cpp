// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/read_point.hpp"

#include "domain/wire/fields.hpp"
#include "eventstore/port/token.hpp"

#include <string>

namespace fasti::api {
namespace {

error unknown_position(position asked, position head) {
    return error{error_code::position_unknown, "The log ends at position " + std::to_string(head) +
                                                   "; there is no position " +
                                                   std::to_string(asked) + " yet."};
}

} // namespace

result<position> read_at(std::string_view text, const ledger& facts, instant now) {
    if (text.starts_with('-')) {
        const auto ago = duration_ms_from_text(text.substr(1));
        if (!ago.has_value()) {
            return error{
                error_code::malformed,
                "'at' must be a position, an RFC 3339 instant, or a time ago such as -5m."};
        }
        return facts.position_at(now.plus_ms(-static_cast<std::int64_t>(*ago)));
    }
    if (const auto when = instant_from_rfc3339(text)) {
        return facts.position_at(*when);
    }
    auto place = read_place(text, facts);
    if (!place.ok()) {
        return place;
    }
    const position head = facts.head().last;
    if (place.value() > head) {
        return unknown_position(place.value(), head);
    }
    return place;
}

result<position> read_place(std::string_view text, const ledger& facts) {
    const auto token = read_token(text);
    if (!token.ok()) {
        return token.error();
    }
    if (auto belongs = verify_token(token.value(), facts); !belongs.ok()) {
        return std::move(belongs).error();
    }
    return token.value().at;
}

} // namespace fasti::api
