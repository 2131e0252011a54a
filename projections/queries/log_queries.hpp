// SPDX-License-Identifier: Apache-2.0
//! Queries that read the log itself: who changed what, why something is as it is, and which position
//! a moment means. Thread: any but the I/O thread: they may read much.
#pragma once

#include "domain/operations/operations.gen.hpp"
#include "eventstore/port/ledger.hpp"
#include "projections/queries/answer.hpp"

#include <string_view>

namespace fasti {

//! Events looked at for one page of activity; a page may end there and have a `next`.
inline constexpr std::uint64_t activity_events_max = 200'000;
//! Links of a causal chain.
inline constexpr std::size_t why_links_max = 64;

//! What `at` means: a token or bare position, an instant in RFC 3339, or "-5m" before now.
//! Errors: malformed; history_forked; position_unknown above the head or in the future.
result<position> resolve_at(std::string_view at, const ledger& facts, instant now);

//! Newest first. {"activity": [rows], "next": cursor}.
query_answer list_activity(const ledger& facts, const operations::list_activity_params& what,
                           const page& part);

//! From the newest event of a stream back to where it began: {"stream": ..., "chain": [...],
//! "complete": whether nothing led to the last link}. A link says how the walk came to it: "newest",
//! "cause" (the event before names it), "before" (the system acted on what the stream had been told).
//! Errors: event_unknown when the stream has no events.
query_answer get_why(const ledger& facts, const operations::get_why_params& what);

} // namespace fasti
