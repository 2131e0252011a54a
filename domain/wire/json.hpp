// SPDX-License-Identifier: Apache-2.0
//! JSON that came from outside, read once into a flat list of nodes. The only JSON parser of the
//! tree: iterative, so that depth costs no stack, strict about encoding, and without duplicate keys.
#pragma once

#include "domain/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

enum class json_kind : std::uint8_t {
    absent, //!< what find() gives when there is no such member
    null,
    boolean,
    integer, //!< a whole number that fits in 64 bits, written without fraction or exponent
    number,  //!< any other number
    text,
    array,
    object,
};

struct json_limits {
    std::size_t bytes_max = 1024U * 1024U;
    std::size_t depth_max = 32;
};

//! One value in document order; `end` is the index after its last descendant.
struct json_node {
    json_kind kind = json_kind::absent;
    bool negative = false; //!< of an integer or number
    bool beyond = false;   //!< a number whose size no 64-bit integer has
    std::uint32_t end = 1;
    std::uint32_t count = 0; //!< members or items
    std::uint64_t bits = 0;  //!< integer: two's complement; number: of its double; boolean: 0 or 1
    std::string_view key = {};
    std::string_view text = {};
};

struct json_member;

//! Points at a value of a document; valid until the document parses again.
class json_value {
public:
    json_value() = default; //!< absent
    json_value(const json_node* nodes, std::uint32_t at) noexcept : nodes_(nodes), at_(at) {}

    explicit operator bool() const noexcept { return node().kind != json_kind::absent; }
    json_kind kind() const noexcept { return node().kind; }
    bool is(json_kind kind) const noexcept { return node().kind == kind; }
    //! Items of an array or members of an object.
    std::uint32_t size() const noexcept { return node().count; }
    std::string_view text() const noexcept { return node().text; }
    bool boolean() const noexcept { return node().bits != 0; }
    //! As json_node says, for those who write a value again.
    std::uint64_t bits() const noexcept { return node().bits; }
    bool negative() const noexcept { return node().negative; }
    //! A number too large for any integer field, whatever else it is.
    bool beyond() const noexcept { return node().beyond; }
    //! Nothing for negative integers and for what is no integer.
    std::optional<std::uint64_t> as_unsigned() const noexcept;
    //! The member of this name; absent when this is no object or does not have it.
    json_value find(std::string_view name) const noexcept;

    class iterator {
    public:
        using value_type = json_member;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;

        iterator() = default;
        iterator(const json_node* nodes, std::uint32_t at) noexcept : nodes_(nodes), at_(at) {}
        json_member operator*() const noexcept;
        iterator& operator++() noexcept {
            at_ = nodes_[at_].end;
            return *this;
        }
        bool operator==(const iterator&) const = default;

    private:
        const json_node* nodes_ = nullptr;
        std::uint32_t at_ = 0;
    };

    //! Over the items of an array (with empty names) or the members of an object.
    iterator begin() const noexcept { return {nodes_, at_ + 1}; }
    iterator end() const noexcept { return {nodes_, node().end}; }

private:
    static constexpr json_node nothing_{};

    const json_node& node() const noexcept { return nodes_[at_]; }

    const json_node* nodes_ = &nothing_;
    std::uint32_t at_ = 0;
};

struct json_member {
    std::string_view name;
    json_value value;
};

inline json_member json_value::iterator::operator*() const noexcept {
    return {nodes_[at_].key, json_value{nodes_, at_}};
}

//! Reusable: keeps its room from one parse to the next.
class json_document {
public:
    //! Parses in place: `text` may be overwritten and is lent to the values.
    //! Errors: body_too_large; malformed for anything that is not one JSON text in UTF-8, nests
    //!         deeper than the limit or has an object with the same key twice.
    result<void> parse(std::string& text, const json_limits& limits = {});

    //! The whole text's value; only after a successful parse.
    json_value root() const noexcept { return {nodes_.data(), 0}; }

private:
    std::vector<json_node> nodes_;
};

} // namespace fasti
