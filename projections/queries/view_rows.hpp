// SPDX-License-Identifier: Apache-2.0
//! Whole views row by row, and what differs between two moments of one: for replay.
//! Views: those that operations::view_name tells.
//! Thread: that of the views.
#pragma once

#include "domain/base/result.hpp"
#include "projections/engine/view_set.hpp"

#include <functional>
#include <optional>
#include <string_view>

namespace fasti {

//! One row that differs; empty JSON where there is no such row.
struct row_difference {
    std::string_view key;
    std::string_view before;
    std::string_view after;
};

//! Calls visit(key, json) for each row of a view in the order of keys, until it gives false.
//! Errors: malformed when there is no view of this name.
result<void> visit_rows(const view_set& views, std::string_view view,
                        const std::function<bool(std::string_view, std::string_view)>& visit);

//! The same for the rows behind a key that was visited before; without one it begins at the first row.
result<void> visit_rows_after(const view_set& views, std::string_view view,
                              std::optional<std::string_view> key,
                              const std::function<bool(std::string_view, std::string_view)>& visit);

//! Calls visit for each row that came, went or changed from one moment to the other, in the order of
//! keys, until it gives false. Holds both moments' rows of one view in memory as text.
//! Errors: malformed when there is no view of this name.
result<void> visit_differences(const view_set& before, const view_set& after, std::string_view view,
                               const std::function<bool(const row_difference&)>& visit);

//! The same for one whom `go_on` may stop while rows are still gathered. Errors: not_ready then.
struct two_moments {
    const view_set& before;
    const view_set& after;
};
result<void> visit_differences(const two_moments& of, std::string_view view,
                               const std::function<bool(const row_difference&)>& visit,
                               const std::function<bool()>& go_on);

} // namespace fasti
