// SPDX-License-Identifier: Apache-2.0
#include "domain/wire/commands.gen.hpp"
#include "domain/wire/events.gen.hpp"
#include "domain/wire/identity_json.gen.hpp"
#include "domain/wire/operations_json.gen.hpp"
#include "domain/wire/registry_json.gen.hpp"
#include "tests/support/samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fasti {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

//! A command read from JSON text; keeps the text that it borrows from.
struct reading {
    std::string text;
    json_document document;
    result<command> made = error{};

    reading(std::string_view name, std::string_view json, std::vector<path_field> path = {})
        : text(json) {
        const auto parsed = document.parse(text);
        check(parsed.ok(), "the sample is JSON");
        const json_value body = document.root();
        made = read_command(name, &body, path);
    }

    template <class Command>
    const Command& as() const {
        return std::get<Command>(made.value());
    }
    std::vector<std::string> pointers() const {
        std::vector<std::string> out;
        if (!made.ok()) {
            for (const field_error& one : made.error().fields) {
                out.push_back(one.pointer);
            }
        }
        return out;
    }
    std::string detail(std::string_view pointer) const {
        for (const field_error& one : made.error().fields) {
            if (one.pointer == pointer) {
                return one.detail;
            }
        }
        return "none";
    }
};

constexpr std::string_view web =
    R"({"service":"web","instance":"web-1","address":"10.0.0.1","port":8080})";

TEST(read_command, fills_defaults_and_leaves_options_out) {
    const reading one("register_instance", web);
    ASSERT_TRUE(one.made.ok());
    const auto& made = one.as<registry::register_instance>();
    EXPECT_EQ(made.service, "web");
    EXPECT_EQ(made.port, 8080);
    EXPECT_EQ(made.protocol, "tcp");
    EXPECT_EQ(made.weight, 100U);
    EXPECT_FALSE(made.lease_ms);
    EXPECT_TRUE(made.tags.empty());
}

TEST(read_command, sorts_tags_and_metadata) {
    const reading one("register_service",
                      R"({"service":"web","tags":["b","a"],"metadata":{"z":"1","k":""}})");
    ASSERT_TRUE(one.made.ok());
    const auto& made = one.as<registry::register_service>();
    EXPECT_THAT(made.tags, ElementsAre("a", "b"));
    EXPECT_THAT(made.metadata, ElementsAre(label{"k", ""}, label{"z", "1"}));
}

TEST(read_command, names_every_wrong_field_at_once) {
    const reading one(
        "register_instance",
        R"({"service":"-x","instance":7,"adress":"h","port":0,"weight":1e3,"tags":["",1,"a"],)"
        R"("metadata":{"a/b~c":1},"lease_ms":"5"})");
    ASSERT_FALSE(one.made.ok());
    EXPECT_EQ(one.made.error().code, error_code::fields_invalid);
    EXPECT_THAT(one.pointers(),
                UnorderedElementsAre("#/service", "#/instance", "#/adress", "#/address", "#/port",
                                     "#/weight", "#/tags/0", "#/tags/1", "#/metadata/a~1b~0c",
                                     "#/lease_ms"));
    EXPECT_THAT(one.detail("#/adress"), HasSubstr("`address` is near"));
    EXPECT_EQ(one.detail("#/address"), "Is missing.");
    EXPECT_EQ(one.detail("#/port"), "Must be a whole number from 1 to 65535.");
    EXPECT_EQ(one.detail("#/weight"),
              "Must be written as a whole number, without fraction or exponent.");
    EXPECT_EQ(one.detail("#/lease_ms"), "Must be a number, not a text.");
    EXPECT_THAT(one.detail("#/service"), HasSubstr("[A-Za-z0-9]"));
}

TEST(read_command, keeps_numbers_within_bounds) {
    for (const char* bad : {"0", "65536", "-1", "18446744073709551616", "1.5", "1e2", "null",
                            "true", "\"80\"", "[80]"}) {
        const reading one(
            "register_instance",
            R"({"service":"w","instance":"i","address":"h","port":)" + std::string(bad) + "}");
        EXPECT_THAT(one.pointers(), ElementsAre("#/port")) << bad;
    }
    for (const char* good : {"1", "65535"}) {
        const reading one(
            "register_instance",
            R"({"service":"w","instance":"i","address":"h","port":)" + std::string(good) + "}");
        EXPECT_TRUE(one.made.ok()) << good;
    }
}

TEST(read_command, refuses_control_characters_and_long_texts) {
    const auto with_zone = [](const std::string& json) {
        return reading(
            "register_instance",
            R"({"service":"w","instance":"i","address":"h","port":1,"zone":)" + json + "}");
    };
    EXPECT_THAT(with_zone(R"("a\u0000b")").pointers(), ElementsAre("#/zone"));
    EXPECT_THAT(with_zone(R"("a\u007fb")").pointers(), ElementsAre("#/zone"));
    EXPECT_THAT(with_zone(R"("a\nb")").pointers(), ElementsAre("#/zone"));
    EXPECT_TRUE(with_zone('"' + std::string(128, 'z') + '"').made.ok());
    EXPECT_THAT(with_zone('"' + std::string(129, 'z') + '"').pointers(), ElementsAre("#/zone"));
}

TEST(read_command, refuses_doubles_in_sets_and_too_many_items) {
    EXPECT_THAT(reading("register_service", R"({"service":"w","tags":["a","b","a"]})").pointers(),
                ElementsAre("#/tags"));
    std::string many = R"({"service":"w","tags":[)";
    for (int i = 0; i < 65; ++i) {
        many += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + '"';
    }
    EXPECT_THAT(reading("register_service", many + "]}").pointers(), ElementsAre("#/tags"));
    EXPECT_THAT(reading("renew_leases", R"({"leases":[]})").pointers(), ElementsAre("#/leases"));
    EXPECT_THAT(
        reading("renew_leases", R"({"leases":[{"service":"a","instance":"b"},{"service":"a"},7]})")
            .pointers(),
        ElementsAre("#/leases/1/instance", "#/leases/2"));
}

TEST(read_command, takes_fields_from_the_path) {
    const std::vector<path_field> path = {{"service", "web"}, {"instance", "g++"}};
    const reading one("register_instance", R"({"address":"h","port":1})", path);
    ASSERT_TRUE(one.made.ok());
    EXPECT_EQ(one.as<registry::register_instance>().instance, "g++");
    EXPECT_TRUE(
        reading("register_instance", R"({"service":"web","address":"h","port":1})", path).made.ok());
    const reading other("register_instance", R"({"service":"mail","address":"h","port":1})", path);
    EXPECT_THAT(other.pointers(), ElementsAre("#/service"));
    const std::vector<path_field> wrong = {{"service", "a/b"}, {"instance", "\xFF"}};
    EXPECT_THAT(reading("drain_instance", "{}", wrong).pointers(),
                ElementsAre("#/service", "#/instance"));
    EXPECT_TRUE(read_command("drain_instance", nullptr, path).ok()) << "no body is an empty one";
}

TEST(read_command, refuses_internal_and_unknown_commands) {
    EXPECT_EQ(reading("expire_instance", R"({"service":"a","instance":"b"})").made.error().code,
              error_code::command_unknown);
    const reading near("register_instanc", "{}");
    EXPECT_EQ(near.made.error().code, error_code::command_unknown);
    EXPECT_THAT(near.made.error().message, HasSubstr("`register_instance` is near"));
    EXPECT_THAT(
        reading("create_token",
                R"({"name":"x","permissions":["registry:read"],"token":"0000000000000000"})")
            .pointers(),
        ElementsAre("#/token"))
        << "internal fields are unknown outside";
    EXPECT_THAT(reading("drain_instance", "[]").pointers(), ElementsAre("#"));
}

TEST(read_command, points_into_the_batch_it_is_part_of) {
    std::string text = "{}";
    json_document document;
    ASSERT_TRUE(document.parse(text).ok());
    const json_value body = document.root();
    field_errors errors("#/commands");
    errors.enter(std::size_t{3});
    errors.enter("data");
    const auto made = read_command(command_type::drain_instance, &body, {}, errors);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().fields.front().pointer, "#/commands/3/data/service");
}

TEST(read_command, stops_collecting_at_a_bound) {
    std::string many = "{\"service\":\"w\"";
    for (int i = 0; i < 500; ++i) {
        many += ",\"x" + std::to_string(i) + "\":1";
    }
    EXPECT_EQ(reading("register_service", many + "}").pointers().size(), field_errors::count_max);
}

//! JSON of a command reads back as the same command, internal fields aside.
TEST(command_json, comes_back_as_it_went) {
    test::for_each_type<test::all_commands>([]<class Command>() {
        if (info_of(*command_type_from_name(Command::type_name)).internal) {
            return;
        }
        for (std::uint64_t seed = 0; seed < 40; ++seed) {
            test::sample_maker maker(
                seed == 0 ? test::sample_kind::full : test::sample_kind::random, seed);
            auto given = maker.make<Command>();
            test::for_each_field(given, [](const test::field_spec& spec, auto& member) {
                if (spec.internal) {
                    member = {};
                }
            });
            std::string text;
            json_writer writer(text);
            write_json(writer, given);
            const reading back(Command::type_name, text);
            ASSERT_TRUE(back.made.ok()) << text << back.made.error().message;
            ASSERT_TRUE(back.as<Command>() == given) << text;
        }
    });
}

TEST(command_bytes, come_back_as_they_went) {
    test::for_each_type<test::all_commands>([]<class Command>() {
        test::sample_maker maker(test::sample_kind::random, 3);
        auto given = maker.make<Command>();
        test::for_each_field(given, [](const test::field_spec& spec, auto& member) {
            if (spec.internal) {
                member = {};
            }
        });
        std::string bytes;
        encode_command(command(given), bytes);
        const auto back = decode_command(bytes);
        ASSERT_TRUE(back);
        ASSERT_TRUE(*back == command(given));
    });
    EXPECT_FALSE(decode_command("register_instance"));
    EXPECT_FALSE(decode_command(std::string_view("nobody\0", 7)));
}

TEST(command_info, is_complete) {
    const command_info& one = info_of(command_type::register_instance);
    EXPECT_EQ(one.name, "register_instance");
    EXPECT_EQ(one.permission, "registry:write");
    EXPECT_EQ(one.method, "PUT");
    EXPECT_THAT(one.emits, ElementsAre("instance_registered", "instance_updated"));
    EXPECT_TRUE(info_of(command_type::expire_instance).internal);
    EXPECT_THAT(info_of(command_type::renew_lease).may_fail, Contains(error_code::lease_absent));
    EXPECT_EQ(type_of(command(registry::renew_leases{})), command_type::renew_leases);
    std::string stream;
    EXPECT_FALSE(append_command_stream(command(registry::renew_leases{}), stream));
    EXPECT_TRUE(append_command_stream(command(identity::revoke_token{.token = "ab"}), stream));
    EXPECT_EQ(stream, "token/ab");
}

TEST(event_json, shows_no_secret) {
    std::string bytes;
    encode(identity::token_created{.token = "00ff", .name = "ci", .secret_sha256 = "secret"},
           bytes);
    std::string out;
    json_writer writer(out);
    event_scratch scratch;
    ASSERT_EQ(write_event_json("token_created", 1, bytes, scratch, writer), decode_status::ok);
    EXPECT_EQ(out, R"({"token":"00ff","name":"ci","permissions":[]})");
}

TEST(read_query, takes_own_and_common_parameters) {
    const std::vector<query_param> given = {{"tag", "b"},  {"tag", "a"},    {"status", "up"},
                                            {"at", "-5m"}, {"wait", "30s"}, {"index", "1.2.3"},
                                            {"limit", "7"}};
    const std::vector<path_field> path = {{"service", "web"}};
    registry::list_instances_params params;
    common_params common;
    field_errors errors;
    read_query(given, path, params, common, errors);
    EXPECT_TRUE(errors.empty());
    EXPECT_EQ(params.service, "web");
    EXPECT_THAT(params.tag, ElementsAre("b", "a"));
    EXPECT_EQ(params.status, registry::instance_status::up);
    EXPECT_EQ(common.at, "-5m");
    EXPECT_EQ(common.wait_ms, 30'000U);
    EXPECT_EQ(common.limit, 7U);
}

std::vector<std::string> wrong(const std::vector<query_param>& given) {
    const std::vector<path_field> path = {{"service", "web"}};
    registry::discover_instance_params params;
    common_params common;
    field_errors errors;
    read_query(given, path, params, common, errors);
    std::vector<std::string> out;
    for (const field_error& one : errors.take()) {
        out.push_back(one.pointer + " " + one.detail);
    }
    return out;
}

TEST(read_query, refuses_what_it_does_not_take) {
    EXPECT_THAT(wrong({{"strategi", "x"}}),
                ElementsAre("#/strategi Is unknown; `strategy` is near."));
    EXPECT_THAT(wrong({{"strategy", "best"}}),
                ElementsAre("#/strategy Must be one of random, round_robin, weighted."));
    EXPECT_THAT(wrong({{"zone", "a"}, {"zone", "b"}}), ElementsAre("#/zone Stands twice."));
    EXPECT_THAT(wrong({{"at", "1"}, {"at", "2"}}), ElementsAre("#/at Stands twice."));
    EXPECT_THAT(wrong({{"service", "other"}}), ElementsAre("#/service Is given by the path."));
    EXPECT_THAT(wrong({{"any_status", "1"}}), ElementsAre("#/any_status Must be true or false."));
    EXPECT_THAT(wrong({{"dry_run", "true"}}), ElementsAre("#/dry_run Is unknown."));
    EXPECT_THAT(wrong({{"zone", "\xFF"}}), ElementsAre("#/zone Must be UTF-8."));
    for (const char* wait : {"", "x", "11m", "5d", "-1s", "99999999999999999999s"}) {
        EXPECT_EQ(wrong({{"wait", wait}}).size(), 1U) << wait;
    }
    for (const char* limit : {"0", "1001", "", "1e2", "0x1", "99999999999999999999"}) {
        EXPECT_EQ(wrong({{"limit", limit}}).size(), 1U) << limit;
    }
}

TEST(read_query, lets_a_query_declare_a_common_name_itself) {
    operations::list_events_params params;
    common_params common;
    field_errors errors;
    const std::vector<query_param> given = {{"limit", "10000"}, {"from", "5"}};
    read_query(given, {}, params, common, errors);
    EXPECT_TRUE(errors.empty());
    EXPECT_EQ(params.limit, 10'000U);
    EXPECT_FALSE(common.limit);
}

TEST(duration, is_a_number_with_a_unit) {
    EXPECT_EQ(duration_ms_from_text("500ms"), 500U);
    EXPECT_EQ(duration_ms_from_text("30s"), 30'000U);
    EXPECT_EQ(duration_ms_from_text("10m"), 600'000U);
    EXPECT_EQ(duration_ms_from_text("1h"), 3'600'000U);
    EXPECT_EQ(duration_ms_from_text("5"), 5'000U);
    EXPECT_FALSE(duration_ms_from_text("s"));
    EXPECT_FALSE(duration_ms_from_text("1.5s"));
}

} // namespace
} // namespace fasti
