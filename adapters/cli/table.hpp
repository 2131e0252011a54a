// SPDX-License-Identifier: Apache-2.0
//! Answers as aligned tables for people.
#pragma once

#include "domain/wire/json.hpp"

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::cli {

//! How much room a text takes on a terminal; code points, so close enough for names and numbers.
std::size_t shown_width(std::string_view text);
//! Control characters made visible: what others wrote must not steer the reader's terminal.
std::string shown_text(std::string_view text);

//! "1 row", "2 rows".
std::string counted(std::uint64_t count, std::string_view what);

class table {
public:
    explicit table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    bool empty() const noexcept { return rows_.empty(); }
    //! Columns that are empty in every row are left out.
    void print(std::ostream& out, bool bold_heads) const;

private:
    std::vector<std::string> heads_;
    std::vector<std::vector<std::string>> rows_;
};

//! "name  value" lines of an object; objects and lists of objects inside are indented below, empty
//! ones are "none".
void print_members(json_value object, std::ostream& out, std::size_t indent = 0);

//! The rows of an answer: the answer itself when it is a list, else its one list of objects.
json_value rows_of(json_value answer);

//! A table of objects in these columns; none given: those of the first row that are no objects.
//! "None." when there are no rows.
void print_rows(const std::vector<json_value>& rows, const std::vector<std::string>& columns,
                std::ostream& out, bool bold_heads);

//! One changed row: "+ key" new, "- key" gone, "~ key  member: before -> after" otherwise.
void print_change(std::string_view key, json_value before, json_value after, std::ostream& out);

//! Text, list or labels in one cell.
std::string cell_text(json_value value);

} // namespace fasti::cli
