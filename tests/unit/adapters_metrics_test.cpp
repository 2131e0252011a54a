// SPDX-License-Identifier: Apache-2.0
#include "adapters/telemetry/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <array>
#include <cstdio>

namespace fasti::telemetry {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string rendered(const metrics_registry& metrics, metrics_format format) {
    std::string out;
    metrics.render(format, out);
    return out;
}

void fill(metrics_registry& metrics) {
    const metric_family commands{.name = "fasti_commands", .help = "Commands by outcome."};
    metrics.add_counter(commands, {{"outcome", "appended"}}).add(3);
    metrics.add_counter(commands, {{"outcome", "re\"fu\\sed\n"}}).add_shared(2);
    metrics
        .add_gauge({.name = "fasti_view_lag_seconds",
                    .help = "How far a view is behind.",
                    .unit = "seconds",
                    .per_unit = 1'000'000})
        .set(1'500'000);
    constexpr std::array<std::uint64_t, 3> bounds = {1'000, 250'000, 1'000'000};
    histogram& latency = metrics.add_histogram({.name = "fasti_command_duration_seconds",
                                                .help = "Time from admission to answer.",
                                                .unit = "seconds",
                                                .per_unit = 1'000'000},
                                               bounds);
    for (const std::uint64_t us : {500U, 1'000U, 1'001U, 999'999U, 5'000'000U}) {
        latency.observe(us);
    }
}

TEST(metrics, are_written_in_text_0_0_4) {
    metrics_registry metrics;
    fill(metrics);
    EXPECT_EQ(rendered(metrics, metrics_format::prometheus_text),
              "# HELP fasti_command_duration_seconds Time from admission to answer.\n"
              "# TYPE fasti_command_duration_seconds histogram\n"
              "fasti_command_duration_seconds_bucket{le=\"0.001\"} 2\n"
              "fasti_command_duration_seconds_bucket{le=\"0.25\"} 3\n"
              "fasti_command_duration_seconds_bucket{le=\"1\"} 4\n"
              "fasti_command_duration_seconds_bucket{le=\"+Inf\"} 5\n"
              "fasti_command_duration_seconds_sum 6.0025\n"
              "fasti_command_duration_seconds_count 5\n"
              "# HELP fasti_commands_total Commands by outcome.\n"
              "# TYPE fasti_commands_total counter\n"
              "fasti_commands_total{outcome=\"appended\"} 3\n"
              "fasti_commands_total{outcome=\"re\\\"fu\\\\sed\\n\"} 2\n"
              "# HELP fasti_view_lag_seconds How far a view is behind.\n"
              "# TYPE fasti_view_lag_seconds gauge\n"
              "fasti_view_lag_seconds 1.5\n");
}

TEST(metrics, are_written_in_open_metrics_with_units_and_an_end) {
    metrics_registry metrics;
    fill(metrics);
    const std::string text = rendered(metrics, metrics_format::open_metrics);
    EXPECT_THAT(text, HasSubstr("# TYPE fasti_commands counter\n"));
    EXPECT_THAT(text, HasSubstr("fasti_commands_total{outcome=\"appended\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("# UNIT fasti_view_lag_seconds seconds\n"));
    EXPECT_THAT(text, HasSubstr("_bucket{le=\"1.0\"} 4\n"));
    EXPECT_THAT(text, testing::EndsWith("\n# EOF\n"));
    EXPECT_THAT(rendered(metrics, metrics_format::prometheus_text), Not(HasSubstr("EOF")));
}

TEST(metrics, are_asked_of_collectors_at_each_rendering) {
    metrics_registry metrics;
    std::int64_t level = -5;
    metrics.add_collector([&level](metrics_writer& to) {
        to.family({.name = "fasti_level", .help = "A level."});
        const metric_label label{"of", "x"};
        to.value({&label, 1}, level);
    });
    EXPECT_THAT(rendered(metrics, metrics_format::prometheus_text),
                HasSubstr("fasti_level{of=\"x\"} -5\n"));
    level = 7;
    EXPECT_THAT(rendered(metrics, metrics_format::prometheus_text),
                HasSubstr("fasti_level{of=\"x\"} 7\n"));
}

TEST(metrics, are_given_in_the_format_that_was_asked_for) {
    EXPECT_EQ(metrics_format_for("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"),
              metrics_format::open_metrics);
    EXPECT_EQ(metrics_format_for("text/plain;version=0.0.4"), metrics_format::prometheus_text);
    EXPECT_EQ(metrics_format_for(""), metrics_format::prometheus_text);
    EXPECT_THAT(std::string{content_type_of(metrics_format::prometheus_text)},
                HasSubstr("version=0.0.4"));
}

TEST(metrics, know_the_process) {
    std::string out;
    metrics_writer writer{metrics_format::prometheus_text, out};
    write_process_metrics(writer);
    EXPECT_THAT(out, HasSubstr("\nprocess_cpu_seconds_total "));
    EXPECT_THAT(out, HasSubstr("\nprocess_resident_memory_bytes "));
    EXPECT_THAT(out, Not(HasSubstr("process_open_fds 0\n")));
}

TEST(metrics, pass_promtool_when_it_is_installed) {
    if (std::system("command -v promtool >/dev/null 2>&1") != 0) { // NOLINT: one thread here
        GTEST_SKIP() << "no promtool (Debian package prometheus)";
    }
    metrics_registry metrics;
    fill(metrics);
    metrics.add_collector(write_process_metrics);
    FILE* const judge = popen("promtool check metrics", "w");
    ASSERT_NE(judge, nullptr);
    const std::string text = rendered(metrics, metrics_format::prometheus_text);
    ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), judge), text.size());
    EXPECT_EQ(pclose(judge), 0);
}

} // namespace
} // namespace fasti::telemetry
