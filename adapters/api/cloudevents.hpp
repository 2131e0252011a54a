// SPDX-License-Identifier: Apache-2.0
//! Recorded events as CloudEvents 1.0 in JSON (structured mode), the form every reader outside gets.
//! Context attributes: specversion, id "<32 hex of the command>-<index>", source "/fasti/<log id>",
//! type "dev.fasti.<declared name>", subject (the stream), time, datacontenttype. Extensions, all of
//! them strings: position, epoch, revision, streamversion, chainhash (64 hex digits: SHA-256 over the
//! log up to and with this event), correlationid (the command's id when nothing else was given),
//! causationid, authtype, authid, traceparent, tenant, reason; empty ones are left out.
#pragma once

#include "domain/base/ids.hpp"
#include "domain/wire/events.gen.hpp"
#include "eventstore/port/event.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fasti::api {

//! What stands before a declared name in the attribute `type`: names of ours stay apart from others'
//! wherever events of many sources meet.
inline constexpr std::string_view event_type_prefix = "dev.fasti.";

//! Thread: one at a time.
class cloudevent_writer {
public:
    cloudevent_writer(const id128& log, std::uint64_t epoch);

    //! Appends one JSON object on one line. Secrets are in no event and so not in here. Data that this
    //! build cannot read is carried as it is stored: data_base64 in Protocol Buffers wire format.
    void write(const recorded_event& event, const hash256& chain, std::string& out);
    //! Appends a frame of server-sent events: id (the token), event (the declared name), data.
    void write_frame(const recorded_event& event, const hash256& chain, std::string& out);

private:
    void write_attributes(const recorded_event& event, const hash256& chain,
                          std::string& out) const;
    void write_data(const event_draft& fact, std::string& out);

    std::uint64_t epoch_;
    std::string head_; //!< the beginning that all events share
    event_scratch scratch_;
};

} // namespace fasti::api
