// SPDX-License-Identifier: Apache-2.0
#include "domain/base/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace fasti {
namespace {

struct sequence {
    std::size_t more = 0;    //!< continuation bytes; 0: no sequence begins so
    std::uint8_t low = 0x80; //!< bounds of the first of them
    std::uint8_t high = 0xBF;
};

sequence begun_by(std::uint8_t lead) noexcept {
    if (lead >= 0xC2 && lead <= 0xDF) {
        return {1};
    }
    if (lead == 0xE0) {
        return {2, 0xA0, 0xBF};
    }
    if (lead == 0xED) {
        return {2, 0x80, 0x9F};
    }
    if (lead >= 0xE1 && lead <= 0xEF) {
        return {2};
    }
    if (lead == 0xF0) {
        return {3, 0x90, 0xBF};
    }
    if (lead >= 0xF1 && lead <= 0xF3) {
        return {3};
    }
    if (lead == 0xF4) {
        return {3, 0x80, 0x8F};
    }
    return {};
}

//! Where the first byte beyond ASCII may stand: whole words without one are passed over.
std::size_t skip_ascii(std::string_view text, std::size_t at) noexcept {
    constexpr std::uint64_t high_bits = 0x8080808080808080U;
    std::uint64_t word = 0;
    while (text.size() - at >= sizeof word) {
        std::memcpy(&word, text.data() + at, sizeof word);
        if ((word & high_bits) != 0) {
            break;
        }
        at += sizeof word;
    }
    return at;
}

} // namespace

bool is_utf8(std::string_view text) noexcept {
    std::size_t at = skip_ascii(text, 0);
    while (at < text.size()) {
        const auto lead = static_cast<std::uint8_t>(text[at++]);
        if (lead < 0x80) {
            continue;
        }
        const sequence expected = begun_by(lead);
        if (expected.more == 0 || text.size() - at < expected.more) {
            return false;
        }
        const auto first = static_cast<std::uint8_t>(text[at]);
        if (first < expected.low || first > expected.high) {
            return false;
        }
        for (std::size_t i = 1; i < expected.more; ++i) {
            if ((static_cast<std::uint8_t>(text[at + i]) & 0xC0U) != 0x80) {
                return false;
            }
        }
        at += expected.more;
    }
    return true;
}

} // namespace fasti
