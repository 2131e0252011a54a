// SPDX-License-Identifier: Apache-2.0
//! The steps that generated readers are made of: one value, checked against its declared rule.
//! What is wrong goes to `errors`; the target is then unspecified and not to be used.
#pragma once

#include "domain/base/label.hpp"
#include "domain/wire/fields.hpp"
#include "domain/wire/json.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::wire {

struct text_rule {
    std::size_t min_bytes = 0;
    std::size_t max_bytes = 0;
    bool (*valid)(std::string_view) noexcept = nullptr; //!< of a declared type
    std::string_view pattern = {};                      //!< told when it is not
};

struct number_rule {
    std::uint64_t min = 0;
    std::uint64_t max = 0;
};

struct list_rule {
    std::size_t min_items = 0;
    std::size_t max_items = 0;
};

struct labels_rule {
    std::size_t max_items = 0;
    std::size_t max_key_bytes = 0;
    std::size_t max_value_bytes = 0;
};

//! Index of a name, looked for first where the last one lets expect it; names.size(): unknown.
inline std::size_t find_name(std::span<const std::string_view> names, std::string_view name,
                             std::size_t expected) noexcept {
    for (std::size_t i = expected; i < names.size(); ++i) {
        if (names[i] == name) {
            return i;
        }
    }
    for (std::size_t i = 0; i < expected && i < names.size(); ++i) {
        if (names[i] == name) {
            return i;
        }
    }
    return names.size();
}

bool is_object(const json_value& value, field_errors& errors);
void add_unknown(std::span<const std::string_view> names, std::string_view name,
                 field_errors& errors);
//! One error for each bit of `missing`.
void add_missing(std::span<const std::string_view> names, std::uint64_t missing,
                 field_errors& errors);

// From text: path fields and query parameters.

void take_text(std::string_view value, std::string_view name, const text_rule& rule,
               std::string_view& out, field_errors& errors);
void take_bool(std::string_view value, std::string_view name, bool& out, field_errors& errors);
std::optional<std::uint64_t> take_whole(std::string_view value, std::string_view name,
                                        const number_rule& rule, field_errors& errors);
//! A path field: taken, or compared when the body has it too.
void take_path_text(const path_field& given, const text_rule& rule, bool in_body,
                    std::string_view& out, field_errors& errors);

template <class Number>
void take_number(std::string_view value, std::string_view name, const number_rule& rule,
                 Number& out, field_errors& errors) {
    if (const auto number = take_whole(value, name, rule, errors)) {
        out = static_cast<Number>(*number);
    }
}

template <class Enum>
void take_enumerator(std::string_view value, std::string_view name,
                     std::optional<Enum> (*from_name)(std::string_view) noexcept,
                     std::string_view choices, Enum& out, field_errors& errors) {
    if (const std::optional<Enum> known = from_name(value)) {
        out = *known;
    } else {
        errors.add(name, "Must be one of " + std::string(choices) + ".");
    }
}

// From JSON.

void read_text(const json_value& value, std::string_view name, const text_rule& rule,
               std::string_view& out, field_errors& errors);
void read_bool(const json_value& value, std::string_view name, bool& out, field_errors& errors);
std::optional<std::uint64_t> read_whole(const json_value& value, std::string_view name,
                                        const number_rule& rule, field_errors& errors);
//! Sorts the texts; the same one twice is refused.
void read_texts(const json_value& value, std::string_view name, const list_rule& rule,
                const text_rule& item, std::vector<std::string_view>& out, field_errors& errors);
//! Sorts by key.
void read_labels(const json_value& value, std::string_view name, const labels_rule& rule,
                 std::vector<label>& out, field_errors& errors);
//! Whether it is an array of a length that is taken.
bool is_list(const json_value& value, std::string_view name, const list_rule& rule,
             field_errors& errors);

template <class Number>
void read_number(const json_value& value, std::string_view name, const number_rule& rule,
                 Number& out, field_errors& errors) {
    if (const auto number = read_whole(value, name, rule, errors)) {
        out = static_cast<Number>(*number);
    }
}

template <class Enum>
void read_enumerator(const json_value& value, std::string_view name,
                     std::optional<Enum> (*from_name)(std::string_view) noexcept,
                     std::string_view choices, Enum& out, field_errors& errors) {
    std::string_view text;
    if (value.is(json_kind::text)) {
        text = value.text();
    }
    take_enumerator(text, name, from_name, choices, out, errors);
}

//! A list of declared structs, in the order given.
template <class Struct>
void read_structs(const json_value& value, std::string_view name, const list_rule& rule,
                  std::vector<Struct>& out, field_errors& errors) {
    if (!is_list(value, name, rule, errors)) {
        return;
    }
    out.reserve(value.size());
    const std::size_t mark = errors.enter(name);
    std::size_t index = 0;
    for (const json_member item : value) {
        const std::size_t inner = errors.enter(index++);
        read_json(item.value, out.emplace_back(), errors);
        errors.leave(inner);
    }
    errors.leave(mark);
}

//! Reads common parameters one by one, for read_common and for queries with their own.
class common_reader {
public:
    common_reader(const common_allowed& allowed, common_params& out, field_errors& errors) noexcept
        : allowed_(allowed), out_(out), errors_(errors) {}

    //! False when it is no common parameter that this operation takes.
    bool take(const query_param& given);
    void add_unknown(std::span<const std::string_view> own, std::string_view name);

private:
    bool takes(std::size_t index) const noexcept;
    void take_token(const query_param& given, std::string_view& out);
    void take_wait(const query_param& given);

    common_allowed allowed_;
    common_params& out_;
    field_errors& errors_;
    std::uint32_t seen_ = 0;
};

//! Tells a parameter that may stand once and stands again.
bool is_first(std::uint64_t& seen, std::size_t index, std::string_view name, field_errors& errors);

} // namespace fasti::wire
