// SPDX-License-Identifier: Apache-2.0
//! What answers say of commands that were appended long ago, on a disk that may fail to give it back.
#include "adapters/api/answers.hpp"
#include "eventstore/memory/memory_ledger.hpp"
#include "tests/sim/hand_driven_node.hpp"
#include "tests/support/faulty_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace fasti::api {
namespace {

using testing::HasSubstr;
using testing::Not;

//! A node whose only command was registered once and is repeated with its key.
struct remembered : testing::Test {
    remembered() {
        caller->permissions = {"registry:write"};
        EXPECT_EQ(node.run(what(), caller).kind, outcome_kind::appended);
        known.kind = outcome_kind::already;
        known.first = 1;
        known.count = 1;
    }

    static registry::register_instance what() {
        registry::register_instance made;
        made.service = "web";
        made.instance = "a";
        made.address = "10.0.0.1";
        made.port = 80;
        return made;
    }

    fake_clock time;
    fake_ids ids;
    memory_ledger facts{id128{}, 7};
    faulty_ledger disk{facts};
    std::shared_ptr<principal> caller = std::make_shared<principal>(principal{"token/aa", "", {}});
    hand_driven_node node{disk, time, ids, node_options{}};
    item_outcome known;
    command_answer answer{.request = std::make_unique<command_request>(), .outcomes = {}};
    std::string text;
    json_writer out{text};
};

TEST_F(remembered, is_told_with_its_events) {
    ASSERT_TRUE(write_outcome(out, known, answer, *node).ok());
    EXPECT_THAT(text, HasSubstr(R"("outcome":"already")"));
    EXPECT_THAT(text, HasSubstr(R"("type":"instance_registered")"));
}

TEST_F(remembered, is_not_told_by_half_when_its_events_cannot_be_read) {
    disk.unreadable = error{error_code::store_unavailable, "The disk failed."};
    out.begin_object();
    const auto told = write_outcome(out, known, answer, *node);
    ASSERT_FALSE(told.ok());
    EXPECT_EQ(told.error().code, error_code::store_unavailable);
    EXPECT_EQ(text, "{");
}

TEST_F(remembered, is_a_problem_when_it_cannot_be_read) {
    disk.unreadable = error{error_code::store_unavailable, "The disk failed."};
    const token_secrets secrets(*answer.request);
    answer.outcomes.push_back(known);
    const auto told = write_answer(out, answer, secrets, *node);
    ASSERT_FALSE(told.ok());
    EXPECT_EQ(traits_of(told.error().code).http_status, 503);
    EXPECT_THAT(text, Not(HasSubstr("already")));
}

} // namespace
} // namespace fasti::api
