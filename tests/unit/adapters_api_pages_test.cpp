// SPDX-License-Identifier: Apache-2.0
//! Health, metrics, documents and lists of events through the whole API, over a connection without
//! socket and a node in one thread.
#include "adapters/api/batch.hpp"
#include "adapters/api/metrics_page.hpp"
#include "tests/api/api_world.hpp"

#include <memory>
#include <string>

namespace fasti::api {
namespace {

using world = api_world;

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(health, tells_liveness_from_the_first_moment_on) {
    world w;
    for (const std::string path : {"/health/live", "/health/liveness"}) {
        const std::string got = w.ask(path);
        EXPECT_TRUE(got.starts_with("HTTP/1.1 200 ")) << got;
        EXPECT_TRUE(has(got, "Content-Type: application/health+json")) << got;
        EXPECT_TRUE(has(got, R"("status":"pass")")) << got;
    }
}

TEST(health, is_not_ready_while_recovering_and_says_how_far_it_is) {
    world w;
    w.context.recovery_progress = "Folded 5 events towards position 9.";
    for (const std::string path : {"/health", "/health/ready", "/health/readiness"}) {
        const std::string got = w.ask(path);
        EXPECT_TRUE(got.starts_with("HTTP/1.1 503 ")) << got;
        EXPECT_TRUE(has(got, R"("status":"fail")")) << got;
        EXPECT_TRUE(has(got, "towards position 9.")) << got;
    }
}

TEST(health, is_ready_while_serving_and_not_while_draining) {
    world w;
    w.serve();
    const std::string ready = w.ask("/health/ready");
    EXPECT_TRUE(ready.starts_with("HTTP/1.1 200 ")) << ready;
    EXPECT_TRUE(has(ready, R"("releaseId":"1.2.3")")) << ready;
    EXPECT_FALSE(has(w.ask("/health"), "checks")) << "component detail needs a token";
    w.api.drain();
    EXPECT_TRUE(w.ask("/health/ready").starts_with("HTTP/1.1 503 "));
    EXPECT_TRUE(w.ask("/health/live").starts_with("HTTP/1.1 200 "));
}

TEST(metrics_page, answers_in_both_formats_before_and_after_recovery) {
    world w;
    const std::string early = w.ask("/metrics");
    EXPECT_TRUE(has(early, "Content-Type: text/plain; version=0.0.4")) << early;
    EXPECT_TRUE(has(early, "\nfasti_ready 0\n")) << early;
    EXPECT_FALSE(has(early, "fasti_log_head_position"));
    w.serve();
    const std::string later = w.ask("/metrics", "Accept: application/openmetrics-text\r\n");
    EXPECT_TRUE(has(later, "Content-Type: application/openmetrics-text; version=1.0.0")) << later;
    EXPECT_TRUE(has(later, "\nfasti_ready 1\n")) << later;
    EXPECT_TRUE(has(later, "\nfasti_log_head_position 0\n")) << later;
    EXPECT_TRUE(later.ends_with("# EOF\n"));
}

TEST(metrics_page, counts_requests_by_operation_and_status) {
    world w;
    w.serve();
    (void)w.ask("/health/live");
    (void)w.ask("/health/live");
    (void)w.ask("/nowhere");
    (void)w.ask("/v1/events"); // without token
    const std::string got = w.ask("/metrics");
    EXPECT_TRUE(
        has(got, "fasti_http_requests_total{operation=\"health_live\",status=\"200\"} 2\n"));
    EXPECT_TRUE(has(got, "fasti_http_requests_total{operation=\"none\",status=\"404\"} 1\n"));
    EXPECT_TRUE(
        has(got, "fasti_http_requests_total{operation=\"list_events\",status=\"401\"} 1\n"));
    EXPECT_TRUE(has(got, "fasti_http_request_duration_seconds_count{operation=\"health_live\"} 2\n"))
        << got;
}

TEST(metrics_page, shows_series_per_service_only_when_asked_to_and_the_largest_first) {
    world w;
    w.serve();
    w.context.options.series_per_service_max = 1;
    w.register_instance("small", "a");
    w.register_instance("large", "a");
    w.register_instance("large", "b");
    EXPECT_FALSE(has(w.ask("/metrics"), "service=\""));
    http::response out;
    write_metrics(w.context, true, "", out);
    EXPECT_TRUE(has(out.body, "{service=\"large\"} 2\n")) << out.body;
    EXPECT_FALSE(has(out.body, "service=\"small\""));
    EXPECT_TRUE(has(out.body, "fasti_registry_services_without_series 1\n"));
}

TEST(access_log, is_off_by_default_and_names_the_pattern_and_the_trace) {
    world w;
    w.serve();
    (void)w.ask("/v1/services/web");
    w.context.options.access_log = true;
    (void)w.ask("/v1/services/web?at=3",
                "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
    w.log.flush();
    ASSERT_EQ(w.logged.size(), 1U);
    EXPECT_TRUE(has(w.logged[0], R"("route":"/v1/services/{service}","status":401)"))
        << w.logged[0];
    EXPECT_TRUE(has(w.logged[0], R"("correlation_id":"0af7651916cd43dd8448eb211c80319c")"));
    EXPECT_FALSE(has(w.logged[0], "at=3"));
}

TEST(draining, makes_nobody_wait_for_a_position_any_more) {
    world w;
    w.serve();
    const std::string token = w.let_in();
    w.api.drain();
    const std::string got = w.ask("/v1/services?after=99&wait=10m", token);
    EXPECT_TRUE(got.starts_with("HTTP/1.1 504 ")) << got;
}

TEST(draining, is_not_ended_by_a_recovery_that_comes_to_its_end) {
    world w;
    w.api.drain();
    w.serve();
    EXPECT_TRUE(w.ask("/health/ready").starts_with("HTTP/1.1 503 "));
}

TEST(event_stream, is_kept_alive_by_the_clock_however_often_it_is_looked_at) {
    world w;
    w.serve();
    const api_client stream = w.send("/v1/events/stream", w.let_in());
    const auto pass_seconds = [&](int seconds) {
        std::string got;
        for (int i = 0; i < seconds * 10; ++i) {
            w.time.pass_ms(100);
            w.api.tick();
            got += stream.take();
        }
        return got;
    };
    EXPECT_FALSE(has(pass_seconds(10), ": keep-alive"));
    EXPECT_TRUE(has(pass_seconds(10), ": keep-alive"));
}

TEST(batch, refuses_a_key_that_grows_too_long_with_the_numbers_of_its_commands) {
    const auto read = [](std::size_t key_bytes) {
        std::string text = R"({"mode":"each","commands":[)";
        for (int i = 0; i < 11; ++i) {
            text += i == 0 ? "" : ",";
            text += R"({"command":"register_service","data":{"service":"a"}})";
        }
        text += "]}";
        json_document document;
        EXPECT_TRUE(document.parse(text).ok());
        const std::string key(key_bytes, 'k');
        command_headers headers;
        headers.idempotency_key = key;
        command_request into;
        into.caller = std::make_shared<principal>(principal{"token/aa", "", {"registry:write"}});
        return read_batch(document.root(), headers, into);
    };
    EXPECT_TRUE(read(252).ok()); // "#10" comes behind it
    const auto refused = read(253);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, error_code::malformed);
}

TEST(documents, are_public) {
    world w;
    EXPECT_TRUE(has(w.ask("/v1/openapi.json"), R"({"openapi":"3.1)"));
    EXPECT_TRUE(has(w.ask("/"), "Content-Type: text/html"));
    EXPECT_TRUE(has(w.ask("/v1/reference"), "<!doctype html>"));
}

} // namespace
} // namespace fasti::api
