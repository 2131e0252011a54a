// SPDX-License-Identifier: Apache-2.0
//! Appends JSON to a string: no tree, no allocation besides the string itself.
#pragma once

#include "domain/base/instant.hpp"
#include "domain/base/label.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

//! Commas come by themselves: one is due unless the text ends where a value may begin.
//! Text must be UTF-8: everything that came in was checked.
class json_writer {
public:
    explicit json_writer(std::string& out) noexcept : out_(out), start_(out.size()) {}

    void begin_object() { open('{'); }
    void end_object() { out_ += '}'; }
    void begin_array() { open('['); }
    void end_array() { out_ += ']'; }

    //! A member's name; its value is what comes next.
    void name(std::string_view text);
    //! The same for a name known to need no escapes, already written as `"name":`.
    void quoted_name(std::string_view quoted) {
        comma();
        out_ += quoted;
    }

    void text(std::string_view value);
    void number(std::uint64_t value);
    void number(std::int64_t value);
    void number(std::uint32_t value) { number(std::uint64_t{value}); }
    void number(std::uint16_t value) { number(std::uint64_t{value}); }
    //! The shortest form that reads back the same; null when there is no such number.
    void number(double value);
    void boolean(bool value);
    void null();
    void moment(instant value); //!< RFC 3339
    void texts(const std::vector<std::string_view>& values);
    void labels(const std::vector<label>& values);
    //! A complete JSON value made elsewhere.
    void raw(std::string_view json) {
        comma();
        out_ += json;
    }

    std::string& out() noexcept { return out_; }

private:
    void open(char bracket) {
        comma();
        out_ += bracket;
    }
    void comma() {
        if (out_.size() > start_) {
            const char last = out_.back();
            if (last != '{' && last != '[' && last != ':') {
                out_ += ',';
            }
        }
    }
    void quoted(std::string_view value);

    std::string& out_;
    std::size_t start_;
};

} // namespace fasti
