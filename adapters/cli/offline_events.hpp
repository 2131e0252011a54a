// SPDX-License-Identifier: Apache-2.0
//! `events list|show|tail|export --data DIR`: the same events in the same form, read beside a server.
#pragma once

#include "adapters/cli/session.hpp"

#include <iosfwd>

namespace fasti::cli {

int list_events_here(session& at, const arguments& given);
int show_event_here(session& at, const arguments& given);
int tail_events_here(session& at, const arguments& given);
int export_events_here(session& at, const arguments& given, std::ostream& out);

} // namespace fasti::cli
