// SPDX-License-Identifier: Apache-2.0
#include "adapters/telemetry/log.hpp"
#include "adapters/telemetry/redact.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace fasti::telemetry {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string secret_part = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
const std::string token = "fasti_0123456789abcdef_" + secret_part;

//! Gathers lines; the logger's thread writes, the test reads after flush().
struct log_test : testing::Test {
    std::string lines;
    std::int64_t now_us = 1'763'715'780'123'456;

    log_options options(log_format format = log_format::json) {
        log_options made;
        made.format = format;
        made.now = [this] { return instant{now_us}; };
        made.sink = [this](std::string_view text) { lines += text; };
        return made;
    }
};

TEST_F(log_test, writes_one_json_object_a_line) {
    logger log{options()};
    log.info("Ready.", {{"port", std::uint16_t{8400}},
                        {"correlation_id", "a\"b\n\xff"},
                        {"ratio", 0.5},
                        {"lag", -1},
                        {"tls", true}});
    log.flush();
    EXPECT_EQ(lines,
              "{\"time\":\"2025-11-21T09:03:00.123456Z\",\"level\":\"info\",\"message\":\"Ready.\","
              "\"port\":8400,\"correlation_id\":\"a\\\"b\\u000a\\ufffd\",\"ratio\":0.5,\"lag\":-1,"
              "\"tls\":true}\n");
}

TEST_F(log_test, writes_text_for_people) {
    logger log{options(log_format::text)};
    log.warn("Slow disk.", {{"file", "a b"}, {"ms", 12}, {"view", "services"}});
    log.flush();
    EXPECT_EQ(lines,
              "2025-11-21 09:03:00.123 WARN  Slow disk.  file=\"a b\"  ms=12  view=services\n");
}

TEST_F(log_test, cannot_be_made_to_forge_a_line) {
    logger log{options(log_format::text)};
    log.info("x", {{"name", "a\n2025 ERROR forged"}});
    log.info("broken\nmessage");
    log.flush();
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2);
}

TEST_F(log_test, writes_nothing_below_its_level_and_changes_it_live) {
    logger log{options()};
    log.debug("quiet");
    log.set_level(log_level::debug);
    log.debug("loud");
    log.set_level(log_level::off);
    log.error("off");
    log.flush();
    EXPECT_THAT(lines, HasSubstr("loud"));
    EXPECT_THAT(lines, Not(HasSubstr("quiet")));
    EXPECT_THAT(lines, Not(HasSubstr("\"off\"")));
}

TEST_F(log_test, never_writes_a_secret) {
    log_options with = options();
    with.secret_names = {"pin"};
    logger log{std::move(with)};
    log.error("got " + token + " here", {{"header", "Bearer hunter2 and more"},
                                         {"authorization", "hunter2"},
                                         {"smtp_password", "hunter2"},
                                         {"pin", 987654}});
    log.flush();
    EXPECT_THAT(lines, Not(HasSubstr(secret_part)));
    EXPECT_THAT(lines, Not(HasSubstr("hunter2")));
    EXPECT_THAT(lines, Not(HasSubstr("987654")));
    EXPECT_THAT(lines, HasSubstr("fasti_0123456789abcdef_[redacted] here"));
    EXPECT_THAT(lines, HasSubstr("Bearer [redacted] and more"));
}

TEST_F(log_test, counts_repeated_errors_instead_of_writing_them) {
    logger log{options()};
    for (int i = 0; i < 1000; ++i) {
        log.error("again");
    }
    for (int i = 0; i < 1000; ++i) {
        log.info("no bound");
    }
    now_us += 1'000'000;
    log.error("again");
    log.flush();
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 20 + 1000 + 1);
    EXPECT_THAT(lines, HasSubstr("\"message\":\"again\",\"left_out\":980}"));
}

TEST_F(log_test, drops_and_counts_lines_when_nobody_reads) {
    std::promise<void> reads;
    std::shared_future<void> may_read = reads.get_future().share();
    log_options slow = options();
    slow.pending_bytes_max = 1000;
    slow.sink = [this, may_read](std::string_view text) {
        may_read.wait();
        lines += text;
    };
    logger log{std::move(slow)};
    for (int i = 0; i < 1000; ++i) {
        log.info("a line that is not short at all");
    }
    reads.set_value();
    log.flush();
    log.info("after");
    log.flush();
    EXPECT_THAT(lines, HasSubstr("Log lines were dropped"));
    EXPECT_LT(lines.size(), 3000U);
}

TEST_F(log_test, takes_whole_lines_from_many_threads) {
    logger log{options()};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&log, t] {
            for (int i = 0; i < 500; ++i) {
                log.info("line", {{"thread", t}, {"i", i}});
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    log.flush();
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2000);
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '{'), 2000);
}

std::string redaction_of(std::string_view text) {
    std::string out;
    append_redacted(text, out);
    return out;
}

TEST(redaction, cuts_tokens_and_credentials_and_nothing_else) {
    EXPECT_EQ(redaction_of("plain text of fasti_metrics and a bearer"),
              "plain text of fasti_metrics and a bearer");
    EXPECT_EQ(redaction_of(token), "fasti_0123456789abcdef_[redacted]");
    EXPECT_EQ(redaction_of("/v1?t=" + token + "&x=1"),
              "/v1?t=fasti_0123456789abcdef_[redacted]&x=1");
    EXPECT_EQ(redaction_of(token.substr(0, 40)), "fasti_0123456789abcdef_[redacted]")
        << "a cut token is still part of a secret";
    EXPECT_EQ(redaction_of("authorization: BASIC dXNlcjpwdw=="), "authorization: BASIC [redacted]");
    EXPECT_EQ(redaction_of("forbearer x"), "forbearer x");
}

TEST(redaction, knows_the_names_of_secrets) {
    for (const char* yes :
         {"Authorization", "token", "admin_token", "db_password", "private_key"}) {
        EXPECT_TRUE(is_secret_name(yes)) << yes;
    }
    for (const char* no : {"idempotency_key", "tokens", "key", "path"}) {
        EXPECT_FALSE(is_secret_name(no)) << no;
    }
}

} // namespace
} // namespace fasti::telemetry
