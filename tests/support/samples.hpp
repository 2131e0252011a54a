// SPDX-License-Identifier: Apache-2.0
//! Samples of any declared struct: minimal, full, or random from a seed. Text lives in the maker.
#pragma once

#include "tests/support/fields.gen.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace fasti::test {

enum class sample_kind : std::uint8_t { minimal, full, random };

class sample_maker {
public:
    explicit sample_maker(sample_kind kind, std::uint64_t seed = 1) : kind_(kind), random_(seed) {}

    template <class Struct>
    Struct make() {
        Struct out;
        for_each_field(out, [this](const field_spec& spec, auto& member) { fill(spec, member); });
        return out;
    }

private:
    std::uint64_t pick(std::uint64_t least, std::uint64_t most) {
        return std::uniform_int_distribution<std::uint64_t>(least, most)(random_);
    }

    std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }

    std::string_view text(const field_spec& spec, std::uint64_t salt) {
        if (spec.text_type == "name") {
            return keep("name-" + std::to_string(salt));
        }
        if (spec.text_type == "token_id") {
            std::string digits = std::to_string(1'000'000'000'000'000 + salt);
            return keep(std::move(digits));
        }
        if (spec.text_type == "permission") {
            return keep("area_" + std::string(1 + salt % 5, 'x') + ":read");
        }
        if (kind_ == sample_kind::minimal) {
            return keep(std::string(spec.min_bytes, 'm'));
        }
        std::string made = std::string(spec.name) +
                           " gr\xC3\xBC\xC3\x9F"
                           "e \"\\/ " +
                           std::to_string(salt);
        if (spec.text_type == "tag") {
            made = "tag " + std::to_string(salt);
        }
        if (kind_ == sample_kind::random && spec.text_type.empty() && spec.min_bytes == 0 &&
            pick(0, 3) == 0) {
            made.clear();
        }
        if (made.size() > spec.max_bytes) {
            made = "t" + std::to_string(salt % 10);
        }
        return keep(std::move(made));
    }

    std::uint64_t salt() { return kind_ == sample_kind::random ? pick(0, 999) : 7; }

    std::uint64_t number(const field_spec& spec) {
        if (kind_ == sample_kind::minimal) {
            return spec.min;
        }
        if (kind_ == sample_kind::full) {
            return spec.max - (spec.max - spec.min) / 3;
        }
        switch (pick(0, 3)) {
            case 0: return spec.min;
            case 1: return spec.max;
            case 2: return pick(spec.min, std::min<std::uint64_t>(spec.max, spec.min + 300));
            default: return pick(spec.min, spec.max);
        }
    }

    std::size_t items(const field_spec& spec) {
        if (kind_ == sample_kind::minimal) {
            return spec.min_items;
        }
        const std::size_t most = std::min<std::size_t>(spec.max_items, 3);
        return kind_ == sample_kind::full ? most : pick(spec.min_items, most);
    }

    void fill(const field_spec& spec, std::string_view& out) { out = text(spec, salt()); }
    void fill(const field_spec&, bool& out) {
        out = kind_ == sample_kind::full || (kind_ == sample_kind::random && pick(0, 1) == 1);
    }
    void fill(const field_spec&, instant& out) {
        if (kind_ == sample_kind::full) {
            out = instant{1'763'733'780'123'456};
        } else if (kind_ == sample_kind::random) {
            out = instant{static_cast<std::int64_t>(pick(0, 300'000'000'000'000'000)) -
                          60'000'000'000'000'000};
        }
    }
    template <class Number>
    requires std::is_unsigned_v<Number>
    void fill(const field_spec& spec, Number& out) { out = static_cast<Number>(number(spec)); }
    template <class Enum>
    requires std::is_enum_v<Enum>
    void fill(const field_spec&, Enum& out) {
        out = static_cast<Enum>(kind_ == sample_kind::random ? pick(0, 2)
                                : kind_ == sample_kind::full ? 1
                                                             : 0);
    }
    template <class Struct>
    requires std::is_class_v<Struct>
    void fill(const field_spec&, Struct& out) { out = make<Struct>(); }
    template <class T>
    void fill(const field_spec& spec, std::optional<T>& out) {
        if (kind_ == sample_kind::full || (kind_ == sample_kind::random && pick(0, 1) == 1)) {
            fill(spec, out.emplace());
        }
    }
    void fill(const field_spec& spec, std::vector<std::string_view>& out) {
        for (std::size_t i = 0; i < items(spec); ++i) {
            out.push_back(text(spec, i));
        }
        std::sort(out.begin(), out.end());
        out.erase(std::unique(out.begin(), out.end()), out.end());
    }
    void fill(const field_spec& spec, std::vector<label>& out) {
        for (std::size_t i = 0; i < items(spec); ++i) {
            out.push_back(
                {keep("key " + std::to_string(i)), keep(i == 0 ? "" : "value \xE2\x82\xAC")});
        }
    }
    template <class T>
    void fill(const field_spec& spec, std::vector<T>& out) {
        for (std::size_t i = 0; i < items(spec); ++i) {
            fill(spec, out.emplace_back());
        }
    }

    sample_kind kind_;
    std::mt19937_64 random_;
    std::deque<std::string> kept_;
};

//! Calls `visit.template operator()<T>()` for each type of a tuple.
template <class Tuple, class Visitor>
void for_each_type(Visitor&& visit) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (visit.template operator()<std::tuple_element_t<I, Tuple>>(), ...);
    }
    (std::make_index_sequence<std::tuple_size_v<Tuple>>{});
}

} // namespace fasti::test
