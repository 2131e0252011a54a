// SPDX-License-Identifier: Apache-2.0
//! What a query gives back: the body as it goes out, and what a waiter or a cache must know of it.
#pragma once

#include "domain/base/ids.hpp"
#include "domain/base/result.hpp"
#include "domain/wire/fields.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fasti {

//! Which part of a list is wanted.
struct page {
    std::string_view cursor = {};        //!< as the page before gave it; empty: the beginning
    std::uint32_t limit = limit_default; //!< rows at most
};

inline page page_of(const common_params& common) {
    return {common.cursor, common.limit.value_or(limit_default)};
}

//! An answer that did not change keeps `changed` and `digest`; that holds for failures too, so that
//! one can wait for a thing to come into being.
//! Blocking queries: with `changed` above the client's index, answer at once. Else remember the
//! digest and ask again after each batch: answer when the digest is another. (`changed` may also
//! move because of a neighbour that a filter leaves out: the digest then stays.)
struct query_answer {
    std::string body; //!< complete JSON; empty when failed
    std::optional<error> failure;
    position changed = 0;     //!< no event after this one changed the answer
    std::uint64_t digest = 0; //!< of what the answer rests on; for a pick the candidates
    //! Its entity tag when that is not the digest: a row with a stream of its own begins it with the
    //! stream's version, so that If-Match can name it.
    std::string tag;
    std::string parked; //!< a sentence when rows of it stand still; see view_set
};

//! The services whose events may change an answer that is waited for: those whose names begin so, or the
//! `one` of that name. As it is: everybody's, also events that are about no service.
struct watched_services {
    std::string name = {};
    bool one = false;

    //! Of names in order.
    bool has_any_of(std::span<const std::string_view> services) const {
        const auto at = std::lower_bound(services.begin(), services.end(), name);
        return at != services.end() && (one ? *at == name : at->starts_with(name));
    }
};

//! A digest as an entity tag shows it.
inline std::string tag_of(std::uint64_t digest) {
    char text[16];
    const auto end = std::to_chars(text, text + sizeof text, digest, 16);
    return {text, end.ptr};
}

} // namespace fasti
