// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/router.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fasti::http {
namespace {

std::string told(method verb, std::string_view path) {
    std::string room;
    const route_match found = match(verb, path, room);
    switch (found.status) {
        case route_status::no_path: return "no path";
        case route_status::no_method: return "allow " + std::string(found.allow);
        case route_status::malformed: return "malformed";
        case route_status::found: break;
    }
    std::string out(to_name(found.to->what));
    for (const path_field& one : found.captured()) {
        out += " " + std::string(one.name) + "=" + std::string(one.value);
    }
    return out;
}

TEST(router, finds_every_declared_route) {
    for (const route& one : all_routes()) {
        std::string path;
        for (std::size_t i = 0; i < one.pattern.size(); ++i) {
            if (one.pattern[i] == '{') {
                i = one.pattern.find('}', i);
                path += "x1";
            } else {
                path += one.pattern[i];
            }
        }
        std::string room;
        const route_match found = match(one.verb, path, room);
        ASSERT_EQ(found.status, route_status::found) << path;
        EXPECT_EQ(found.to, &one) << path;
        for (const path_field& field : found.captured()) {
            EXPECT_EQ(field.value, "x1");
        }
    }
}

TEST(router, captures_segments_decoded_once) {
    EXPECT_EQ(told(method::put, "/v1/services/web/instances/web-1"),
              "register_instance service=web instance=web-1");
    EXPECT_EQ(told(method::get, "/v1/services/g++"), "get_service service=g++");
    EXPECT_EQ(told(method::get, "/v1/services/g%2B%2B"), "get_service service=g++");
    EXPECT_EQ(told(method::get, "/v1/services/a%2541"), "get_service service=a%41");
    EXPECT_EQ(told(method::get, "/%76%31/services/web"), "get_service service=web");
    EXPECT_EQ(told(method::post, "/v1/commands/register_instance"),
              "run_command command=register_instance");
    EXPECT_EQ(told(method::post, "/v1/commands"), "run_commands");
}

TEST(router, gives_tails_everything_that_is_left) {
    EXPECT_EQ(told(method::get, "/v1/why/instance/web/web-1"), "get_why stream=instance/web/web-1");
    EXPECT_EQ(told(method::get, "/v1/why/instance%2Fweb/g%2B%2B"),
              "get_why stream=instance/web/g++");
    EXPECT_EQ(told(method::get, "/v1/why"), "no path");
    EXPECT_EQ(told(method::get, "/v1/why/"), "no path");
}

TEST(router, prefers_literals) {
    EXPECT_EQ(told(method::get, "/v1/events/stream"), "stream_events");
    EXPECT_EQ(told(method::get, "/v1/events/17"), "get_event position=17");
    EXPECT_EQ(told(method::get, "/"), "api_reference");
}

TEST(router, refuses_paths_it_does_not_know) {
    for (const char* path :
         {"", "*", "v1/services", "/v2", "/v1", "/v1/", "//v1/services", "/v1//services",
          "/v1/services/", "/v1/services/web/", "/v1/services/web/instances/a/b", "/health/dead"}) {
        EXPECT_EQ(told(method::get, path), "no path") << path;
    }
}

TEST(router, says_which_methods_a_path_takes) {
    EXPECT_EQ(told(method::post, "/v1/services/web"), "allow DELETE, GET, HEAD, PUT");
    EXPECT_EQ(told(method::get, "/v1/commands/x"), "allow POST");
    EXPECT_EQ(told(method::other, "/health"), "allow GET, HEAD");
}

TEST(router, refuses_broken_escapes) {
    for (const char* path :
         {"/v1/services/%", "/v1/services/%4", "/v1/services/%zz", "/v1/services/%FF",
          "/v1/services/%00", "/v1/services/a%2Fb", "/v1/why/a/%", "/v1/services/\xFF"}) {
        EXPECT_EQ(told(method::get, path), "malformed") << path;
    }
}

TEST(router, keeps_captures_valid_while_decoding_more) {
    const std::string long_name(100, 'a');
    std::string path = "/v1/services/%61" + long_name + "/instances/%62" + long_name;
    std::string room;
    const route_match found = match(method::get, path, room);
    ASSERT_EQ(found.status, route_status::found);
    EXPECT_EQ(found.fields[0].value, "a" + long_name);
    EXPECT_EQ(found.fields[1].value, "b" + long_name);
}

} // namespace
} // namespace fasti::http
