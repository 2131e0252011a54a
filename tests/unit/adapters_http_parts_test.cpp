// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/listener.hpp"
#include "adapters/http/problem.hpp"
#include "adapters/http/request.hpp"
#include "adapters/http/response.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fasti::http {
namespace {

std::string sent(const response& answer, const wire_form& form = {}) {
    head_parts heads;
    heads.set_time(1'763'715'600);
    std::string out;
    heads.write(answer, form, out);
    return out;
}

TEST(percent_decode, decodes_once_and_leaves_plus_alone) {
    std::string room;
    EXPECT_EQ(percent_decode("a+b", room), "a+b");
    EXPECT_EQ(percent_decode("g%2B%2b%2525", room), "g++%25");
    EXPECT_EQ(percent_decode("%C3%A4", room), "\xC3\xA4");
    EXPECT_EQ(percent_decode("%", room), std::nullopt);
    EXPECT_EQ(percent_decode("%1", room), std::nullopt);
    EXPECT_EQ(percent_decode("%g0", room), std::nullopt);
    EXPECT_EQ(percent_decode("a%00", room), std::nullopt);
    EXPECT_EQ(percent_decode("%C3", room), std::nullopt);
}

TEST(host, is_split_from_its_port) {
    EXPECT_EQ(host_without_port("localhost"), "localhost");
    EXPECT_EQ(host_without_port("localhost:80"), "localhost");
    EXPECT_EQ(host_without_port("[::1]:8080"), "[::1]");
    EXPECT_EQ(host_without_port(""), std::nullopt);
    EXPECT_EQ(host_without_port("a:b"), std::nullopt);
    EXPECT_EQ(host_without_port("[::1"), std::nullopt);
    EXPECT_EQ(host_without_port("a b"), std::nullopt);
}

TEST(request, shows_credentials_in_its_url) {
    const auto carries = [](std::string query) {
        request one;
        EXPECT_TRUE(read_query(query.data(), query.size(), 8, one.query));
        return has_token_in_url(one);
    };
    EXPECT_TRUE(carries("a=1&Access_Token=x"));
    EXPECT_TRUE(carries("token=x"));
    EXPECT_TRUE(carries("api%5Fkey=x"));
    EXPECT_FALSE(carries("tag=token&from=1.2.3"));
}

TEST(response, is_written_with_length_date_and_what_browsers_must_be_told) {
    response answer;
    answer.body = "{}";
    answer.add_header("Fasti-Position", "1.2.3\r\nX-Evil: 1");
    EXPECT_EQ(sent(answer),
              "HTTP/1.1 200 OK\r\n"
              "Server: fasti\r\n"
              "Date: Fri, 21 Nov 2025 09:00:00 GMT\r\n"
              "X-Content-Type-Options: nosniff\r\n"
              "X-Frame-Options: DENY\r\n"
              "Referrer-Policy: no-referrer\r\n"
              "Cross-Origin-Resource-Policy: same-origin\r\n"
              "Cache-Control: no-store\r\n"
              "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
              "Content-Type: application/json\r\n"
              "Content-Length: 2\r\n"
              "Fasti-Position: 1.2.3  X-Evil: 1\r\n"
              "\r\n"
              "{}");
}

TEST(response, keeps_length_but_not_body_for_head_and_neither_for_304) {
    response answer;
    answer.body = "{}";
    const std::string head = sent(answer, {.head_only = true});
    EXPECT_NE(head.find("Content-Length: 2\r\n"), std::string::npos);
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
    answer.status = 304;
    const std::string unchanged = sent(answer);
    EXPECT_EQ(unchanged.find("\r\nContent-Length"), std::string::npos);
    EXPECT_EQ(unchanged.find("\r\nContent-Type"), std::string::npos);
    EXPECT_TRUE(unchanged.ends_with("\r\n\r\n"));
}

TEST(response, names_strict_transport_over_tls_only) {
    EXPECT_EQ(sent({}).find("Strict-Transport"), std::string::npos);
    EXPECT_NE(sent({}, {.over_tls = true}).find("Strict-Transport-Security: max-age="),
              std::string::npos);
}

TEST(http_date, is_right_across_leap_days_and_centuries) {
    EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(http_date(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(http_date(951'782'400), "Tue, 29 Feb 2000 00:00:00 GMT");
    EXPECT_EQ(http_date(4'102'444'799), "Thu, 31 Dec 2099 23:59:59 GMT");
}

TEST(json_text, is_escaped_and_always_utf8) {
    std::string out;
    append_json_text("a\"\\\n\x01\xC3\xA4", out);
    EXPECT_EQ(out, "\"a\\\"\\\\\\u000a\\u0001\xC3\xA4\"");
    out.clear();
    append_json_text("a\xFF", out);
    EXPECT_EQ(out, "\"a\xEF\xBF\xBD\"");
}

TEST(problem, says_type_title_status_outcome_code_and_fields) {
    response answer;
    write_problem({.code = error_code::fields_invalid,
                   .message = "Two fields are wrong.",
                   .fields = {{"#/port", "must be 1 to 65535"}, {"#/x", "is unknown"}}},
                  answer);
    EXPECT_EQ(answer.status, 422);
    EXPECT_EQ(answer.content_type, "application/problem+json");
    EXPECT_EQ(
        answer.body,
        R"({"type":"/v1/reference#error-fields_invalid",)"
        R"("title":"One or more fields are missing, unknown, of the wrong type or out of range.",)"
        R"("status":422,"outcome":"refused","code":"fields_invalid","retry":"never",)"
        R"("detail":"Two fields are wrong.","errors":[)"
        R"({"pointer":"#/port","detail":"must be 1 to 65535"},{"pointer":"#/x","detail":"is unknown"}]})");
}

TEST(problem, carries_the_headers_and_versions_that_belong_to_it) {
    response missing;
    write_problem(error_code::token_missing, "", missing);
    EXPECT_EQ(missing.headers, "WWW-Authenticate: Bearer realm=\"fasti\"\r\n");
    response invalid;
    write_problem(error_code::token_invalid, "", invalid);
    EXPECT_NE(invalid.headers.find("error=\"invalid_token\""), std::string::npos);
    response full;
    write_problem(error_code::queue_full, "", full);
    EXPECT_EQ(full.status, 503);
    EXPECT_EQ(full.headers, "Retry-After: 1\r\n");
    response stale;
    write_problem({.code = error_code::version_conflict, .message = "m", .actual_version = 7},
                  stale);
    EXPECT_NE(stale.body.find("\"outcome\":\"conflict\""), std::string::npos);
    EXPECT_NE(stale.body.find("\"actual_version\":7"), std::string::npos);
}

TEST(problem, exists_for_every_declared_error) {
    for (std::size_t i = 0; i < error_code_count; ++i) {
        response answer;
        write_problem(static_cast<error_code>(i), "", answer);
        EXPECT_GE(answer.status, 400);
        EXPECT_NE(reason_phrase(answer.status), "Unknown") << answer.status;
    }
}

result<void> content(std::string_view header, std::string_view body = "{}") {
    request one;
    one.body = body;
    one.set(header_id::content_type, header);
    return expect_json(one);
}

TEST(media_type, must_be_json_and_is_named_when_it_is_not) {
    EXPECT_TRUE(content("application/json").ok());
    EXPECT_TRUE(content("Application/JSON; charset=UTF-8").ok());
    EXPECT_TRUE(content("application/merge-patch+json").ok());
    EXPECT_FALSE(content("application/json; charset=latin1").ok());
    EXPECT_FALSE(content("").ok());
    const result<void> text = content("text/plain");
    ASSERT_FALSE(text.ok());
    EXPECT_EQ(text.error().code, error_code::media_type_unsupported);
    EXPECT_NE(text.error().message.find("text/plain"), std::string::npos);
    EXPECT_TRUE(expect_json(request{}).ok());
}

TEST(accept, prefers_the_most_specific_range) {
    EXPECT_EQ(accept_weight("", media::openmetrics), 1000);
    EXPECT_EQ(accept_weight("application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
                            media::openmetrics),
              1000);
    EXPECT_EQ(accept_weight("application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
                            media::metrics_text),
              500);
    EXPECT_EQ(accept_weight("*/*;q=0.1, text/*;q=0.2, text/plain;q=0", media::text), 0);
    EXPECT_EQ(accept_weight("*/*;q=0.1, text/*;q=0.2", media::text), 200);
    EXPECT_EQ(accept_weight("image/png", media::text), 0);
}

TEST(listener, refuses_plain_http_outside_loopback) {
    EXPECT_TRUE(plan_listener({.address = "localhost"}, {}).ok());
    EXPECT_TRUE(plan_listener({.address = "::1"}, {}).ok());
    const auto open = plan_listener({.address = "0.0.0.0"}, {});
    ASSERT_FALSE(open.ok());
    EXPECT_NE(open.error().message.find("--insecure-plaintext"), std::string::npos);
    EXPECT_TRUE(plan_listener({.address = "0.0.0.0", .insecure_plaintext = true}, {}).ok());
    EXPECT_FALSE(plan_listener({.address = "example.org"}, {}).ok());
    EXPECT_FALSE(plan_listener({.tls = tls_files{"tests/none.pem", "tests/none.key"}}, {}).ok());
}

TEST(patience, runs_out_by_phase) {
    const time_limits limits{.header_ms = 10, .body_ms = 20, .idle_ms = 30, .write_ms = 40};
    EXPECT_EQ(judge_wait(connection_phase::reading_head, 9, limits), wait_verdict::go_on);
    EXPECT_EQ(judge_wait(connection_phase::reading_head, 10, limits), wait_verdict::answer_late);
    EXPECT_EQ(judge_wait(connection_phase::reading_body, 20, limits), wait_verdict::answer_late);
    EXPECT_EQ(judge_wait(connection_phase::idle, 30, limits), wait_verdict::close_quietly);
    EXPECT_EQ(judge_wait(connection_phase::writing, 40, limits), wait_verdict::cut);
    EXPECT_EQ(judge_wait(connection_phase::busy, 1'000'000, limits), wait_verdict::go_on);
}

} // namespace
} // namespace fasti::http
