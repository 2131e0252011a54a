// SPDX-License-Identifier: Apache-2.0
//! Appends JSON to a string: no tree, no allocation besides the string itself.
#pragma once

#include "domain/base/instant.hpp"
#include "domain/base/label.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
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

    // Members: a name and its value.

    void text(std::string_view name_of, std::string_view value) {
        name(name_of);
        text(value);
    }
    template <class Number>
    void number(std::string_view name_of, Number value) {
        name(name_of);
        number(value);
    }
    void boolean(std::string_view name_of, bool value) {
        name(name_of);
        boolean(value);
    }
    void moment(std::string_view name_of, instant value) {
        name(name_of);
        moment(value);
    }

    //! A complete JSON value made elsewhere.
    void raw(std::string_view json) {
        comma();
        out_ += json;
    }

    std::string& out() noexcept { return out_; }

private:
    friend class json_members;

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

//! One flat object, written into room that is made once: how generated code writes rows and facts.
//! Shape: json_members to(writer, 12 + json_bytes(what.service)); to.member(",\"service\":");
//!        to.text(what.service); ... to.end(). Every name begins with its comma; end() mends the first.
class json_members {
public:
    //! `bytes`: the names and json_bytes() of every value. Escapes need more and make it themselves.
    json_members(json_writer& to, std::size_t bytes);
    json_members(const json_members&) = delete;
    json_members& operator=(const json_members&) = delete;
    void end();

    void member(std::string_view name) noexcept {
        std::memcpy(at_, name.data(), name.size());
        at_ += name.size();
    }
    void text(std::string_view value);
    void number(std::uint64_t value);
    void number(std::int64_t value);
    void number(std::uint32_t value) { number(std::uint64_t{value}); }
    void number(std::uint16_t value) { number(std::uint64_t{value}); }
    void boolean(bool value) { member(value ? "true" : "false"); }
    void moment(instant value);
    void texts(const std::vector<std::string_view>& values);
    void labels(const std::vector<label>& values);

private:
    void text_with_escapes(std::string_view value);

    json_writer& to_;
    std::size_t start_; //!< of the object in the writer's text
    char* at_;
};

// The most that a value without escapes takes.
inline std::size_t json_bytes(std::string_view value) { return value.size() + 2; }
constexpr std::size_t json_bytes(std::uint64_t) { return 20; }
constexpr std::size_t json_bytes(std::int64_t) { return 20; }
constexpr std::size_t json_bytes(std::uint32_t) { return 10; }
constexpr std::size_t json_bytes(std::uint16_t) { return 5; }
constexpr std::size_t json_bytes(bool) { return 5; }
constexpr std::size_t json_bytes(instant) { return 29; }
std::size_t json_bytes(const std::vector<std::string_view>& values);
std::size_t json_bytes(const std::vector<label>& values);

} // namespace fasti
