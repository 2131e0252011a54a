// SPDX-License-Identifier: Apache-2.0
#include "domain/wire/events.gen.hpp"
#include "domain/wire/operations_stored.gen.hpp"
#include "domain/wire/proto.hpp"
#include "tests/support/samples.hpp"

#include <gtest/gtest.h>
#include <protozero/pbf_reader.hpp>

namespace fasti {
namespace {

using test::sample_kind;
using test::sample_maker;

template <class Struct>
bool read(std::string_view bytes, Struct& out) {
    if constexpr (requires { Struct::revision_now; }) {
        return decode(bytes, Struct::revision_now, out);
    } else {
        return decode(bytes, out);
    }
}

//! Commands leave their internal fields out of the bytes.
template <class Struct>
void forget_internal(Struct& of) {
    test::for_each_field(of, [](const test::field_spec& spec, auto& member) {
        if (spec.internal) {
            member = {};
        }
    });
}

template <class Tuple>
void round_trips() {
    test::for_each_type<Tuple>([]<class Struct>() {
        Struct back; // reused: every field must be replaced
        for (std::uint64_t seed = 0; seed < 60; ++seed) {
            sample_maker maker(seed == 0   ? sample_kind::full
                               : seed == 1 ? sample_kind::minimal
                                           : sample_kind::random,
                               seed);
            auto given = maker.make<Struct>();
            forget_internal(given);
            std::string bytes = "kept";
            encode(given, bytes);
            ASSERT_EQ(bytes.substr(0, 4), "kept");
            bytes.erase(0, 4);
            ASSERT_TRUE(read(bytes, back)) << typeid(Struct).name() << " seed " << seed;
            ASSERT_TRUE(back == given) << typeid(Struct).name() << " seed " << seed;
        }
    });
}

TEST(stored_codec, brings_every_event_back) { round_trips<test::all_events>(); }
TEST(stored_codec, brings_every_command_back) { round_trips<test::all_commands>(); }
TEST(stored_codec, brings_every_row_back) { round_trips<test::all_rows>(); }

//! What decode accepts, encode writes again: there is one form of bytes for one value.
template <class Struct>
void accepts_only_canonical(const std::string& bytes) {
    Struct out;
    if (read(bytes, out)) {
        std::string again;
        encode(out, again);
        ASSERT_EQ(again, bytes) << typeid(Struct).name();
    }
}

TEST(stored_codec, accepts_one_form_only_of_damaged_bytes) {
    std::mt19937_64 random(4);
    const auto damage = [&random]<class Struct>() {
        for (std::uint64_t seed = 0; seed < 40; ++seed) {
            sample_maker maker(sample_kind::random, seed);
            std::string bytes;
            encode(maker.make<Struct>(), bytes);
            for (int round = 0; round < 50; ++round) {
                std::string hurt = bytes;
                for (std::uint64_t n = random() % 3; n-- > 0 && !hurt.empty();) {
                    hurt[random() % hurt.size()] = static_cast<char>(random());
                }
                if (random() % 4 == 0) {
                    hurt.resize(random() % (hurt.size() + 1));
                } else if (random() % 4 == 0) {
                    hurt += static_cast<char>(random());
                }
                accepts_only_canonical<Struct>(hurt);
            }
        }
    };
    test::for_each_type<test::all_events>(damage);
    test::for_each_type<test::all_commands>(damage);
    test::for_each_type<test::all_rows>(damage);
}

TEST(stored_codec, survives_noise) {
    std::mt19937_64 random(5);
    event_scratch scratch;
    for (int round = 0; round < 20'000; ++round) {
        std::string noise(random() % 64, '\0');
        for (char& c : noise) {
            c = static_cast<char>(random());
        }
        const auto type = static_cast<event_type>(random() % event_type_count);
        const auto status = visit_event(type, 1, noise, scratch, [](const auto&) {});
        EXPECT_TRUE(status == decode_status::ok || status == decode_status::malformed);
    }
}

std::string number_field(std::uint32_t tag, std::uint64_t value) {
    std::string out;
    wire::put_number(out, tag, value);
    return out;
}

//! Rows are numbered by the order of their fields, which others may join.
template <class Row>
std::string number_field_of(std::string_view name, std::uint64_t value) {
    std::string out;
    Row row;
    test::for_each_field(row, [&](const test::field_spec& spec, const auto&) {
        if (spec.name == name) {
            wire::put_number(out, spec.number << 3U, value);
        }
    });
    return out;
}

TEST(stored_codec, refuses_other_forms_of_a_value) {
    registry::service_registered out;
    const auto takes = [&out](std::string_view bytes) { return decode(bytes, 1, out); };
    using namespace std::string_view_literals;
    EXPECT_TRUE(takes(""));
    EXPECT_TRUE(takes("\x0A\x01x"sv));
    EXPECT_FALSE(takes("\x0A\x00"sv)) << "an empty text is left out";
    EXPECT_FALSE(takes("\x0A\x01x\x0A\x01y"sv)) << "a field stands once";
    EXPECT_FALSE(takes("\x12\x01x\x0A\x01y"sv)) << "fields ascend";
    EXPECT_FALSE(takes("\x0A\x81\x00x"sv)) << "varints are short";
    EXPECT_FALSE(takes("\x0A\x02x"sv)) << "a length ends within the bytes";
    EXPECT_FALSE(takes("\x08\x01"sv)) << "the wire type is that of the field";
    EXPECT_FALSE(takes("\x32\x01x"sv)) << "no unknown number";
    EXPECT_TRUE(takes("\x2A\x06\x0A\x01"
                      "a\x12\x01v\x2A\x06\x0A\x01"
                      "b\x12\x01v"sv));
    EXPECT_FALSE(takes("\x2A\x06\x0A\x01"
                       "b\x12\x01v\x2A\x06\x0A\x01"
                       "a\x12\x01v"sv))
        << "labels ascend";
    EXPECT_FALSE(takes("\x2A\x06\x0A\x01"
                       "a\x12\x01v\x2A\x06\x0A\x01"
                       "a\x12\x01v"sv))
        << "keys are unique";
    EXPECT_FALSE(takes("\x2A\x03\x0A\x01"
                       "a"sv))
        << "an entry has key and value";
    EXPECT_FALSE(decode("", 0, out));
    EXPECT_FALSE(decode("", out.revision_now + 1, out));
}

TEST(stored_codec, keeps_numbers_to_their_width) {
    registry::instance_registered out;
    EXPECT_TRUE(decode(number_field(32, 65'535), 1, out));
    EXPECT_EQ(out.port, 65'535);
    EXPECT_FALSE(decode(number_field(32, 65'536), 1, out));
    EXPECT_FALSE(decode(number_field(32, 0), 1, out)) << "zero is left out";
    EXPECT_TRUE(decode(number_field(88, 0), 1, out)) << "but not where presence tells";
    EXPECT_EQ(out.lease_ms, 0U);
    std::string too_long = "\x20";
    too_long.append(10, '\xFF');
    EXPECT_FALSE(decode(too_long, 1, out));
    registry::registry_metrics_row row;
    EXPECT_TRUE(decode(number_field_of<registry::registry_metrics_row>("count", ~0ULL), row));
    EXPECT_EQ(row.count, std::numeric_limits<std::uint64_t>::max());
    registry::instance_row status;
    EXPECT_TRUE(decode(number_field_of<registry::instance_row>("status", 3), status));
    EXPECT_FALSE(decode(number_field_of<registry::instance_row>("status", 4), status))
        << "no such enumerator";
}

TEST(stored_codec, is_read_by_another_reader) {
    const registry::instance_registered given{.service = "web",
                                              .instance = "web-1",
                                              .address = "10.0.0.1",
                                              .port = 8080,
                                              .tags = {"a", "b"},
                                              .metadata = {{"k", "v"}},
                                              .lease_ms = 300};
    std::string bytes;
    encode(given, bytes);
    protozero::pbf_reader in(bytes);
    ASSERT_TRUE(in.next(1));
    EXPECT_EQ(in.get_string(), "web");
    ASSERT_TRUE(in.next(4));
    EXPECT_EQ(in.get_uint32(), 8080U);
    ASSERT_TRUE(in.next(9));
    EXPECT_EQ(in.get_string(), "a");
    ASSERT_TRUE(in.next(9));
    EXPECT_EQ(in.get_string(), "b");
    ASSERT_TRUE(in.next(10));
    protozero::pbf_reader entry = in.get_message();
    ASSERT_TRUE(entry.next(1));
    EXPECT_EQ(entry.get_string(), "k");
    ASSERT_TRUE(entry.next(2));
    EXPECT_EQ(entry.get_string(), "v");
    ASSERT_TRUE(in.next(11));
    EXPECT_EQ(in.get_uint32(), 300U);
    EXPECT_FALSE(in.next());
    std::string moment;
    encode(registry::expiry_guard_lifted{.until = {-5}}, moment);
    protozero::pbf_reader signed_reader(moment);
    ASSERT_TRUE(signed_reader.next(1));
    EXPECT_EQ(signed_reader.get_sint64(), -5);
}

TEST(event_type, has_its_declared_name) {
    for (std::size_t i = 0; i < event_type_count; ++i) {
        const auto type = static_cast<event_type>(i);
        EXPECT_EQ(event_type_from_name(to_name(type)), type);
    }
    EXPECT_FALSE(event_type_from_name("instance_registerex"));
    EXPECT_FALSE(event_type_from_name(""));
}

TEST(visit_event, hands_over_the_typed_event) {
    std::string bytes;
    encode(
        registry::instance_expired{
            .service = "web", .instance = "1", .lease_ms = 5, .deadline = {9}},
        bytes);
    event_scratch scratch;
    int calls = 0;
    const auto visitor = [&calls]<class Event>(const Event& event) {
        if constexpr (std::is_same_v<Event, registry::instance_expired>) {
            EXPECT_EQ(event.deadline, instant{9});
            ++calls;
        }
    };
    EXPECT_EQ(visit_event("instance_expired", 1, bytes, scratch, visitor), decode_status::ok);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(visit_event("instance_expired", registry::instance_expired::revision_now + 1, bytes,
                          scratch, visitor),
              decode_status::unknown_revision);
    EXPECT_EQ(visit_event("instance_gone", 1, bytes, scratch, visitor),
              decode_status::unknown_type);
    EXPECT_EQ(visit_event("instance_expired", 1, "\x01", scratch, visitor),
              decode_status::malformed);
    EXPECT_EQ(calls, 1);
}

TEST(stored_codec_death, refuses_to_write_unsorted_labels) {
    std::string out;
    const registry::service_registered wrong{.service = "web", .metadata = {{"b", ""}, {"a", ""}}};
    EXPECT_DEATH(encode(wrong, out), "labels are sorted");
}

} // namespace
} // namespace fasti
