// SPDX-License-Identifier: Apache-2.0
//! Events as CloudEvents, and the filters of requests that read them.
#include "adapters/api/cloudevents.hpp"
#include "adapters/api/event_filters.hpp"
#include "domain/wire/registry_stored.gen.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace fasti::api {
namespace {

id128 id_of(std::uint8_t last) {
    id128 id;
    id.bytes[15] = last;
    return id;
}

recorded_event sample(std::string_view data) {
    recorded_event event;
    event.at = 42;
    event.fact.stream = "service/web";
    event.fact.stream_version = 3;
    event.fact.type = "service_deregistered";
    event.fact.command = id_of(0xAB);
    event.fact.index = 1;
    event.fact.recorded = instant{1'767'225'600'123'456};
    event.fact.actor = "token/00000000000000aa";
    event.fact.data = data;
    return event;
}

std::string stored(std::string_view service) {
    std::string out;
    registry::service_deregistered what;
    what.service = service;
    registry::encode(what, out);
    return out;
}

hash256 some_hash() {
    hash256 hash;
    hash.bytes.fill(0x5C);
    hash.bytes[0] = 0x01;
    return hash;
}

constexpr std::string_view some_hash_hex =
    "015c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c";

TEST(cloudevent, has_the_attributes_of_its_event) {
    cloudevent_writer writer(id_of(1), 0xE);
    const std::string data = stored("web");
    recorded_event event = sample(data);
    event.fact.reason = "line one\nline \"two\"";
    event.fact.cause = "41";
    event.fact.tenant = "north";
    event.fact.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    std::string out;
    writer.write(event, some_hash(), out);
    EXPECT_EQ(out, R"({"specversion":"1.0","source":"/fasti/00000000000000000000000000000001",)"
                   R"("epoch":"000000000000000e","id":"000000000000000000000000000000ab-1",)"
                   R"("type":"dev.fasti.service_deregistered","subject":"service/web",)"
                   R"("time":"2026-01-01T00:00:00.123456Z","position":"42","streamversion":"3",)"
                   R"("revision":"1","chainhash":")" +
                       std::string(some_hash_hex) +
                       R"(","correlationid":"000000000000000000000000000000ab",)"
                       R"("causationid":"41","authtype":"api_key",)"
                       R"("authid":"token/00000000000000aa",)"
                       R"("traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",)"
                       R"("tenant":"north","reason":"line one\nline \"two\"",)"
                       R"("datacontenttype":"application/json","data":{"service":"web"}})");
}

TEST(cloudevent, leaves_out_what_is_empty_and_names_the_system_as_such) {
    cloudevent_writer writer(id_of(1), 0xE);
    const std::string data = stored("web");
    recorded_event event = sample(data);
    event.fact.actor = "system/leases";
    event.fact.correlation = "deploy-7";
    std::string out;
    writer.write(event, some_hash(), out);
    EXPECT_NE(out.find(R"("correlationid":"deploy-7","authtype":"system","authid":"system/leases",)"
                       R"("datacontenttype")"),
              std::string::npos)
        << out;
}

TEST(cloudevent, carries_data_it_cannot_read_as_it_is_stored) {
    cloudevent_writer writer(id_of(1), 0xE);
    recorded_event event = sample("\xff\xfe?");
    event.fact.type = "from_a_later_version";
    std::string out;
    writer.write(event, some_hash(), out);
    EXPECT_TRUE(out.ends_with(R"("datacontenttype":"application/protobuf","data_base64":"//4/"})"))
        << out;
    event.fact.data = "\xff";
    out.clear();
    writer.write(event, some_hash(), out);
    EXPECT_TRUE(out.ends_with(R"("data_base64":"/w=="})")) << out;
}

TEST(cloudevent, makes_a_frame_of_one_line_with_its_token) {
    cloudevent_writer writer(id_of(1), 0xE);
    const std::string data = stored("web");
    recorded_event event = sample(data);
    event.fact.reason = "two\nlines";
    std::string out;
    writer.write_frame(event, some_hash(), out);
    EXPECT_TRUE(out.starts_with(
        "id: 000000000000000e.42.015c5c5c\nevent: service_deregistered\ndata: {\"specversion\""))
        << out;
    EXPECT_TRUE(out.ends_with("}\n\n"));
    EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 4);
}

TEST(event_filters, take_declared_types_with_and_without_prefix) {
    const principal caller{"token/aa", "", {}};
    const std::vector<std::string_view> types = {"dev.fasti.service_updated", "instance_expired"};
    const auto made = make_event_filter({.types = types, .service = "web"}, caller);
    ASSERT_TRUE(made.ok());
    EXPECT_EQ(made.value().types,
              (std::vector<std::string>{"instance_expired", "service_updated"}));
    event_draft fact;
    fact.type = "instance_expired";
    fact.stream = "instance/web/a";
    EXPECT_TRUE(made.value().matches(fact));
    fact.stream = "instance/web2/a";
    EXPECT_FALSE(made.value().matches(fact));
}

TEST(event_filters, name_the_nearest_of_an_unknown_type) {
    const principal caller{"token/aa", "", {}};
    const std::vector<std::string_view> types = {"instance_expird"};
    const auto made = make_event_filter({.types = types}, caller);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, error_code::fields_invalid);
    EXPECT_NE(made.error().message.find("'instance_expired'"), std::string::npos);
}

TEST(event_filters, keep_a_caller_within_its_tenant) {
    const principal caller{"token/aa", "north", {}};
    EXPECT_EQ(make_event_filter({}, caller).value().tenant, "north");
    const auto other = make_event_filter({.tenant = "south"}, caller);
    ASSERT_FALSE(other.ok());
    EXPECT_EQ(other.error().code, error_code::permission_denied);
}

TEST(event_filters, have_equal_keys_only_when_they_match_the_same) {
    event_filter one;
    one.stream_prefix = "a";
    event_filter other;
    other.streams_under = {"a"};
    EXPECT_NE(key_of(one), key_of(other));
    other = one;
    EXPECT_EQ(key_of(one), key_of(other));
    other.tenant = "";
    EXPECT_NE(key_of(one), key_of(other));
}

} // namespace
} // namespace fasti::api
