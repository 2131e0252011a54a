// SPDX-License-Identifier: Apache-2.0
//! In which rows two states of one part differ, told for people.
#pragma once

#include "projections/engine/view_set.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

//! The views whose rows are folded in a part; none for parts without rows.
std::vector<std::string_view> views_of_part(std::string_view part);

//! One line for each row: "instances web/web-1: port is 81, a fold gives 80". `other` are bytes of the
//! same part. False when they cannot be read as such.
bool tell_row_differences(const view_set& folded, std::string_view part, std::string_view other,
                          const std::function<void(std::string)>& tell);

//! The members of two JSON objects that differ, as "<name> is <value>, a fold gives <value>".
std::string tell_members(std::string_view other, std::string_view folded);

} // namespace fasti
