// SPDX-License-Identifier: Apache-2.0
//! Numbers and texts packed one after the other: the form of write-model records and snapshots.
//! Shape: numbers as varints (LEB128, shortest form only), texts as length and bytes. One value has
//! one form, so equal states pack to equal bytes, and what reads well writes back the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace fasti {

inline void pack(std::uint64_t value, std::string& out) {
    while (value >= 0x80) {
        out.push_back(static_cast<char>(value | 0x80U));
        value >>= 7U;
    }
    out.push_back(static_cast<char>(value));
}

inline void pack(std::string_view text, std::string& out) {
    pack(std::uint64_t{text.size()}, out);
    out.append(text);
}

//! Small negative numbers stay short.
inline void pack_signed(std::int64_t value, std::string& out) {
    pack((static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63U), out);
}

//! Eight bytes, little-endian, for what is as often large as small.
inline void pack_fixed64(std::uint64_t value, std::string& out) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
        out.push_back(static_cast<char>(value >> shift));
    }
}

//! Room for an instance in a snapshot, as most are: what is reserved and not used costs no memory, while growing
//! by doubling touches every byte anew.
inline constexpr std::size_t packed_instance_room = 384;

//! How many bytes packing takes.
inline std::size_t packed_bytes(std::uint64_t value) noexcept {
    std::size_t bytes = 1;
    for (; value >= 0x80; value >>= 7U) {
        ++bytes;
    }
    return bytes;
}
inline std::size_t packed_bytes(std::string_view text) noexcept {
    return packed_bytes(std::uint64_t{text.size()}) + text.size();
}

//! The same to memory that the caller has measured; returns where it goes on.
inline char* put_packed(char* at, std::uint64_t value) noexcept {
    for (; value >= 0x80; value >>= 7U) {
        *at++ = static_cast<char>(value | 0x80U);
    }
    *at++ = static_cast<char>(value);
    return at;
}
inline char* put_packed(char* at, std::string_view text) noexcept {
    at = put_packed(at, std::uint64_t{text.size()});
    if (!text.empty()) {
        std::memcpy(at, text.data(), text.size());
    }
    return at + text.size();
}

//! Reads from the front; after the first fault `ok()` is false for good and values are empty.
class packed_reader {
public:
    explicit packed_reader(std::string_view bytes) noexcept : rest_(bytes) {}

    bool ok() const noexcept { return ok_; }
    bool at_end() const noexcept { return rest_.empty(); }
    //! Whether everything was read, and read well.
    bool finished() const noexcept { return ok_ && rest_.empty(); }
    //! Bytes that are left: a bound on how many items can follow.
    std::size_t left() const noexcept { return rest_.size(); }
    std::string_view rest() const noexcept { return rest_; }

    std::uint64_t number() noexcept {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < rest_.size() && i < 10; ++i) {
            const auto byte = static_cast<std::uint8_t>(rest_[i]);
            value |= std::uint64_t{byte & 0x7FU} << (7 * i);
            if (byte < 0x80) {
                if ((byte == 0 && i > 0) || (i == 9 && byte > 1)) {
                    break; // not the shortest form, or more than 64 bits
                }
                rest_.remove_prefix(i + 1);
                return value;
            }
        }
        return fail();
    }

    //! A number that is at most `most`.
    std::uint64_t number_to(std::uint64_t most) noexcept {
        const std::uint64_t value = number();
        return value <= most ? value : fail();
    }

    std::int64_t signed_number() noexcept {
        const std::uint64_t raw = number();
        return static_cast<std::int64_t>(raw >> 1U) ^ -static_cast<std::int64_t>(raw & 1U);
    }

    std::uint64_t fixed64() noexcept {
        const std::string_view raw = bytes(8);
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < raw.size(); ++i) {
            value |= std::uint64_t{static_cast<std::uint8_t>(raw[i])} << (8 * i);
        }
        return value;
    }

    //! A count of items that take at least so many bytes each: no more than can follow, so that
    //! damaged bytes reserve no memory.
    std::size_t count(std::size_t bytes_each) noexcept {
        return number_to(rest_.size() / bytes_each);
    }

    std::string_view bytes(std::size_t size) noexcept {
        if (size > rest_.size()) {
            fail();
            return {};
        }
        const std::string_view found = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return found;
    }

    std::string_view text() noexcept { return bytes(number()); }

    std::uint64_t fail() noexcept {
        ok_ = false;
        rest_ = {};
        return 0;
    }

private:
    std::string_view rest_;
    bool ok_ = true;
};

} // namespace fasti
