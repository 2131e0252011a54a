// SPDX-License-Identifier: Apache-2.0
#include "projections/views/tokens_view.hpp"

#include <gtest/gtest.h>

namespace fasti {
namespace {

const std::string secret_a(32, 'a');
const std::string secret_b(32, 'b');

event_context at(position where) {
    return {instant{static_cast<std::int64_t>(where) * 1000}, 1, where, "token/00000000000000ff"};
}

void give_tokens(tokens_view& view) {
    view.on(identity::token_created{"00000000000000b2",
                                    "ci",
                                    {"registry:read", "registry:write"},
                                    instant{50'000},
                                    secret_b},
            at(2));
    view.on(identity::token_created{"00000000000000a1", "admin", {"admin:*"}, {}, secret_a}, at(3));
}

TEST(tokens_view, lists_by_id_who_made_what) {
    tokens_view view;
    give_tokens(view);
    std::vector<std::string> ids;
    view.rows_from("", [&](const identity::token_row& row) {
        ids.emplace_back(row.token);
        return true;
    });
    EXPECT_EQ(ids, (std::vector<std::string>{"00000000000000a1", "00000000000000b2"}));
    identity::token_row row;
    ASSERT_TRUE(view.fill("00000000000000b2", row));
    EXPECT_EQ(row.created_by, "token/00000000000000ff");
    EXPECT_EQ(row.permissions.size(), 2U);
    EXPECT_EQ(row.created_at, instant{2000});
    EXPECT_EQ(row.changed_position, 2U);
    EXPECT_FALSE(view.fill("00000000000000c3", row));
}

TEST(tokens_view, authenticates_until_expiry_or_revocation) {
    tokens_view view;
    give_tokens(view);
    ASSERT_TRUE(view.authenticate(secret_a, instant{1}));
    EXPECT_EQ(view.authenticate(secret_a, instant{1})->token, "00000000000000a1");
    EXPECT_EQ(view.authenticate(secret_a, instant{1})->permissions[0], "admin:*");
    EXPECT_TRUE(view.authenticate(secret_b, instant{49'999}));
    EXPECT_FALSE(view.authenticate(secret_b, instant{50'000}));
    EXPECT_FALSE(view.authenticate(std::string(32, 'c'), instant{1}));
    EXPECT_FALSE(view.authenticate("", instant{1}));
    view.on(identity::token_revoked{"00000000000000a1"}, at(9));
    EXPECT_FALSE(view.authenticate(secret_a, instant{1}));
    identity::token_row row;
    ASSERT_TRUE(view.fill("00000000000000a1", row));
    EXPECT_EQ(row.revoked_at, instant{9000});
    EXPECT_EQ(row.changed_position, 9U);
}

TEST(tokens_view, comes_back_from_a_snapshot_and_refuses_damaged_ones) {
    tokens_view view;
    give_tokens(view);
    view.on(identity::token_revoked{"00000000000000a1"}, at(9));
    std::string bytes;
    view.write_snapshot(bytes);
    tokens_view other;
    ASSERT_TRUE(other.read_snapshot(bytes));
    std::string again;
    other.write_snapshot(again);
    EXPECT_EQ(again, bytes);
    EXPECT_TRUE(other.authenticate(secret_b, instant{1}));
    EXPECT_FALSE(other.authenticate(secret_a, instant{1}));
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        EXPECT_FALSE(other.read_snapshot(std::string_view{bytes}.substr(0, cut)));
        EXPECT_EQ(other.count(), 0U);
    }
}

} // namespace
} // namespace fasti
