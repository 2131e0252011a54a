// SPDX-License-Identifier: Apache-2.0
//! Sets of bytes, for checking text. Generated validity checks are rows of these.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace fasti {

class char_class {
public:
    static constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

    struct count {
        std::size_t least;
        std::size_t most;
    };

    explicit constexpr char_class(std::string_view members) {
        for (const char c : members) {
            has_[static_cast<unsigned char>(c)] = true;
        }
    }

    constexpr bool has(char c) const noexcept { return has_[static_cast<unsigned char>(c)]; }

    //! Moves `at` over as many members as the count allows; false when there are too few.
    constexpr bool skip(std::string_view text, std::size_t& at, count allowed) const noexcept {
        const std::size_t begin = at;
        while (at < text.size() && at - begin < allowed.most && has(text[at])) {
            ++at;
        }
        return at - begin >= allowed.least;
    }

private:
    std::array<bool, 256> has_{};
};

//! True when text holds a control character, U+0000 to U+001F or U+007F.
constexpr bool has_control(std::string_view text) noexcept {
    std::size_t at = 0;
    if (!std::is_constant_evaluated()) {
        constexpr std::uint64_t ones = 0x0101010101010101U;
        std::uint64_t found = 0; // high bits of bytes below 0x20 or, made zero, equal to 0x7F
        for (; text.size() - at >= sizeof found; at += sizeof found) {
            std::uint64_t bytes = 0;
            std::memcpy(&bytes, text.data() + at, sizeof bytes);
            const std::uint64_t rest = bytes ^ (ones * 0x7F);
            found |= ((bytes - ones * 0x20) & ~bytes) | ((rest - ones) & ~rest);
        }
        if ((found & (ones * 0x80)) != 0) {
            return true;
        }
    }
    for (; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte < 0x20 || byte == 0x7F) {
            return true;
        }
    }
    return false;
}

} // namespace fasti
