// SPDX-License-Identifier: Apache-2.0
//! Numbers and texts packed one after the other: the form of write-model records and snapshots.
//! Shape: numbers as varints (LEB128, shortest form only), texts as length and bytes. One value has
//! one form, so equal states pack to equal bytes, and what reads well writes back the same.
#pragma once

#include <cstddef>
#include <cstdint>
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

//! Reads from the front; after the first fault `ok()` is false for good and values are empty.
class packed_reader {
public:
    explicit packed_reader(std::string_view bytes) noexcept : rest_(bytes) {}

    bool ok() const noexcept { return ok_; }
    bool at_end() const noexcept { return rest_.empty(); }
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

    std::string_view text() noexcept {
        const std::uint64_t size = number_to(rest_.size());
        if (!ok_ || size > rest_.size()) {
            fail();
            return {};
        }
        const std::string_view found = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return found;
    }

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
