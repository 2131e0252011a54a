// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/ledger_contract.hpp"

#include "eventstore/port/token.hpp"

#include <vector>

namespace fasti {

ledger_contract::ledger_contract() : log_id_{{1, 2, 3}}, bench_(GetParam().make(log_id_, epoch_)) {}

namespace {

constexpr position everything = ~position{0};

event_draft draft_of(std::string_view stream, std::uint64_t version, std::int64_t recorded = 0) {
    event_draft draft;
    draft.stream = stream;
    draft.stream_version = version;
    draft.type = "thing_happened";
    draft.recorded = {recorded};
    draft.data = "data";
    return draft;
}

receipt_draft receipt_of(std::string_view key, position first, std::uint32_t count) {
    receipt_draft draft;
    draft.scope = "acme/p";
    draft.key = key;
    draft.body_hash.bytes[3] = 7;
    draft.first = first;
    draft.count = count;
    draft.status = 201;
    return draft;
}

error_code code_of(const result<std::shared_ptr<const committed_batch>>& appended) {
    return appended.ok() ? error_code::internal : appended.error().code;
}

std::vector<position> positions_of(const ledger& log, position from, position to,
                                   const event_filter& filter = {}) {
    std::vector<position> out;
    EXPECT_TRUE(log.read(from, to, filter,
                         [&](const recorded_event& event) {
                             out.push_back(event.at);
                             return read_more::go_on;
                         })
                    .ok());
    return out;
}

TEST_P(ledger_contract, starts_empty) {
    EXPECT_EQ(log().log_id(), log_id_);
    EXPECT_EQ(log().head().epoch, epoch_);
    EXPECT_EQ(log().head().last, 0U);
    EXPECT_EQ(log().head().last_hash, hash256{});
    EXPECT_EQ(*log().hash_at(0), hash256{});
    EXPECT_EQ(log().hash_at(1).error().code, error_code::position_unknown);
    EXPECT_EQ(*log().position_at({123}), 0U);
    EXPECT_EQ(*log().stream_version("a"), 0U);
    EXPECT_FALSE(log().find_receipt("acme/p", "k")->has_value());
    EXPECT_FALSE(log().claim_holder("n")->has_value());
    EXPECT_EQ(
        *log().read(0, everything, {}, [](const recorded_event&) { return read_more::go_on; }), 1U);
    EXPECT_TRUE(positions_of(log(), 0, everything).empty());
}

TEST_P(ledger_contract, appends_at_dense_positions_and_gives_back_what_it_wrote) {
    const std::vector<event_draft> events{draft_of("a", 1, 5), draft_of("b", 1, 5),
                                          draft_of("a", 2, 9)};
    for (int round = 0; round < 2; ++round) {
        std::vector<event_draft> batch = events;
        for (event_draft& draft : batch) {
            draft.stream_version += (draft.stream == "a" ? 2U : 1U) * static_cast<unsigned>(round);
            draft.recorded.us += 10 * round;
        }
        const auto committed = log().append({batch, {}, {}});
        ASSERT_TRUE(committed.ok());
        const committed_batch& durable = **committed;
        EXPECT_EQ(durable.first, static_cast<position>(3 * round + 1));
        EXPECT_EQ(durable.last(), static_cast<position>(3 * round + 3));
        EXPECT_EQ(durable.last_recorded.us, 9 + 10 * round);
        EXPECT_EQ(log().head().last, durable.last());
        EXPECT_EQ(log().head().last_hash, durable.last_hash);
        EXPECT_EQ(log().head().last_recorded, durable.last_recorded);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            EXPECT_EQ(*log().hash_at(durable.first + i), durable.hashes[i]);
            std::string read;
            ASSERT_TRUE(log()
                            .read(durable.first + i, durable.first + i, {},
                                  [&](const recorded_event& event) {
                                      read = event.canonical;
                                      return read_more::go_on;
                                  })
                            .ok());
            EXPECT_EQ(read, durable.canonical(i));
        }
    }
    EXPECT_EQ(positions_of(log(), 0, everything), (std::vector<position>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(*log().stream_version("a"), 4U);
    EXPECT_EQ(*log().stream_version("b"), 2U);
}

TEST_P(ledger_contract, refuses_a_stale_version_and_says_the_actual_one) {
    const std::vector<event_draft> first{draft_of("a", 1), draft_of("a", 2)};
    ASSERT_TRUE(log().append({first, {}, {}}).ok());
    for (const std::uint64_t wrong : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{4}}) {
        const std::vector<event_draft> stale{draft_of("b", 1), draft_of("a", wrong)};
        const auto refused = log().append({stale, {}, {}});
        ASSERT_EQ(code_of(refused), error_code::version_conflict);
        EXPECT_EQ(refused.error().actual_version, 2U);
    }
    EXPECT_EQ(log().head().last, 2U);
    EXPECT_EQ(*log().stream_version("b"), 0U);
    const std::vector<event_draft> right{draft_of("b", 1), draft_of("a", 3)};
    EXPECT_TRUE(log().append({right, {}, {}}).ok());
}

TEST_P(ledger_contract, remembers_keys_for_ever_and_refuses_them_a_second_time) {
    const std::vector<event_draft> before{draft_of("z", 1)};
    const std::vector<event_draft> events{draft_of("a", 1), draft_of("a", 2), draft_of("b", 1)};
    const std::vector<receipt_draft> receipts{receipt_of("k1", 0, 2), receipt_of("k2", 2, 1)};
    ASSERT_TRUE(log().append({before, {}, {}}).ok());
    ASSERT_TRUE(log().append({events, receipts, {}}).ok());
    bench_->reopen();
    const auto known = log().find_receipt("acme/p", "k1");
    ASSERT_TRUE(known.ok() && known->has_value());
    EXPECT_EQ((*known)->first, 2U);
    EXPECT_EQ((*known)->count, 2U);
    EXPECT_EQ((*known)->status, 201U);
    EXPECT_EQ((*known)->body_hash.bytes[3], 7U);
    EXPECT_EQ((*log().find_receipt("acme/p", "k2"))->first, 4U);
    EXPECT_FALSE(log().find_receipt("acme/q", "k1")->has_value()); // another scope
    EXPECT_FALSE(log().find_receipt("acme/pk", "1")->has_value());

    const std::vector<event_draft> more{draft_of("c", 1)};
    const std::vector<receipt_draft> again{receipt_of("k2", 0, 1)};
    EXPECT_EQ(code_of(log().append({more, again, {}})), error_code::key_reused);
    const std::vector<receipt_draft> twice{receipt_of("k3", 0, 1), receipt_of("k3", 0, 1)};
    EXPECT_EQ(code_of(log().append({more, twice, {}})), error_code::key_reused);
    EXPECT_FALSE(log().find_receipt("acme/p", "k3")->has_value());
    EXPECT_EQ(*log().stream_version("c"), 0U);
}

TEST_P(ledger_contract, gives_a_name_to_one_stream_at_a_time) {
    const auto claim = [&](std::uint64_t version, const std::vector<claim_draft>& claims) {
        const std::vector<event_draft> events{draft_of("s", version)};
        return code_of(log().append({events, {}, claims}));
    };
    EXPECT_EQ(claim(1, {{"host/a", "x"}}), error_code::internal);
    EXPECT_EQ(*log().claim_holder("host/a"), "x");
    EXPECT_EQ(claim(2, {{"host/a", "y"}}), error_code::claim_taken);
    EXPECT_EQ(claim(2, {{"host/a", "x"}}), error_code::internal); // already its own
    EXPECT_EQ(claim(3, {{"host/a", ""}, {"host/a", "y"}}), error_code::internal);
    bench_->reopen();
    EXPECT_EQ(*log().claim_holder("host/a"), "y");
    EXPECT_EQ(claim(4, {{"host/b", "x"}, {"host/b", "y"}}), error_code::claim_taken);
    EXPECT_FALSE(log().claim_holder("host/b")->has_value());
    EXPECT_EQ(claim(4, {{"host/a", ""}, {"host/c", ""}}), error_code::internal);
    EXPECT_FALSE(log().claim_holder("host/a")->has_value());
}

TEST_P(ledger_contract, refuses_what_is_over_a_limit_and_time_that_goes_back) {
    const std::vector<event_draft> late{draft_of("a", 1, 100)};
    ASSERT_TRUE(log().append({late, {}, {}}).ok());
    const std::vector<event_draft> early{draft_of("a", 2, 99)};
    EXPECT_EQ(code_of(log().append({early, {}, {}})), error_code::fields_invalid);
    EXPECT_EQ(code_of(log().append({})), error_code::fields_invalid);
    const std::string much(event_data_bytes_max, 'x');
    std::vector<event_draft> heavy;
    for (std::uint64_t i = 0; i < 17; ++i) {
        heavy.push_back(draft_of("a", 2 + i, 100));
        heavy.back().data = much;
    }
    EXPECT_EQ(code_of(log().append({heavy, {}, {}})), error_code::fields_invalid);
    heavy.resize(12);
    EXPECT_EQ(code_of(log().append({heavy, {}, {}})), error_code::internal);
    bench_->reopen();
    EXPECT_EQ(log().head().last, 13U);
    EXPECT_EQ(positions_of(log(), 1, everything).size(), 13U);
}

TEST_P(ledger_contract, reads_from_to_and_until_told_to_stop) {
    std::vector<event_draft> events;
    for (std::uint64_t i = 1; i <= 10; ++i) {
        events.push_back(draft_of(i % 2 == 0 ? "even/a" : "odd", (i + 1) / 2));
        events.back().type = i > 5 ? "late" : "early";
    }
    ASSERT_TRUE(log().append({events, {}, {}}).ok());
    EXPECT_EQ(positions_of(log(), 4, 6), (std::vector<position>{4, 5, 6}));
    EXPECT_EQ(positions_of(log(), 10, everything), (std::vector<position>{10}));
    EXPECT_TRUE(positions_of(log(), 11, everything).empty());
    EXPECT_TRUE(positions_of(log(), 5, 4).empty());
    event_filter filter;
    filter.types = {"late"};
    filter.streams_under = {"even"};
    EXPECT_EQ(positions_of(log(), 1, everything, filter), (std::vector<position>{6, 8, 10}));
    const auto visit_one = [](const recorded_event&) { return read_more::stop; };
    EXPECT_EQ(*log().read(3, everything, {}, visit_one), 4U);
    EXPECT_EQ(*log().read(3, everything, filter, visit_one), 7U);
    EXPECT_EQ(*log().read(3, 5, filter, visit_one), 6U);
    EXPECT_EQ(*log().read(3, 99, {}, [](const recorded_event&) { return read_more::go_on; }), 11U);
}

TEST_P(ledger_contract, reads_one_stream_from_a_version_on) {
    for (std::uint64_t i = 1; i <= 6; ++i) {
        const std::vector<event_draft> events{draft_of("a", i), draft_of("b", i)};
        ASSERT_TRUE(log().append({events, {}, {}}).ok());
    }
    const auto versions = [&](std::uint64_t from, std::size_t most) {
        std::vector<std::uint64_t> out;
        EXPECT_TRUE(log()
                        .read_stream("b", from,
                                     [&](const recorded_event& event) {
                                         EXPECT_EQ(event.fact.stream, "b");
                                         EXPECT_EQ(event.at, event.fact.stream_version * 2);
                                         out.push_back(event.fact.stream_version);
                                         return out.size() < most ? read_more::go_on
                                                                  : read_more::stop;
                                     })
                        .ok());
        return out;
    };
    EXPECT_EQ(versions(0, 99), (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(versions(5, 99), (std::vector<std::uint64_t>{5, 6}));
    EXPECT_EQ(versions(2, 2), (std::vector<std::uint64_t>{2, 3}));
    EXPECT_TRUE(versions(7, 99).empty());
}

TEST_P(ledger_contract, finds_the_last_position_recorded_by_an_instant) {
    for (const std::int64_t at : {10, 20, 20, 30}) {
        const std::vector<event_draft> events{draft_of("a", *log().stream_version("a") + 1, at),
                                              draft_of("b", *log().stream_version("b") + 1, at)};
        ASSERT_TRUE(log().append({events, {}, {}}).ok());
    }
    EXPECT_EQ(*log().position_at({-5}), 0U);
    EXPECT_EQ(*log().position_at({9}), 0U);
    EXPECT_EQ(*log().position_at({10}), 2U);
    EXPECT_EQ(*log().position_at({19}), 2U);
    EXPECT_EQ(*log().position_at({20}), 6U);
    EXPECT_EQ(*log().position_at({30}), 8U);
    EXPECT_EQ(*log().position_at({99}), 8U);
}

TEST_P(ledger_contract, tells_tokens_of_other_histories) {
    const std::vector<event_draft> events{draft_of("a", 1), draft_of("a", 2)};
    const auto committed = log().append({events, {}, {}});
    ASSERT_TRUE(committed.ok());
    const std::uint32_t prefix = (*committed)->hashes[0].prefix();
    EXPECT_TRUE(verify_token({epoch_, 1, prefix}, log()).ok());
    EXPECT_FALSE(verify_token({epoch_ + 1, 1, prefix}, log()).ok());
    EXPECT_FALSE(verify_token({epoch_, 2, prefix}, log()).ok());
    EXPECT_FALSE(verify_token({epoch_, 3, prefix}, log()).ok());
}

} // namespace
} // namespace fasti
