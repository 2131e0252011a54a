// SPDX-License-Identifier: Apache-2.0
#include "eventstore/port/ledger.hpp"
#include "eventstore/port/record.hpp"
#include "eventstore/port/token.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

namespace fasti {
namespace {

event_draft full_draft() {
    event_draft draft;
    draft.stream = "registry/instance/web-1";
    draft.stream_version = 7;
    draft.type = "instance_registered";
    draft.revision = 2;
    draft.command.bytes.fill(0xab);
    draft.index = 3;
    draft.recorded = {1'763'715'600'000'001};
    draft.tenant = "acme";
    draft.actor = "token/admin";
    draft.reason = "new rack";
    draft.correlation = "change-9";
    draft.cause = "41";
    draft.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    draft.data = std::string_view{"\x0a\x00\xff", 3};
    return draft;
}

event_draft small_draft() {
    event_draft draft;
    draft.stream = "s";
    draft.stream_version = 1;
    draft.type = "t";
    return draft;
}

std::string encoded(const event_draft& draft, position at) {
    std::string bytes;
    encode_record(draft, at, bytes);
    return bytes;
}

bool decodes(std::string_view bytes) {
    recorded_event out;
    return decode_record(bytes, out);
}

void expect_equal(const event_draft& a, const event_draft& b) {
    EXPECT_EQ(a.stream, b.stream);
    EXPECT_EQ(a.stream_version, b.stream_version);
    EXPECT_EQ(a.type, b.type);
    EXPECT_EQ(a.revision, b.revision);
    EXPECT_EQ(a.command, b.command);
    EXPECT_EQ(a.index, b.index);
    EXPECT_EQ(a.recorded, b.recorded);
    EXPECT_EQ(a.tenant, b.tenant);
    EXPECT_EQ(a.actor, b.actor);
    EXPECT_EQ(a.reason, b.reason);
    EXPECT_EQ(a.correlation, b.correlation);
    EXPECT_EQ(a.cause, b.cause);
    EXPECT_EQ(a.trace, b.trace);
    EXPECT_EQ(a.data, b.data);
}

TEST(record, comes_back_as_it_was_written) {
    const std::string bytes = encoded(full_draft(), 42);
    recorded_event out;
    ASSERT_TRUE(decode_record(bytes, out));
    EXPECT_EQ(out.at, 42U);
    EXPECT_EQ(out.canonical, bytes);
    expect_equal(out.fact, full_draft());
}

TEST(record, keeps_the_largest_and_smallest_numbers) {
    event_draft draft = small_draft();
    draft.stream_version = std::numeric_limits<std::uint64_t>::max();
    draft.revision = std::numeric_limits<std::uint32_t>::max();
    draft.index = std::numeric_limits<std::uint32_t>::max();
    draft.recorded = {std::numeric_limits<std::int64_t>::min()};
    const std::string bytes = encoded(draft, std::numeric_limits<position>::max());
    EXPECT_LE(bytes.size(), record_bytes_max(draft));
    recorded_event out;
    ASSERT_TRUE(decode_record(bytes, out));
    EXPECT_EQ(out.at, std::numeric_limits<position>::max());
    expect_equal(out.fact, draft);
}

TEST(record, has_these_bytes_for_ever) {
    EXPECT_EQ(to_hex(encoded(small_draft(), 1)), "080112017318012201"
                                                 "74");
    EXPECT_EQ(to_hex(encoded(full_draft(), 300)),
              "08ac02121772656769737472792f696e7374616e63652f7765622d3118072213"
              "696e7374616e63655f726567697374657265642802"
              "3210abababababababababababababababab3803"
              "4101a4d20917440600"
              "4a0461636d65520b746f6b656e2f61646d696e5a086e6577207261636b"
              "62086368616e67652d396a023431"
              "723730302d30616637363531393136636434336464383434386562323131633830333139632d"
              "623761643662373136393230333333312d30317a030a00ff");
}

TEST(record, is_refused_when_cut_within_a_field_or_followed_by_anything) {
    const std::string bytes = encoded(full_draft(), 42);
    std::size_t shorter_records = 0; // cut between two optional fields it is another record
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        recorded_event out;
        if (decode_record(std::string_view{bytes}.substr(0, size), out)) {
            ++shorter_records;
            EXPECT_EQ(encoded(out.fact, out.at), bytes.substr(0, size));
        }
    }
    EXPECT_EQ(shorter_records, 11U);
    for (int extra = 0; extra < 256; ++extra) {
        EXPECT_FALSE(decodes(bytes + static_cast<char>(extra)));
    }
}

TEST(record, has_one_form_only) {
    const std::string head{"\x08\x01\x12\x01s\x18\x01\x22\x01t", 10};
    ASSERT_TRUE(decodes(head));
    EXPECT_FALSE(decodes(std::string{"\x08\x81\x00\x12\x01s\x18\x01\x22\x01t", 11})); // long varint
    EXPECT_FALSE(decodes(head + std::string{"\x28\x01", 2})); // default revision written out
    EXPECT_FALSE(decodes(head + std::string{"\x28\x00", 2})); // revision 0
    EXPECT_FALSE(decodes(head + std::string{"\x38\x00", 2})); // zero written out
    EXPECT_FALSE(decodes(head + std::string{"\x41\0\0\0\0\0\0\0\0", 9})); // zero time written out
    EXPECT_FALSE(decodes(head + std::string{"\x4a\x00", 2}));             // empty text written out
    EXPECT_FALSE(decodes(head + std::string{"\x7a\x01"
                                            "d\x4a\x01"
                                            "a",
                                            6})); // wrong order
    EXPECT_FALSE(decodes(head + std::string{"\x4a\x01"
                                            "a\x4a\x01"
                                            "a",
                                            6})); // twice
    EXPECT_FALSE(decodes(head + std::string{"\x32\x01"
                                            "c",
                                            3}));                     // command not 16 bytes
    EXPECT_FALSE(decodes(head + "\x32\x10" + std::string(16, '\0'))); // empty command written out
    EXPECT_FALSE(decodes(std::string{"\x12\x01s\x18\x01\x22\x01t", 8})); // no position
}

TEST(record, reading_anything_is_safe_and_what_is_read_writes_the_same_bytes) {
    std::mt19937_64 random{20'261'121};
    const std::string sound = encoded(full_draft(), 42);
    std::size_t accepted = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string bytes = sound;
        const std::size_t at = random() % bytes.size();
        bytes[at] = static_cast<char>(random());
        recorded_event out;
        if (decode_record(bytes, out)) {
            ++accepted;
            EXPECT_EQ(encoded(out.fact, out.at), bytes);
        }
    }
    EXPECT_GT(accepted, 1000U);
}

TEST(chain, hashes_the_previous_hash_and_the_bytes) {
    chain_hasher hasher;
    const hash256 first = hasher.next({}, "abc");
    // sha256(32 zero bytes, "abc") and sha256(that, "def")
    EXPECT_EQ(to_hex(first.as_bytes()),
              "365aa7d8f7f9402c4b9434502b4cc89ddb09fe50d7cd95b493b834c62d5a5370");
    EXPECT_EQ(to_hex(hasher.next(first, "def").as_bytes()),
              "532f0131db1635cb105c9753e41e7908599aa4dd144658c92e50b60113ad993a");
    EXPECT_EQ(hasher.next({}, "abc"), first);
}

TEST(token, is_written_and_read_back) {
    std::string text;
    write_token(0x0123456789abcdefU, 42, 0xdeadbeefU, text);
    EXPECT_EQ(text, "0123456789abcdef.42.deadbeef");
    const auto token = read_token(text);
    ASSERT_TRUE(token.ok());
    EXPECT_EQ(token->epoch, 0x0123456789abcdefU);
    EXPECT_EQ(token->at, 42U);
    EXPECT_EQ(token->hash_prefix, 0xdeadbeefU);
}

TEST(token, may_be_a_bare_position) {
    const auto token = read_token("18446744073709551615");
    ASSERT_TRUE(token.ok());
    EXPECT_EQ(token->at, std::numeric_limits<position>::max());
    EXPECT_FALSE(token->epoch.has_value());
    EXPECT_FALSE(token->hash_prefix.has_value());
}

TEST(token, is_refused_in_any_other_form) {
    for (const std::string_view text :
         {"", "x", "-1", "+1", "01", " 1", "1 ", "18446744073709551616", "0123456789abcdef.42",
          "0123456789abcdef..deadbeef", "0123456789abcdef.42.deadbee",
          "0123456789ABCDEF.42.deadbeef", "123456789abcdef.42.deadbeef",
          "0123456789abcdef.042.deadbeef", "0123456789abcdef.42.deadbeef.", ".42.", "1.2"}) {
        const auto token = read_token(text);
        ASSERT_FALSE(token.ok()) << text;
        EXPECT_EQ(token.error().code, error_code::malformed);
    }
}

TEST(filter, lets_through_what_every_given_member_allows) {
    const event_draft draft = full_draft();
    EXPECT_TRUE(event_filter{}.matches(draft));
    EXPECT_TRUE(event_filter{}.matches_all());
    event_filter filter;
    filter.types = {"other", "instance_registered"};
    EXPECT_FALSE(filter.matches_all());
    EXPECT_TRUE(filter.matches(draft));
    filter.stream_prefix = "registry/inst";
    filter.streams_under = {"registry/instance"};
    filter.tenant = "acme";
    filter.actor = "token/admin";
    EXPECT_TRUE(filter.matches(draft));
    filter.streams_under = {"registry/instance/web-1"};
    EXPECT_TRUE(filter.matches(draft));
    filter.streams_under = {"registry/instance/web"};
    EXPECT_FALSE(filter.matches(draft));
    filter.streams_under.clear();
    filter.tenant = "";
    EXPECT_FALSE(filter.matches(draft));
    filter.tenant.reset();
    filter.types = {"other"};
    EXPECT_FALSE(filter.matches(draft));
}

TEST(batch, is_refused_over_a_limit_naming_the_item) {
    std::vector<event_draft> events(2, small_draft());
    events[1].stream_version = 2;
    std::vector<receipt_draft> receipts(1);
    receipts[0] = {.scope = "t/p",
                   .key = "k",
                   .body_hash = {},
                   .first = 1,
                   .count = 1,
                   .status = 0,
                   .command = {}};
    std::vector<claim_draft> claims{{"kind/name", "s"}};
    const append_batch batch{events, receipts, claims};
    const auto refusal = [&] {
        const auto checked = check_batch(batch, {});
        EXPECT_FALSE(checked.ok());
        EXPECT_TRUE(checked.ok() || checked.error().code == error_code::fields_invalid);
        return checked.ok() || checked.error().fields.empty() ? std::string{}
                                                              : checked.error().fields[0].pointer;
    };
    ASSERT_TRUE(check_batch(batch, {}).ok());
    const std::string long_text(5000, 'x');
    events[1].stream = long_text;
    EXPECT_EQ(refusal(), "#/events/1");
    events[1] = small_draft();
    events[1].recorded = {-1};
    EXPECT_EQ(refusal(), "#/events/1");
    events[1].recorded = {};
    events[0].reason = long_text;
    EXPECT_EQ(refusal(), "#/events/0");
    events[0].reason = {};
    receipts[0].count = 2;
    EXPECT_EQ(refusal(), "#/receipts/0");
    receipts[0].count = 1;
    claims[0].name = {};
    EXPECT_EQ(refusal(), "#/claims/0");
    EXPECT_FALSE(check_batch({}, {}).ok());
}

} // namespace
} // namespace fasti
