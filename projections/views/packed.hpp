// SPDX-License-Identifier: Apache-2.0
//! Writing and reading the bytes that views keep: varints and length-prefixed text.
//! The reader never runs past its end: after the first wrong byte every read gives zero or nothing
//! and good() is false, so a caller may check once at the end of a row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace fasti::packed {

inline std::size_t varint_bytes(std::uint64_t value) noexcept {
    std::size_t bytes = 1;
    while (value >= 0x80) {
        value >>= 7U;
        ++bytes;
    }
    return bytes;
}

//! Writes into memory that the caller has measured.
inline char* put_varint(char* at, std::uint64_t value) noexcept {
    while (value >= 0x80) {
        *at++ = static_cast<char>(value | 0x80U);
        value >>= 7U;
    }
    *at++ = static_cast<char>(value);
    return at;
}

inline char* put_text(char* at, std::string_view text) noexcept {
    at = put_varint(at, text.size());
    if (!text.empty()) {
        std::memcpy(at, text.data(), text.size());
    }
    return at + text.size();
}

inline std::size_t text_bytes(std::string_view text) noexcept {
    return varint_bytes(text.size()) + text.size();
}

inline void append_varint(std::string& out, std::uint64_t value) {
    char bytes[10];
    out.append(bytes, put_varint(bytes, value));
}

//! Small negative numbers stay short.
inline void append_signed(std::string& out, std::int64_t value) {
    append_varint(
        out, (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63U));
}

inline void append_text(std::string& out, std::string_view text) {
    append_varint(out, text.size());
    out.append(text);
}

inline void append_fixed64(std::string& out, std::uint64_t value) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
        out.push_back(static_cast<char>(value >> shift));
    }
}

class reader {
public:
    explicit reader(std::string_view bytes) noexcept : rest_(bytes) {}

    bool good() const noexcept { return good_; }
    //! Whether everything was read, and read well.
    bool finished() const noexcept { return good_ && rest_.empty(); }
    std::size_t left() const noexcept { return rest_.size(); }

    std::uint64_t varint() noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
            if (byte < 0x80) {
                return value;
            }
        }
        return fail();
    }

    std::int64_t signed_varint() noexcept {
        const std::uint64_t raw = varint();
        return static_cast<std::int64_t>(raw >> 1U) ^ -static_cast<std::int64_t>(raw & 1U);
    }

    //! A varint that must not be above `most`.
    std::uint64_t bounded(std::uint64_t most) noexcept {
        const std::uint64_t value = varint();
        return value <= most ? value : fail();
    }

    //! A count of things that take at least `bytes_each`: bounded by what is left, so that damaged
    //! bytes reserve no memory.
    std::size_t count(std::size_t bytes_each) noexcept {
        return bounded(rest_.size() / bytes_each);
    }

    std::string_view bytes(std::size_t size) noexcept {
        if (size > rest_.size()) {
            fail();
            return {};
        }
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    std::string_view text() noexcept { return bytes(varint()); }

    std::uint64_t fixed64() noexcept {
        const std::string_view raw = bytes(8);
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < raw.size(); ++i) {
            value |= static_cast<std::uint64_t>(static_cast<unsigned char>(raw[i])) << (8 * i);
        }
        return value;
    }

    std::uint64_t fail() noexcept {
        good_ = false;
        rest_ = {};
        return 0;
    }

private:
    std::string_view rest_;
    bool good_ = true;
};

} // namespace fasti::packed
