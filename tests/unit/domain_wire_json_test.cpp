// SPDX-License-Identifier: Apache-2.0
#include "domain/base/utf8.hpp"
#include "domain/wire/json.hpp"
#include "domain/wire/json_writer.hpp"

#include <gtest/gtest.h>

#include <random>

namespace fasti {
namespace {

struct parsed {
    std::string text;
    json_document document;
    result<void> outcome;

    explicit parsed(std::string_view from, const json_limits& limits = {})
        : text(from), outcome(document.parse(text, limits)) {}
    json_value root() const { return document.root(); }
};

TEST(json_document, reads_every_kind) {
    const parsed all(
        R"( {"n":null,"t":true,"i":-7,"u":18446744073709551615,"d":1.5,"s":"x","a":[1,[2],{}],"o":{"k":0}} )");
    ASSERT_TRUE(all.outcome.ok());
    const json_value root = all.root();
    ASSERT_TRUE(root.is(json_kind::object));
    EXPECT_EQ(root.size(), 8U);
    EXPECT_TRUE(root.find("n").is(json_kind::null));
    EXPECT_TRUE(root.find("t").boolean());
    EXPECT_TRUE(root.find("i").negative());
    EXPECT_FALSE(root.find("i").as_unsigned());
    EXPECT_EQ(root.find("u").as_unsigned(), 18446744073709551615U);
    EXPECT_TRUE(root.find("d").is(json_kind::number));
    EXPECT_EQ(root.find("s").text(), "x");
    EXPECT_EQ(root.find("a").size(), 3U);
    std::vector<json_kind> kinds;
    for (const json_member item : root.find("a")) {
        kinds.push_back(item.value.kind());
    }
    EXPECT_EQ(kinds, (std::vector{json_kind::integer, json_kind::array, json_kind::object}));
    EXPECT_EQ(root.find("o").find("k").as_unsigned(), 0U);
    EXPECT_FALSE(root.find("absent"));
}

//! As text: every node below a value, so that two readings can be compared.
void describe(const json_value& value, std::string_view key, std::string& out) {
    out.append(key).append("=").append(std::to_string(static_cast<int>(value.kind())));
    out.append(":").append(std::to_string(value.size())).append(":");
    out.append(std::to_string(value.bits())).append(value.negative() ? "-" : "+");
    out.append(value.text()).append("(");
    if (value.is(json_kind::array) || value.is(json_kind::object)) {
        for (const json_member member : value) {
            describe(member.value, member.name, out);
        }
    }
    out.append(")");
}

//! A fraction beside the value makes the complete parser read all of it.
TEST(json_document, means_the_same_by_the_quick_way_as_by_the_complete_one) {
    constexpr std::string_view seeds[] = {
        R"({"address":"10.0.0.1","port":8443,"tags":["a","b c"],"metadata":{"k":"v","":""},"t":true})",
        R"( [ 0 , 12345678901234567890, 9999999999999999999,{"a":{"a":[[],{}]}},null , false ] )",
        R"(["a text longer than eight bytes","esc\"aped","\u0041","","tab"])",
        R"([1,-1,1.5,1e3,01,"x])",
        "[\"caf\xC3\xA9\",\"\x7F\"]",
        "{\"a\":1,\"a\":2}",
        "[1] x",
        "[nul]",
        "[tru",
        "[\"\\"};
    constexpr std::string_view letters = "{}[]\",:0159-.eE tfn\\u\n\x01\x80";
    std::mt19937 random(7); // NOLINT: the same texts every time
    for (int round = 0; round < 40'000; ++round) {
        std::string text(seeds[random() % std::size(seeds)]);
        for (auto changes = random() % 4; changes > 0 && !text.empty(); --changes) {
            const std::size_t at = random() % text.size();
            const char letter = letters[random() % letters.size()];
            switch (random() % 3) {
                case 0: text[at] = letter; break;
                case 1: text.insert(at, 1, letter); break;
                default: text.erase(at, 1 + random() % 3); break;
            }
        }
        const parsed alone(text);
        const parsed beside("[0.5," + text + "]");
        // Text that closes the brackets around it is another document altogether.
        const bool one = beside.outcome.ok() && beside.root().size() == 2;
        if (alone.outcome.ok()) {
            ASSERT_TRUE(one) << text;
            std::string by_itself;
            std::string by_both;
            describe(alone.root(), "", by_itself);
            describe((*++beside.root().begin()).value, "", by_both);
            ASSERT_EQ(by_itself, by_both) << text;
        } else {
            ASSERT_FALSE(one) << text;
        }
    }
}

TEST(json_document, nests_as_deep_by_the_quick_way_as_it_may) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(parsed(nested(32)).outcome.ok());
    EXPECT_FALSE(parsed(nested(33)).outcome.ok());
    EXPECT_TRUE(parsed(nested(50), {.depth_max = 50}).outcome.ok());
    EXPECT_FALSE(parsed(nested(4), {.depth_max = 3}).outcome.ok());
}

TEST(json_document, tells_integers_from_other_numbers) {
    const auto root_of = [](const char* text) { return parsed(text); };
    EXPECT_FALSE(root_of("1e3").root().as_unsigned());
    EXPECT_FALSE(root_of("1e3").root().beyond());
    EXPECT_FALSE(root_of("1.0").root().as_unsigned());
    EXPECT_EQ(root_of("9007199254740993").root().as_unsigned(), 9007199254740993U);
    const parsed above("18446744073709551616");
    EXPECT_TRUE(above.root().is(json_kind::number));
    EXPECT_TRUE(above.root().beyond());
    EXPECT_TRUE(parsed("-9223372036854775808").root().is(json_kind::integer));
    EXPECT_TRUE(parsed("-18446744073709551616").root().beyond());
    EXPECT_FALSE(parsed("1e999").outcome.ok());
}

TEST(json_document, refuses_what_is_no_json) {
    for (const char* text :
         {"",         " ",        "{",       "}",          "[1,]",     "{\"a\":1,}",
          "{\"a\"}",  "{a:1}",    "01",      "1.",         "1e",       "nul",
          "'x'",      "\"x",      "[1] 2",   "{\"a\":1}{", "\"\\x\"",  "\"\\u12\"",
          "\"a\nb\"", "\"\x01\"", "// c\n1", "NaN",        "Infinity", "\xEF\xBB\xBF{}"}) {
        const parsed one(text);
        ASSERT_FALSE(one.outcome.ok()) << text;
        EXPECT_EQ(one.outcome.error().code, error_code::malformed) << text;
    }
}

TEST(json_document, refuses_bytes_that_are_not_utf8) {
    for (const char* text :
         {"\"\xFF\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF5\x80\x80\x80\"", "\"\xE2\x82\"",
          "{\"\xFF\":1}", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "{\"\\udfff\":1}"}) {
        EXPECT_FALSE(parsed(text).outcome.ok()) << text;
    }
    EXPECT_TRUE(parsed("\"\xED\x9F\xBF\"").outcome.ok())
        << "the last character before the surrogates";
}

TEST(json_document, refuses_a_key_that_stands_twice_in_any_object) {
    EXPECT_FALSE(parsed(R"({"a":1,"a":1})").outcome.ok());
    EXPECT_FALSE(parsed(R"({"a":1,"\u0061":2})").outcome.ok());
    EXPECT_FALSE(parsed(R"([{"x":{"b":1,"c":[],"b":{}}}])").outcome.ok());
    EXPECT_TRUE(parsed(R"([{"a":1},{"a":1}])").outcome.ok());
    std::string many = "{";
    for (int i = 0; i < 1000; ++i) {
        many += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
    }
    EXPECT_TRUE(parsed(many + "\"z\":0}").outcome.ok());
    const parsed twice(many + "\"k500\":0}");
    ASSERT_FALSE(twice.outcome.ok());
    EXPECT_NE(twice.outcome.error().message.find("`k500`"), std::string::npos);
}

TEST(json_document, keeps_its_stack_when_nesting_is_deep) {
    EXPECT_FALSE(parsed(std::string(200'000, '[')).outcome.ok());
    EXPECT_FALSE(parsed(std::string(200'000, '[') + std::string(200'000, ']')).outcome.ok());
    EXPECT_TRUE(parsed(std::string(32, '[') + std::string(32, ']')).outcome.ok());
    EXPECT_FALSE(parsed(std::string(33, '[') + std::string(33, ']')).outcome.ok());
    std::string objects;
    for (int i = 0; i < 50'000; ++i) {
        objects += "{\"a\":";
    }
    EXPECT_FALSE(parsed(objects).outcome.ok());
}

TEST(json_document, refuses_a_nul_and_long_texts) {
    using namespace std::string_view_literals;
    EXPECT_FALSE(parsed("{}\0{}"sv).outcome.ok());
    EXPECT_FALSE(parsed("{}\0"sv).outcome.ok());
    const parsed long_text("[1,2,3]", {.bytes_max = 6});
    ASSERT_FALSE(long_text.outcome.ok());
    EXPECT_EQ(long_text.outcome.error().code, error_code::body_too_large);
    const parsed with_nul(R"("a\u0000b")");
    ASSERT_TRUE(with_nul.outcome.ok());
    EXPECT_EQ(with_nul.root().text(), "a\0b"sv);
}

TEST(json_document, can_be_used_again_after_a_failure) {
    json_document document;
    std::string broken = "[[1,{";
    EXPECT_FALSE(document.parse(broken).ok());
    std::string good = "[1]";
    ASSERT_TRUE(document.parse(good).ok());
    EXPECT_EQ(document.root().size(), 1U);
}

TEST(json_document, survives_noise) {
    std::mt19937_64 random(6);
    const std::string_view alphabet = "{}[]\",:0123456789.eE+-truefalsn\\u \xC3\xA9\xFF";
    json_document document;
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (std::uint64_t n = random() % 40; n-- > 0;) {
            text += alphabet[random() % alphabet.size()];
        }
        static_cast<void>(document.parse(text).ok());
    }
}

TEST(json_writer, puts_commas_where_they_belong) {
    std::string out = "before ";
    json_writer writer(out);
    writer.begin_object();
    writer.name("a");
    writer.begin_array();
    writer.number(std::uint64_t{1});
    writer.begin_object();
    writer.end_object();
    writer.text("{");
    writer.text("[:");
    writer.end_array();
    writer.quoted_name("\"b\":");
    writer.boolean(false);
    writer.name("c\"");
    writer.null();
    writer.name("d");
    writer.raw("{\"x\":1}");
    writer.name("e");
    writer.labels({{"k", "v"}, {"l", ""}});
    writer.name("f");
    writer.texts({"x", "y"});
    writer.end_object();
    EXPECT_EQ(
        out,
        R"(before {"a":[1,{},"{","[:"],"b":false,"c\"":null,"d":{"x":1},"e":{"k":"v","l":""},"f":["x","y"]})");
}

TEST(json_writer, writes_numbers_and_moments) {
    std::string out;
    json_writer writer(out);
    writer.begin_array();
    writer.number(std::uint64_t{18446744073709551615U});
    writer.number(std::int64_t{-9223372036854775807});
    writer.number(0.5);
    writer.number(std::numeric_limits<double>::infinity());
    writer.moment(instant{0});
    writer.end_array();
    EXPECT_EQ(
        out,
        R"([18446744073709551615,-9223372036854775807,0.5,null,"1970-01-01T00:00:00.000000Z"])");
}

TEST(json_members, write_what_the_writer_writes) {
    const std::vector<std::string_view> texts = {"",
                                                 "short",
                                                 "eight of",
                                                 "nine of t",
                                                 "two\nlines",
                                                 "a \"quote\" in a longer text",
                                                 "gr\xC3\xBC\xC3\x9F"};
    for (const std::string_view text : texts) {
        const std::vector<label> labels = {{"key", text}, {text, "value"}};
        std::string plain = "[1";
        json_writer one(plain);
        one.begin_object();
        one.name("text");
        one.text(text);
        one.name("number");
        one.number(std::uint64_t{18446744073709551615U});
        one.name("yes");
        one.boolean(true);
        one.name("texts");
        one.texts(texts);
        one.name("labels");
        one.labels(labels);
        one.name("at");
        one.moment(instant{1});
        one.end_object();
        std::string quick = "[1";
        json_writer other(quick);
        json_members to(other, 48 + json_bytes(text) + json_bytes(std::uint64_t{}) +
                                   json_bytes(true) + json_bytes(texts) + json_bytes(labels) +
                                   json_bytes(instant{}));
        to.member(",\"text\":");
        to.text(text);
        to.member(",\"number\":");
        to.number(std::uint64_t{18446744073709551615U});
        to.member(",\"yes\":");
        to.boolean(true);
        to.member(",\"texts\":");
        to.texts(texts);
        to.member(",\"labels\":");
        to.labels(labels);
        to.member(",\"at\":");
        to.moment(instant{1});
        to.end();
        ASSERT_EQ(quick, plain);
    }
    std::string none;
    json_writer empty(none);
    json_members(empty, 0).end();
    EXPECT_EQ(none, "{}");
}

TEST(json_writer, comes_back_through_the_parser) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 3000; ++round) {
        std::string given;
        for (std::uint64_t n = random() % 40; n-- > 0;) {
            switch (random() % 4) {
                case 0: given += static_cast<char>(random() % 0x80); break;
                case 1: given += "\xE2\x82\xAC"; break;
                case 2: given += random() % 2 == 0 ? '"' : '\\'; break;
                default: given += "clean text "; break;
            }
        }
        std::string out;
        json_writer(out).text(given);
        json_document document;
        ASSERT_TRUE(document.parse(out).ok());
        ASSERT_EQ(document.root().text(), given);
    }
}

TEST(utf8, is_what_unicode_says) {
    for (const char* text : {"", "a", "gr\xC3\xBC\xC3\x9F", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                             "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF"}) {
        EXPECT_TRUE(is_utf8(text)) << text;
    }
    for (const char* text :
         {"\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "\xE2\x82", "\xE2\x28\xA1", "a\xFF"}) {
        EXPECT_FALSE(is_utf8(text)) << text;
    }
}

TEST(utf8, is_seen_wherever_it_stands_between_plain_letters) {
    for (std::size_t before = 0; before < 20; ++before) {
        for (std::size_t after = 0; after < 20; ++after) {
            const std::string left(before, 'a');
            const std::string right(after, 'z');
            ASSERT_TRUE(is_utf8(left + "\xC3\xBC" + right));
            ASSERT_FALSE(is_utf8(left + "\xFF" + right)) << before << " " << after;
            ASSERT_FALSE(is_utf8(left + "\xC3" + right)) << before << " " << after;
        }
    }
}

} // namespace
} // namespace fasti
