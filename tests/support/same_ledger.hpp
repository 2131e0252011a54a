// SPDX-License-Identifier: Apache-2.0
//! Compares a ledger with the oracle: everything that can be asked, asked of both.
#pragma once

#include "eventstore/port/ledger.hpp"
#include "tests/support/random_batches.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace fasti {

inline std::vector<std::string> stream_of(const ledger& log, std::string_view stream,
                                          std::uint64_t from) {
    std::vector<std::string> out;
    const auto read = log.read_stream(stream, from, [&](const recorded_event& event) {
        out.emplace_back(event.canonical);
        return read_more::go_on;
    });
    EXPECT_TRUE(read.ok()) << read.error().message;
    return out;
}

inline void expect_same_receipt(const ledger& tested, const ledger& oracle,
                                const std::string& key) {
    const auto ours = tested.find_receipt(random_batches::scope, key);
    const auto theirs = oracle.find_receipt(random_batches::scope, key);
    ASSERT_TRUE(ours.ok());
    ASSERT_EQ(ours->has_value(), theirs->has_value());
    if (theirs->has_value()) {
        ASSERT_EQ((*ours)->first, (*theirs)->first);
        ASSERT_EQ((*ours)->count, (*theirs)->count);
        ASSERT_EQ((*ours)->status, (*theirs)->status);
        ASSERT_EQ((*ours)->body_hash, (*theirs)->body_hash);
    }
}

inline void expect_same_answers(ledger& tested, const ledger& oracle, random_batches& choose) {
    const ledger_head head = oracle.head();
    ASSERT_EQ(tested.head().last, head.last);
    ASSERT_EQ(tested.head().last_hash, head.last_hash);
    ASSERT_EQ(tested.head().last_recorded, head.last_recorded);
    for (int i = 0; i < 6; ++i) {
        const std::string stream = choose.stream_name();
        const std::uint64_t from = choose.below(8);
        ASSERT_EQ(*tested.stream_version(stream), *oracle.stream_version(stream));
        ASSERT_EQ(*tested.version_to_append(stream), *oracle.stream_version(stream));
        ASSERT_EQ(stream_of(tested, stream, from), stream_of(oracle, stream, from));
        const std::string name = "kind/name" + std::to_string(choose.below(12));
        ASSERT_EQ(*tested.claim_holder(name), *oracle.claim_holder(name));
        ASSERT_NO_FATAL_FAILURE(expect_same_receipt(tested, oracle, choose.key_name()));
        const position at = choose.below(head.last + 2);
        ASSERT_EQ(tested.hash_at(at).ok(), oracle.hash_at(at).ok());
        if (oracle.hash_at(at).ok()) {
            ASSERT_EQ(*tested.hash_at(at), *oracle.hash_at(at));
        }
        const auto latest = static_cast<std::uint64_t>(head.last_recorded.us) + 2;
        const instant when{static_cast<std::int64_t>(choose.below(latest))};
        ASSERT_EQ(*tested.position_at(when), *oracle.position_at(when));
    }
}

inline void expect_same_range(const ledger& tested, const ledger& oracle, random_batches& choose) {
    event_filter filter;
    if (choose.chance(50)) {
        filter.types = {"instance_updated"};
    }
    if (choose.chance(30)) {
        filter.stream_prefix = "config/s1";
    }
    if (choose.chance(30)) {
        filter.tenant = "acme";
    }
    const position from = choose.below(oracle.head().last + 3);
    const position to = choose.chance(50) ? ~position{0} : from + choose.below(100);
    const std::size_t most = choose.chance(30) ? 1 + choose.below(20) : ~std::size_t{0};
    const auto read_from = [&](const ledger& log) {
        std::vector<std::string> out;
        const auto next = log.read(from, to, filter, [&](const recorded_event& event) {
            out.emplace_back(event.canonical);
            return out.size() == most ? read_more::stop : read_more::go_on;
        });
        EXPECT_TRUE(next.ok()) << next.error().message;
        return std::pair{std::move(out), next.ok() ? *next : 0};
    };
    ASSERT_EQ(read_from(tested), read_from(oracle));
}

inline void expect_all_the_same(const ledger& tested, const ledger& oracle) {
    ASSERT_EQ(tested.head().last, oracle.head().last);
    ASSERT_EQ(tested.head().last_hash, oracle.head().last_hash);
    std::vector<std::string> theirs;
    ASSERT_TRUE(oracle
                    .read(1, ~position{0}, {},
                          [&](const recorded_event& event) {
                              theirs.emplace_back(event.canonical);
                              return read_more::go_on;
                          })
                    .ok());
    std::size_t at = 0;
    const auto read = tested.read(1, ~position{0}, {}, [&](const recorded_event& event) {
        EXPECT_TRUE(at < theirs.size() && theirs[at] == event.canonical);
        ++at;
        return read_more::go_on;
    });
    ASSERT_TRUE(read.ok()) << read.error().message;
    ASSERT_EQ(at, theirs.size());
}

inline void expect_verified(const ledger& log) {
    const auto findings = log.verify(
        [](const finding& each) {
            ADD_FAILURE() << each.what << ", " << each.where << ", positions " << each.first
                          << " to " << each.last;
        },
        {});
    ASSERT_TRUE(findings.ok()) << findings.error().message;
    EXPECT_EQ(*findings, 0U);
}

} // namespace fasti
