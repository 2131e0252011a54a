// SPDX-License-Identifier: Apache-2.0
// What every ledger does is in tests/contract; here is only what the oracle must do by itself.
#include "eventstore/memory/memory_ledger.hpp"
#include "eventstore/port/token.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fasti {
namespace {

event_draft draft_of(std::string_view stream, std::uint64_t version) {
    event_draft draft;
    draft.stream = stream;
    draft.stream_version = version;
    draft.type = "thing_happened";
    draft.recorded = {static_cast<std::int64_t>(1000 + version)};
    return draft;
}

TEST(memory_ledger, keeps_events_in_order_and_chains_them) {
    memory_ledger log{{}, 7};
    const std::vector<event_draft> events{draft_of("a", 1), draft_of("a", 2), draft_of("b", 1)};
    auto unordered = log.append({events, {}, {}});
    ASSERT_FALSE(unordered.ok()); // recorded time of "b" is before that of "a", version 2
    const std::vector<event_draft> sound{draft_of("a", 1), draft_of("b", 1), draft_of("a", 2)};
    auto committed = log.append({sound, {}, {}});
    ASSERT_TRUE(committed.ok());
    EXPECT_EQ((*committed)->first, 1U);
    EXPECT_EQ((*committed)->last(), 3U);
    EXPECT_EQ(log.head().last, 3U);
    EXPECT_EQ(log.head().last_hash, (*committed)->last_hash);

    hash256 expected;
    chain_hasher hasher;
    for (std::size_t i = 0; i < 3; ++i) {
        expected = hasher.next(expected, (*committed)->canonical(i));
        EXPECT_EQ(*log.hash_at(i + 1), expected);
        EXPECT_EQ((*committed)->hashes[i], expected);
    }
}

TEST(memory_ledger, tells_foreign_tokens) {
    memory_ledger log{{}, 7};
    const std::vector<event_draft> events{draft_of("a", 1)};
    ASSERT_TRUE(log.append({events, {}, {}}).ok());
    const std::uint32_t prefix = log.head().last_hash.prefix();
    EXPECT_TRUE(verify_token({7, 1, prefix}, log).ok());
    EXPECT_TRUE(verify_token({7, 0, 0}, log).ok());
    EXPECT_TRUE(verify_token({{}, 99, {}}, log).ok());
    for (const history_token& foreign : {history_token{8, 1, prefix}, history_token{7, 2, prefix},
                                         history_token{7, 1, prefix + 1}}) {
        const auto verdict = verify_token(foreign, log);
        ASSERT_FALSE(verdict.ok());
        EXPECT_EQ(verdict.error().code, error_code::history_forked);
    }
}

} // namespace
} // namespace fasti
