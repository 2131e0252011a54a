// SPDX-License-Identifier: Apache-2.0
//! What decide and evolve are told beside state and command or event: time, ids and who, as data.
#pragma once

#include "domain/base/ids.hpp"
#include "domain/base/instant.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace fasti {

//! Given to decide. All of it is recorded with the events, so that deciding again gives the same.
struct decision_context {
    instant now = {};
    std::string_view actor = {};  //!< "token/<id>", "system/leases", ...
    std::string_view tenant = {}; //!< empty: the default tenant
    std::span<const std::string_view> actor_permissions = {};
    id128 fresh = {}; //!< random, for ids that decide makes
};

//! Given to evolve: where and when the event was recorded.
struct event_context {
    instant recorded = {};
    std::uint64_t stream_version = 0;
    position at = 0;
    std::string_view actor = {};
};

} // namespace fasti
