// SPDX-License-Identifier: Apache-2.0
// Random operations on a ledger and on the oracle; every answer must be the same.
#include "eventstore/memory/memory_ledger.hpp"
#include "tests/contract/ledger_contract.hpp"
#include "tests/support/same_ledger.hpp"

namespace fasti {
namespace {

TEST_P(ledger_contract, does_what_the_oracle_does_whatever_happens) {
    for (std::uint64_t seed = 1; seed <= GetParam().seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        bench_ = GetParam().make(log_id_, epoch_);
        memory_ledger oracle{log_id_, epoch_};
        random_batches choose{seed};
        std::size_t refused = 0;
        for (int step = 0; step < 250; ++step) {
            const append_batch batch = choose.next(oracle);
            const auto ours = log().append(batch);
            const auto theirs = oracle.append(batch);
            ASSERT_EQ(ours.ok(), theirs.ok())
                << step << " " << (ours.ok() ? "" : ours.error().message);
            if (!ours.ok()) {
                ++refused;
                ASSERT_EQ(ours.error().code, theirs.error().code);
                ASSERT_EQ(ours.error().actual_version, theirs.error().actual_version);
            } else {
                ASSERT_EQ((*ours)->last_hash, (*theirs)->last_hash);
                ASSERT_EQ((*ours)->hashes, (*theirs)->hashes);
            }
            if (choose.chance(10)) {
                bench_->work();
            }
            if (choose.chance(3)) {
                bench_->reopen();
            }
            if (choose.chance(20)) {
                ASSERT_NO_FATAL_FAILURE(expect_same_answers(log(), oracle, choose));
                ASSERT_NO_FATAL_FAILURE(expect_same_range(log(), oracle, choose));
            }
        }
        EXPECT_GT(refused, 5U);
        ASSERT_NO_FATAL_FAILURE(expect_all_the_same(log(), oracle));
        ASSERT_NO_FATAL_FAILURE(expect_verified(log()));
    }
}

} // namespace
} // namespace fasti
