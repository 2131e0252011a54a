// SPDX-License-Identifier: Apache-2.0
//! Pages over the rows of past views. A cursor names the moments with the key, so that all pages of
//! one listing are of the same history. Pure; they may take long, and `progress` may stop them.
#pragma once

#include "domain/base/instant.hpp"
#include "domain/base/result.hpp"
#include "eventstore/port/ledger.hpp"
#include "projections/engine/past.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fasti::api {

//! One page ends at this many bytes, whatever the limit.
inline constexpr std::size_t view_page_bytes_max = 8 * 1024 * 1024;

struct view_question {
    std::string view;
    std::string from; //!< of a difference
    std::string to;   //!< of rows: the moment; empty: `newest`
    std::string cursor;
    std::uint32_t limit = 100;
    position newest = 0; //!< nothing above is told
    instant now;
};

struct view_page {
    std::string body;
    std::string position; //!< token of the later moment
};

//! {"view", "at": token, "rows": [...], "next"}. Errors: malformed, position_unknown, history_forked,
//! store_damaged, not_ready when progress stopped it.
result<view_page> page_of_rows(const view_question& asked, const ledger& facts, past_views& past,
                               const progress_sink& progress);

//! {"view", "from": token, "to": token, "rows": [{"key", "change", "before", "after"}], "next"}.
result<view_page> page_of_differences(const view_question& asked, const ledger& facts,
                                      past_views& past, const progress_sink& progress);

} // namespace fasti::api
