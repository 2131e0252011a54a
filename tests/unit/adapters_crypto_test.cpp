// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/digest.hpp"
#include "adapters/crypto/token_text.hpp"
#include "adapters/crypto/uuid7_source.hpp"

#include <gtest/gtest.h>

#include <set>

namespace fasti::crypto {
namespace {

class set_clock final : public clock {
public:
    std::int64_t us = 0;
    instant now() override { return {us}; }
    std::int64_t monotonic_us() override { return us; }
};

TEST(sha256, gives_the_published_digests) {
    EXPECT_EQ(to_hex(sha256_of("").as_bytes()),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(to_hex(sha256_of("abc").as_bytes()),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(sha256, begins_anew_after_each_digest_and_takes_pieces) {
    sha256 hasher;
    hasher.update("a");
    hasher.update("bc");
    EXPECT_EQ(hasher.finish(), sha256_of("abc"));
    hasher.update("abc");
    EXPECT_EQ(hasher.finish(), sha256_of("abc"));
}

TEST(base64url, has_one_spelling_for_each_value) {
    for (const std::string bytes : {"", "f", "fo", "foo", "foob", "\xff\xfe\xfd"}) {
        EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
    }
    EXPECT_EQ(to_base64url("\xfb\xff"), "-_8");
    for (const char* bad : {"A", "A=", "AB", "A+", "AAA!", "Zm9=", "-_9"}) {
        EXPECT_FALSE(from_base64url(bad)) << bad;
    }
}

TEST(constant_time, compares_length_and_bytes) {
    EXPECT_TRUE(same_in_constant_time("abc", "abc"));
    EXPECT_TRUE(same_in_constant_time("", ""));
    EXPECT_FALSE(same_in_constant_time("abc", "abd"));
    EXPECT_FALSE(same_in_constant_time("abc", "ab"));
}

TEST(token_text, is_read_back_as_it_was_made) {
    const fresh_token made = make_token();
    ASSERT_EQ(made.text.size(), token_text_size);
    const std::optional<token_text> read = read_token_text(made.text);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->id, made.parts.id);
    EXPECT_EQ(read->secret_sha256, made.parts.secret_sha256);
    EXPECT_NE(made.text, make_token().text);
}

TEST(token_text, of_another_form_is_refused) {
    const std::string good = make_token().text;
    ASSERT_TRUE(read_token_text(good));
    std::string upper = good;
    upper.replace(6, 1, "A");
    std::string colon = good;
    colon[22] = ':';
    std::string loose = good;
    loose.back() = '1'; // sets bits beyond the last byte
    for (const std::string& bad : {std::string{}, good + "A", good.substr(1), upper, colon, loose,
                                   "Fasti_" + good.substr(6)}) {
        EXPECT_FALSE(read_token_text(bad)) << bad;
    }
}

TEST(uuid7_source, makes_version_7_ids_that_rise_even_when_the_clock_steps_back) {
    set_clock time;
    time.us = 1'763'715'780'123'456;
    uuid7_source ids{time};
    id128 last = ids.next();
    EXPECT_EQ(to_hex(last.as_bytes()).substr(0, 12), "019aa5a70e1b");
    EXPECT_EQ(last.bytes[6] >> 4U, 7);
    EXPECT_EQ(last.bytes[8] >> 6U, 2);
    for (int i = 0; i < 10'000; ++i) {
        time.us -= 10;
        const id128 next = ids.next();
        ASSERT_LT(last, next) << i;
        last = next;
    }
}

TEST(uuid7_source, does_not_repeat_its_random_part) {
    set_clock time;
    uuid7_source ids{time};
    std::set<std::string> seen;
    for (int i = 0; i < 5'000; ++i) {
        EXPECT_TRUE(seen.insert(to_hex(ids.next().as_bytes()).substr(16)).second);
    }
}

} // namespace
} // namespace fasti::crypto
