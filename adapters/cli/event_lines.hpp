// SPDX-License-Identifier: Apache-2.0
//! One event on one line, for people.
#pragma once

#include "domain/wire/json.hpp"

#include <string>

namespace fasti::cli {

//! Of a CloudEvent as the API writes it: position, time, type, subject, who, why.
std::string event_line(json_value event);

} // namespace fasti::cli
