// SPDX-License-Identifier: Apache-2.0
//! The Protocol Buffers wire format for the generated stored codecs, canonical form only:
//! fields in ascending order, shortest varints, empty values left out. Whatever reads back is
//! what would be written again, byte for byte.
//! Source: docs/decisions/0010_stored_codec.md
#pragma once

#include "domain/base/check.hpp"
#include "domain/base/instant.hpp"
#include "domain/base/label.hpp"

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::wire {

//! Whether an empty value may stand in the bytes: only where presence itself says something.
enum class empty_is : std::uint8_t { left_out, written };

constexpr std::uint64_t zigzag(std::int64_t value) noexcept {
    return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63);
}

constexpr std::int64_t unzigzag(std::uint64_t value) noexcept {
    return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
}

inline std::size_t varint_size(std::uint64_t value) noexcept {
    std::size_t size = 1;
    for (; value >= 0x80; value >>= 7U) {
        ++size;
    }
    return size;
}

inline void put_varint(std::string& out, std::uint64_t value) {
    char bytes[10];
    std::size_t size = 0;
    for (; value >= 0x80; value >>= 7U) {
        bytes[size++] = static_cast<char>((value & 0x7FU) | 0x80U);
    }
    bytes[size++] = static_cast<char>(value);
    out.append(bytes, size);
}

//! A length-delimited field: text, bytes or a message.
inline void put_text(std::string& out, std::uint32_t tag, std::string_view text) {
    put_varint(out, tag);
    put_varint(out, text.size());
    out.append(text);
}

inline void put_number(std::string& out, std::uint32_t tag, std::uint64_t value) {
    put_varint(out, tag);
    put_varint(out, value);
}

//! A message whose length is known only after `body` has written it.
template <class Body>
void put_nested(std::string& out, std::uint32_t tag, Body&& body) {
    put_varint(out, tag);
    const std::size_t at = out.size();
    body();
    const std::size_t size = out.size() - at;
    char length[10];
    std::size_t count = 0;
    std::uint64_t rest = size;
    for (; rest >= 0x80; rest >>= 7U) {
        length[count++] = static_cast<char>((rest & 0x7FU) | 0x80U);
    }
    length[count++] = static_cast<char>(rest);
    out.insert(at, length, count);
}

//! Map entries, key = 1 and value = 2, both always written.
inline void put_labels(std::string& out, std::uint32_t tag, const std::vector<label>& labels) {
    const label* before = nullptr;
    for (const label& one : labels) {
        check(before == nullptr || before->key < one.key,
              "labels are sorted by key without doubles");
        before = &one;
        put_varint(out, tag);
        put_varint(out, 2 + varint_size(one.key.size()) + one.key.size() +
                            varint_size(one.value.size()) + one.value.size());
        put_text(out, 0x0A, one.key);
        put_text(out, 0x12, one.value);
    }
}

//! Reads canonical bytes from front to back; text is borrowed from them. Every member returns
//! false when the bytes are not what it was asked for. UTF-8 is not checked: it was at the edge.
class proto_reader {
public:
    explicit proto_reader(std::string_view bytes) noexcept
        : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    bool at_end() const noexcept { return at_ == end_; }

    //! Steps over the tag if it is the next one.
    template <std::uint32_t Tag>
    bool take() noexcept {
        static_assert(Tag < 0x4000, "field numbers go up to 2047");
        if constexpr (Tag < 0x80) {
            if (at_ != end_ && static_cast<unsigned char>(*at_) == Tag) {
                ++at_;
                return true;
            }
        } else {
            if (end_ - at_ >= 2 && static_cast<unsigned char>(at_[0]) == ((Tag & 0x7FU) | 0x80U) &&
                static_cast<unsigned char>(at_[1]) == (Tag >> 7U)) {
                at_ += 2;
                return true;
            }
        }
        return false;
    }

    bool varint(std::uint64_t& out) noexcept {
        if (at_ == end_) {
            return false;
        }
        const auto first = static_cast<unsigned char>(*at_);
        if (first < 0x80) [[likely]] {
            out = first;
            ++at_;
            return true;
        }
        return long_varint(out);
    }

    template <class Number>
    bool number(Number& out, empty_is empty) noexcept {
        std::uint64_t value = 0;
        if (!varint(value) || value > std::numeric_limits<Number>::max()) {
            return false;
        }
        out = static_cast<Number>(value);
        return value != 0 || empty == empty_is::written;
    }

    bool boolean(bool& out, empty_is empty) noexcept {
        std::uint64_t value = 0;
        if (!varint(value) || value > 1) {
            return false;
        }
        out = value == 1;
        return out || empty == empty_is::written;
    }

    bool moment(instant& out, empty_is empty) noexcept {
        std::uint64_t value = 0;
        if (!varint(value)) {
            return false;
        }
        out = instant{unzigzag(value)};
        return value != 0 || empty == empty_is::written;
    }

    //! An enumerator by its place in the declaration.
    template <class Enum>
    bool enumerator(Enum& out, std::size_t count, empty_is empty) noexcept {
        std::uint64_t value = 0;
        if (!varint(value) || value >= count) {
            return false;
        }
        out = static_cast<Enum>(value);
        return value != 0 || empty == empty_is::written;
    }

    bool text(std::string_view& out, empty_is empty) noexcept {
        std::uint64_t size = 0;
        if (!varint(size) || size > static_cast<std::uint64_t>(end_ - at_)) {
            return false;
        }
        out = {at_, static_cast<std::size_t>(size)};
        at_ += size;
        return size != 0 || empty == empty_is::written;
    }

    //! One map entry; refuses one that does not come after the last of `out`.
    bool entry(std::vector<label>& out) {
        std::string_view bytes;
        if (!text(bytes, empty_is::written)) {
            return false;
        }
        proto_reader in(bytes);
        label one;
        if (!in.take<0x0A>() || !in.text(one.key, empty_is::written) || !in.take<0x12>() ||
            !in.text(one.value, empty_is::written) || !in.at_end() ||
            (!out.empty() && !(out.back().key < one.key))) {
            return false;
        }
        out.push_back(one);
        return true;
    }

private:
    bool long_varint(std::uint64_t& out) noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; at_ != end_ && shift < 64; shift += 7) {
            const auto byte = static_cast<unsigned char>(*at_++);
            if (shift == 63 && byte > 1) {
                return false;
            }
            value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
            if (byte < 0x80) {
                out = value;
                return byte != 0; // a last byte of zero is not the shortest form
            }
        }
        return false;
    }

    const char* at_;
    const char* end_;
};

} // namespace fasti::wire
