// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace fasti::segments {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78U; // reflected

using byte_table = std::array<std::uint32_t, 256>;

//! tables[k][b]: effect of byte b followed by k zero bytes.
constexpr std::array<byte_table, 8> make_tables() {
    std::array<byte_table, 8> tables{};
    for (std::uint32_t b = 0; b < 256; ++b) {
        std::uint32_t crc = b;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? polynomial : 0U);
        }
        tables[0][b] = crc;
    }
    for (std::size_t k = 1; k < 8; ++k) {
        for (std::size_t b = 0; b < 256; ++b) {
            const std::uint32_t before = tables[k - 1][b];
            tables[k][b] = (before >> 8U) ^ tables[0][before & 0xffU];
        }
    }
    return tables;
}

constexpr std::array<byte_table, 8> tables = make_tables();

std::uint32_t load32(const char* at) noexcept {
    const auto byte = [at](int i) { return std::uint32_t{static_cast<std::uint8_t>(at[i])}; };
    return byte(0) | (byte(1) << 8U) | (byte(2) << 16U) | (byte(3) << 24U);
}

#if defined(__x86_64__)

// Three streams keep the crc32 instruction (latency 3, one per cycle) busy; their results are
// joined by tables that advance a checksum over `stride` zero bytes.
constexpr std::size_t stride_long = 4096;
constexpr std::size_t stride_short = 256;

using shift_table = std::array<byte_table, 4>;

constexpr std::uint32_t advance_bytewise(std::uint32_t crc, std::size_t zeros) {
    for (std::size_t i = 0; i < zeros; ++i) {
        crc = (crc >> 8U) ^ tables[0][crc & 0xffU];
    }
    return crc;
}

//! Advancing is linear, so 32 single bits give all of it.
shift_table make_shift(std::size_t zeros) {
    std::array<std::uint32_t, 32> of_bit{};
    for (std::size_t bit = 0; bit < 32; ++bit) {
        of_bit[bit] = advance_bytewise(1U << bit, zeros);
    }
    shift_table shift{};
    for (std::size_t part = 0; part < 4; ++part) {
        for (std::size_t b = 0; b < 256; ++b) {
            for (std::size_t bit = 0; bit < 8; ++bit) {
                if ((b >> bit & 1U) != 0) {
                    shift[part][b] ^= of_bit[part * 8 + bit];
                }
            }
        }
    }
    return shift;
}

std::uint32_t advance(const shift_table& shift, std::uint32_t crc) noexcept {
    return shift[0][crc & 0xffU] ^ shift[1][crc >> 8U & 0xffU] ^ shift[2][crc >> 16U & 0xffU] ^
           shift[3][crc >> 24U];
}

std::uint64_t load64(const char* at) noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
}

__attribute__((target("sse4.2"))) std::uint32_t three_streams(const char*& at, std::size_t& size,
                                                              std::size_t stride,
                                                              const shift_table& shift,
                                                              std::uint32_t before) noexcept {
    std::uint64_t first = before;
    while (size >= 3 * stride) {
        std::uint64_t second = 0;
        std::uint64_t third = 0;
        for (const char* const end = at + stride; at != end; at += 8) {
            first = _mm_crc32_u64(first, load64(at));
            second = _mm_crc32_u64(second, load64(at + stride));
            third = _mm_crc32_u64(third, load64(at + 2 * stride));
        }
        first = advance(shift, static_cast<std::uint32_t>(first)) ^ second;
        first = advance(shift, static_cast<std::uint32_t>(first)) ^ third;
        at += 2 * stride;
        size -= 3 * stride;
    }
    return static_cast<std::uint32_t>(first);
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(std::string_view bytes,
                                                             std::uint32_t before) noexcept {
    static const shift_table long_shift = make_shift(stride_long);
    static const shift_table short_shift = make_shift(stride_short);
    const char* at = bytes.data();
    std::size_t size = bytes.size();
    std::uint32_t crc = three_streams(at, size, stride_long, long_shift, ~before);
    crc = three_streams(at, size, stride_short, short_shift, crc);
    std::uint64_t wide = crc;
    for (; size >= 8; at += 8, size -= 8) {
        wide = _mm_crc32_u64(wide, load64(at));
    }
    crc = static_cast<std::uint32_t>(wide);
    for (; size != 0; ++at, --size) {
        crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*at));
    }
    return ~crc;
}

#endif

} // namespace

std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t before) noexcept {
    std::uint32_t crc = ~before;
    const char* at = bytes.data();
    std::size_t size = bytes.size();
    for (; size >= 8; at += 8, size -= 8) {
        const std::uint32_t low = load32(at) ^ crc;
        const std::uint32_t high = load32(at + 4);
        crc = tables[7][low & 0xffU] ^ tables[6][low >> 8U & 0xffU] ^
              tables[5][low >> 16U & 0xffU] ^ tables[4][low >> 24U] ^ tables[3][high & 0xffU] ^
              tables[2][high >> 8U & 0xffU] ^ tables[1][high >> 16U & 0xffU] ^
              tables[0][high >> 24U];
    }
    for (; size != 0; ++at, --size) {
        crc = (crc >> 8U) ^ tables[0][(crc ^ static_cast<std::uint8_t>(*at)) & 0xffU];
    }
    return ~crc;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) noexcept {
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    if (has_instruction) {
        return crc32c_sse42(bytes, before);
    }
#endif
    return crc32c_portable(bytes, before);
}

} // namespace fasti::segments
