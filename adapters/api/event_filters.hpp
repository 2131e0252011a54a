// SPDX-License-Identifier: Apache-2.0
//! `type`, `stream`, `service` and `tenant` of requests that read events.
#pragma once

#include "commands/access/access.hpp"
#include "domain/base/result.hpp"
#include "eventstore/port/ledger.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fasti::api {

//! As read from a query; borrowed.
struct asked_filter {
    std::span<const std::string_view> types = {}; //!< declared names, or with event_type_prefix
    std::optional<std::string_view> stream = {};
    std::optional<std::string_view> service = {};
    std::optional<std::string_view> tenant = {};
};

//! Callers of a tenant see their own tenant only, whatever they ask for.
//! Errors: fields_invalid (a type that is not declared, the nearest one named), permission_denied.
result<event_filter> make_event_filter(const asked_filter& asked, const principal& caller);

//! Equal for filters that match the same by their parts: followers with equal keys share the work.
std::string key_of(const event_filter& filter);

} // namespace fasti::api
