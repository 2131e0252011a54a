// SPDX-License-Identifier: Apache-2.0
//! The body of a list: {"<name>": [rows...], "next": "<cursor>"}; `next` only when there is more.
#pragma once

#include "domain/wire/json_writer.hpp"
#include "projections/queries/answer.hpp"
#include "projections/queries/cursor.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace fasti {

class list_body {
public:
    //! Rows looked at for one page, whether they match or not.
    static constexpr std::uint32_t looked_at_max = 20'000;

    list_body(std::string& out, std::string_view name, std::uint32_t limit)
        : writer_(out), limit_(limit) {
        writer_.begin_object();
        writer_.name(name);
        writer_.begin_array();
    }

    //! Whether one more row may be looked at; else the list ends here and goes on after the last key.
    bool more() {
        if (rows_ == limit_ || looked_at_ == looked_at_max) {
            cut_ = true;
            return false;
        }
        ++looked_at_;
        return true;
    }
    //! The row just looked at is behind the cursor, whether it was added or not.
    void passed(std::string_view key) { last_key_ = key; }
    template <class Row>
    void add(const Row& row) {
        write_json(writer_, row);
        ++rows_;
    }

    //! There may be more behind the last key, but it is not looked at now.
    void cut() noexcept { cut_ = true; }

    void finish() {
        writer_.end_array();
        if (cut_) {
            writer_.name("next");
            writer_.text(write_cursor(last_key_));
        }
        writer_.end_object();
    }

private:
    json_writer writer_;
    std::uint32_t limit_;
    std::uint32_t rows_ = 0;
    std::uint32_t looked_at_ = 0;
    std::string last_key_;
    bool cut_ = false;
};

} // namespace fasti
