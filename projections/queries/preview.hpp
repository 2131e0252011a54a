// SPDX-License-Identifier: Apache-2.0
//! What a dry run would change: the rows of the affected keys before and after, found by folding
//! the planned events into small views that hold just these keys. The live views stay untouched.
//! Thread: that of the views.
#pragma once

#include "projections/engine/view_set.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fasti {

//! An event that would be appended. Text is borrowed.
struct planned_fact {
    std::string_view type;
    std::uint32_t revision = 1;
    std::string_view stream;
    std::uint64_t stream_version = 0;
    std::string_view data;
};

struct preview_context {
    instant now;
    std::string_view actor;
};

//! A JSON array: [{"view": "instances", "key": "web/web-1", "before": row, "after": row}, ...], null
//! where there is no row. Views: services, instances, tokens. Rows that would stay are left out.
std::string preview(const view_set& live, std::span<const planned_fact> planned,
                    const preview_context& context);

} // namespace fasti
