// SPDX-License-Identifier: Apache-2.0
//! What a view's snapshot depends on, as one number: the declared events it folds, with their
//! revisions, and the view's own code revision. A snapshot of another number is not read.
#pragma once

#include "domain/base/ids.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace fasti {

template <class Events>
struct declared_events;

template <class... Event>
struct declared_events<std::variant<Event...>> {
    static void list(std::string& out) {
        ((out.append(Event::type_name)
              .append("/")
              .append(std::to_string(Event::revision_now))
              .append(" ")),
         ...);
    }
};

template <class Events>
std::uint64_t declared_fingerprint(std::string_view view, std::uint64_t code_revision) {
    std::string text{view};
    text.append(" ").append(std::to_string(code_revision)).append(" ");
    declared_events<Events>::list(text);
    return hash64(text);
}

} // namespace fasti
