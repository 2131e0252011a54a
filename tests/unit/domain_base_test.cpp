// SPDX-License-Identifier: Apache-2.0
#include "domain/base/char_class.hpp"
#include "domain/base/error_code.gen.hpp"
#include "domain/base/ids.hpp"
#include "domain/base/instant.hpp"
#include "domain/base/result.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>

namespace fasti {
namespace {

TEST(instant_text, is_utc_with_microseconds) {
    EXPECT_EQ(to_rfc3339(instant{0}), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(to_rfc3339(instant{-1}), "1969-12-31T23:59:59.999999Z");
    EXPECT_EQ(to_rfc3339(instant{1'763'733'780'000'001}), "2025-11-21T14:03:00.000001Z");
    EXPECT_EQ(to_rfc3339(instant{951'782'400'000'000}), "2000-02-29T00:00:00.000000Z");
}

TEST(instant_text, takes_offsets_and_fractions) {
    EXPECT_EQ(instant_from_rfc3339("1970-01-01T01:00:00+01:00"), instant{0});
    EXPECT_EQ(instant_from_rfc3339("1969-12-31t19:00:00-05:00"), instant{0});
    EXPECT_EQ(instant_from_rfc3339("1970-01-01T00:00:00.5Z"), instant{500'000});
    EXPECT_EQ(instant_from_rfc3339("1970-01-01 00:00:00.123456789z"), instant{123'456});
    EXPECT_TRUE(instant_from_rfc3339("0001-01-01T00:00:00Z"));
    EXPECT_TRUE(instant_from_rfc3339("9999-12-31T23:59:59.999999Z"));
}

TEST(instant_text, refuses_what_is_no_moment) {
    for (const char* text :
         {"", "1970", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z",
          "1970-00-01T00:00:00Z", "1970-02-29T00:00:00Z", "1970-01-00T00:00:00Z",
          "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z", "1970-01-01T00:00:61Z",
          "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00.1234567890Z", "1970-01-01T00:00:00+24:00",
          "1970-01-01T00:00:00Zx", "0000-01-01T00:00:00Z", "1970-1-01T00:00:00Z"}) {
        EXPECT_FALSE(instant_from_rfc3339(text)) << text;
    }
}

TEST(instant_text, comes_back_as_it_went) {
    const bool holds = rc::check("instant -> text -> instant", [] {
        // Year 1 to 9999.
        const auto us = *rc::gen::inRange<std::int64_t>(-62'135'596'800'000'000,
                                                        253'402'300'800'000'000);
        const instant when{us};
        const std::string text = to_rfc3339(when);
        RC_ASSERT(text.size() == 27U);
        RC_ASSERT(instant_from_rfc3339(text) == when);
    });
    EXPECT_TRUE(holds);
}

TEST(id128, comes_back_from_hex) {
    id128 id;
    for (std::size_t i = 0; i < id.bytes.size(); ++i) {
        id.bytes[i] = static_cast<std::uint8_t>(i * 17);
    }
    EXPECT_EQ(to_hex(id.as_bytes()), "00112233445566778899aabbccddeeff");
    EXPECT_EQ(id128_from_hex("00112233445566778899aabbccddeeff"), id);
    EXPECT_EQ(id128_from_hex("00112233445566778899AABBCCDDEEFF"), id);
}

TEST(id128, is_refused_from_other_text) {
    EXPECT_FALSE(id128_from_hex(""));
    EXPECT_FALSE(id128_from_hex("00112233445566778899aabbccddeef"));
    EXPECT_FALSE(id128_from_hex("00112233445566778899aabbccddeefff"));
    EXPECT_FALSE(id128_from_hex("g0112233445566778899aabbccddeeff"));
}

TEST(hash256, gives_its_first_bits_as_prefix) {
    hash256 hash;
    hash.bytes[0] = 0xDE;
    hash.bytes[1] = 0xAD;
    hash.bytes[2] = 0xBE;
    hash.bytes[3] = 0xEF;
    EXPECT_EQ(hash.prefix(), 0xDEADBEEFU);
}

TEST(error_code, has_one_name_and_sane_traits) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < error_code_count; ++i) {
        const auto code = static_cast<error_code>(i);
        EXPECT_TRUE(names.insert(to_name(code)).second) << to_name(code);
        EXPECT_EQ(error_code_from_name(to_name(code)), code);
        EXPECT_GE(traits_of(code).http_status, 400);
        EXPECT_LE(traits_of(code).http_status, 599);
        EXPECT_TRUE(traits_of(code).doc.ends_with('.')) << to_name(code);
    }
    EXPECT_FALSE(error_code_from_name("no_such_error"));
    EXPECT_EQ(traits_of(error_code::version_conflict).http_status, 409);
    EXPECT_EQ(traits_of(error_code::version_conflict).retry, retry::fresh);
}

TEST(result, holds_a_value_or_an_error) {
    const result<int> good = 7;
    ASSERT_TRUE(good.ok());
    EXPECT_EQ(*good, 7);
    const result<int> bad = error{error_code::malformed, "No."};
    ASSERT_FALSE(bad.ok());
    EXPECT_EQ(bad.error().code, error_code::malformed);
    EXPECT_TRUE(result<void>{}.ok());
}

TEST(result, ends_the_process_when_read_unasked) {
    const result<int> bad = error{error_code::malformed, "No."};
    EXPECT_DEATH(static_cast<void>(bad.value()), "a result is read only after ok");
}

TEST(char_class, counts_members) {
    constexpr char_class digits{"0123456789"};
    std::size_t at = 0;
    EXPECT_TRUE(digits.skip("123a", at, {1, 2}));
    EXPECT_EQ(at, 2U);
    EXPECT_TRUE(digits.skip("123a", at, {1, char_class::no_limit}));
    EXPECT_EQ(at, 3U);
    EXPECT_FALSE(digits.skip("123a", at, {1, 9}));
    EXPECT_TRUE(has_control("a\nb"));
    EXPECT_TRUE(has_control("\x7F"));
    for (std::size_t place = 0; place < 20; ++place) {
        for (int byte = 0; byte < 256; ++byte) {
            std::string text(20, 'x');
            text[place] = static_cast<char>(byte);
            EXPECT_EQ(has_control(text), byte < 0x20 || byte == 0x7F) << byte << " at " << place;
        }
    }
    EXPECT_FALSE(has_control("gr\xC3\xBC\xC3\x9F"
                             "e"));
}

} // namespace
} // namespace fasti
