// SPDX-License-Identifier: Apache-2.0
//! What requests for events read from the log. Questions own their text: the request may be gone by then.
//! `known` is the newest position told; nothing above it is, though the ledger may hold more.
//! Errors: malformed, history_forked, position_unknown, store_damaged. Thread: any but the I/O thread.
#pragma once

#include "adapters/api/chained_read.hpp"
#include "domain/base/result.hpp"
#include "eventstore/port/ledger.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace fasti::api {

struct beginning {
    std::string token;      //!< or a bare position
    bool exclusive = false; //!< behind it
    position known = 0;
};

//! Where to begin, of this history.
result<chain_place> find_beginning(const ledger& facts, const beginning& asked);

struct event_list_question {
    beginning from; //!< without a token: the first event
    event_filter filter;
    std::size_t limit = 0;
    bool plain_array = false; //!< only the events, without `next`
};

struct event_list {
    std::string body; //!< CloudEvents in JSON
    std::string next; //!< the token to go on from
};

result<event_list> read_event_list(const ledger& facts, const event_list_question& asked);

struct one_event {
    std::string body;
    std::string etag; //!< with quotes
};

//! `tenant`: whose events the caller may see; empty: everybody's. Errors: event_unknown too.
result<one_event> read_one_event(const ledger& facts, position at, std::string_view tenant);

} // namespace fasti::api
