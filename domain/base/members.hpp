// SPDX-License-Identifier: Apache-2.0
//! Lists of members: fields that several structs have in common, named once and reached in any of them.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace fasti {

template <class Of, std::size_t Count>
using text_members = std::array<std::string_view Of::*, Count>;

//! What the members hold, from the First-th on. Always inline: the list then leaves no trace.
template <std::size_t First = 0, class Of, std::size_t Count>
[[gnu::always_inline]] inline std::array<std::string_view, Count - First> values_of(
    const Of& of, const text_members<Of, Count>& members) {
    return [&]<std::size_t... At>(std::index_sequence<At...>) {
        return std::array<std::string_view, Count - First>{of.*members[First + At]...};
    }
    (std::make_index_sequence<Count - First>());
}

//! Where a member stands in a list; it must be there.
template <class Of, std::size_t Count>
consteval std::size_t place_of(std::string_view Of::*member,
                               const text_members<Of, Count>& members) {
    std::size_t at = 0;
    while (members[at] != member) { // past the end there is no constant
        ++at;
    }
    return at;
}

} // namespace fasti
