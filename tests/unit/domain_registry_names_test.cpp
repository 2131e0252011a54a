// SPDX-License-Identifier: Apache-2.0
#include "domain/registry/registry.gen.hpp"
#include "domain/registry/streams.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace fasti::registry {
namespace {

TEST(registry_name, takes_what_the_pattern_says) {
    for (const char* text : {"a", "9", "web-1", "libstdc++6", "A.b_c:d+e~f-g", "g++-12"}) {
        EXPECT_TRUE(is_valid_name(text)) << text;
    }
    EXPECT_TRUE(is_valid_name(std::string(128, 'x')));
}

TEST(registry_name, refuses_everything_else) {
    for (const char* text : {"", "-a", ".a", "a/b", "a b", "a\n", "gr\xC3\xBC", "a%41"}) {
        EXPECT_FALSE(is_valid_name(text)) << text;
    }
    EXPECT_FALSE(is_valid_name(std::string(129, 'x')));
}

TEST(registry_stream, is_named_after_what_it_is_about) {
    EXPECT_EQ(instance_stream("web", "web-1"), "instance/web/web-1");
    EXPECT_EQ(stream_of(register_instance{.service = "web", .instance = "1"}), "instance/web/1");
    EXPECT_EQ(stream_of(service_updated{.service = "web"}), "service/web");
    EXPECT_EQ(stream_of(lift_expiry_guard{}), "expiry_guard");
    std::string out = "at ";
    append_stream_of(instance_expired{.service = "a", .instance = "b"}, out);
    EXPECT_EQ(out, "at instance/a/b");
}

TEST(registry_stream, tells_the_service_that_it_is_about) {
    for (const std::string& stream : {service_stream("web"), instance_stream("web", "web-1")}) {
        EXPECT_EQ(service_of_stream(stream), "web");
        const auto about = streams_about("web");
        EXPECT_TRUE(std::any_of(about.begin(), about.end(), [&](const std::string& one) {
            return stream.starts_with(one);
        })) << stream;
    }
    EXPECT_EQ(service_of_stream("expiry_guard"), "");
    EXPECT_EQ(service_of_stream("token/instance"), "");
}

TEST(registry_enum, has_its_declared_spelling) {
    EXPECT_EQ(to_name(instance_status::draining), "draining");
    EXPECT_EQ(instance_status_from_name("expired"), instance_status::expired);
    EXPECT_FALSE(instance_status_from_name("Expired"));
}

} // namespace
} // namespace fasti::registry
