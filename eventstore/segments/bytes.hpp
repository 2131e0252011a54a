// SPDX-License-Identifier: Apache-2.0
//! Little-endian numbers in memory: a writer and a reader that walk along.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace fasti::segments {

static_assert(std::endian::native == std::endian::little,
              "numbers are copied as they lie in memory: a big-endian port swaps here");

struct byte_writer {
    char* at;

    template <class Number>
    void number(Number value) noexcept {
        std::memcpy(at, &value, sizeof value);
        at += sizeof value;
    }
    void bytes(std::string_view value) noexcept {
        if (!value.empty()) {
            std::memcpy(at, value.data(), value.size());
            at += value.size();
        }
    }
};

//! Reading past the end sets `bad` and gives zeros.
struct byte_reader {
    std::string_view rest;
    bool bad = false;

    template <class Number>
    Number number() noexcept {
        Number value{};
        if (rest.size() < sizeof value) {
            bad = true;
            return value;
        }
        std::memcpy(&value, rest.data(), sizeof value);
        rest.remove_prefix(sizeof value);
        return value;
    }
    std::string_view bytes(std::size_t size) noexcept {
        if (rest.size() < size) {
            bad = true;
            return {};
        }
        const std::string_view value = rest.substr(0, size);
        rest.remove_prefix(size);
        return value;
    }
    template <class Array>
    void fill(Array& array) noexcept {
        const std::string_view value = bytes(array.size());
        if (!value.empty()) {
            std::memcpy(array.data(), value.data(), value.size());
        }
    }
};

} // namespace fasti::segments
