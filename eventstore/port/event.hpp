// SPDX-License-Identifier: Apache-2.0
//! Events as the store sees them: a stream, a type, bytes and metadata; nothing of the domain.
#pragma once

#include "domain/base/ids.hpp"
#include "domain/base/instant.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fasti {

inline constexpr std::size_t stream_bytes_max = 512;
inline constexpr std::size_t event_type_bytes_max = 128;
inline constexpr std::size_t event_text_bytes_max = 4096; //!< tenant, actor, reason and the like
inline constexpr std::size_t receipt_scope_bytes_max = 384;
inline constexpr std::size_t receipt_key_bytes_max = 255;
inline constexpr std::size_t claim_name_bytes_max = 512;

//! An event to be appended. Text is borrowed until append() returns.
struct event_draft {
    std::string_view stream;          //!< 1 to 512 bytes
    std::uint64_t stream_version = 0; //!< the version this event gives the stream; first is 1
    std::string_view type;            //!< declared name, 1 to 128 bytes
    std::uint32_t revision = 1;
    id128 command;                //!< the command that caused it
    std::uint32_t index = 0;      //!< which event of that command, from 0
    instant recorded;             //!< never before the previous event's
    std::string_view tenant;      //!< empty: the default tenant
    std::string_view actor;       //!< who: "token/<id>", "system/leases", ...
    std::string_view reason;      //!< the actor's words; may be empty
    std::string_view correlation; //!< what it belongs to; may be empty
    std::string_view
        cause; //!< "<position>" of the event or id of the command before it; may be empty
    std::string_view trace; //!< W3C traceparent; may be empty
    std::string_view data;  //!< Protocol Buffers wire format, written by domain/wire
};

//! An event that is in the log. Text is borrowed from the bytes it was read from.
struct recorded_event {
    position at = 0;
    event_draft fact;
    //! Canonical bytes (see record.hpp): what the chain hash is taken over, exports and copies carry.
    std::string_view canonical;
};

//! "<32 hex of the command>-<index>": the CloudEvents id, unique for ever.
//! Source: docs/decisions/0002_event_identity.md
inline constexpr std::size_t event_id_bytes_max = 32 + 1 + 10;

//! What an idempotency key remembers: kept beside the events of its command, in the same frame.
//! Scope is tenant and principal, so that two callers' keys never meet.
struct receipt_draft {
    std::string_view scope;   //!< "<tenant>/<principal>", 1 to 384 bytes
    std::string_view key;     //!< the client's key, 1 to 255 bytes
    id128 body_hash;          //!< first 16 bytes of SHA-256 over the canonical command(s)
    position first = 0;       //!< relative: index of the first event within the batch, from 0
    std::uint32_t count = 0;  //!< events of the command
    std::uint32_t status = 0; //!< what was answered, in the pipeline's own code (e.g. created)
    std::string_view command; //!< canonical command without secrets, when the declaration records it
};

//! A remembered receipt. Owns nothing heavy; `first` is the log position of the first event.
struct receipt {
    id128 body_hash;
    position first = 0;
    std::uint32_t count = 0;
    std::uint32_t status = 0;
};

//! Takes or gives back a unique name for a stream, in the same append as the events. Taking what
//! the stream already holds and giving back what nobody holds change nothing.
struct claim_draft {
    std::string_view name;   //!< "<kind>/<name>", 1 to 512 bytes
    std::string_view stream; //!< the holder; empty: the claim is released
};

} // namespace fasti
