// SPDX-License-Identifier: Apache-2.0
#include "domain/base/permission.gen.hpp"
#include "domain/identity/identity.gen.hpp"
#include "domain/identity/state.hpp"
#include "tests/support/given.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace fasti::identity {
namespace {

using events = std::vector<event>;
using test::scenario_now;

test::scenario<state, event> given(events history) {
    return test::scenario<state, event>(std::move(history));
}

constexpr std::string_view id = "0123456789abcdef";
constexpr std::string_view secret = "01234567890123456789012345678901";
constexpr std::array<std::string_view, 1> admin = {"admin:*"};
constexpr std::array<std::string_view, 2> writer = {"tokens:write", "registry:read"};

decision_context by(std::span<const std::string_view> permissions) {
    return {.now = scenario_now, .actor_permissions = permissions};
}

create_token create(std::vector<std::string_view> permissions) {
    return {
        .name = "ci", .permissions = std::move(permissions), .token = id, .secret_sha256 = secret};
}

token_created created(std::vector<std::string_view> permissions) {
    return {
        .token = id, .name = "ci", .permissions = std::move(permissions), .secret_sha256 = secret};
}

TEST(create_token, gives_what_the_actor_holds) {
    given({}).when(create({"registry:read"}), by(writer)).then({created({"registry:read"})});
    given({})
        .when(create({"tokens:write", "registry:read", "registry:read"}), by(writer))
        .then({created({"registry:read", "tokens:write"})});
}

TEST(create_token, gives_everything_when_the_actor_holds_everything) {
    std::vector<std::string_view> all;
    for (const permission_entry& one : permissions_known) {
        all.push_back(one.name);
    }
    given({}).when(create(all), by(admin)).then({created(all)});
}

TEST(create_token, ends_when_it_was_asked_to) {
    create_token command = create({"registry:read"});
    command.expires_in_ms = 1500;
    token_created fact = created({"registry:read"});
    fact.expires_at = scenario_now.plus_ms(1500);
    given({}).when(command, by(admin)).then({fact});
}

TEST(create_token, refuses_permissions_nobody_declared) {
    given({}).when(create({"registry:fly"}), by(admin)).then_refused(error_code::permission_unknown);
    given({}).when(create({"registry:*"}), by(admin)).then_refused(error_code::permission_unknown);
}

TEST(create_token, refuses_permissions_the_actor_does_not_hold) {
    given({})
        .when(create({"registry:write"}), by(writer))
        .then_refused(error_code::permission_not_held);
    given({}).when(create({"admin:*"}), by(writer)).then_refused(error_code::permission_not_held);
    given({}).when(create({"registry:read"}), by({})).then_refused(error_code::permission_not_held);
}

TEST(create_token, never_takes_the_id_of_another) {
    token_created other = created({"registry:read"});
    other.secret_sha256 = "another";
    given({other}).when(create({"registry:read"}), by(admin)).then_refused(error_code::internal);
}

TEST(revoke_token, ends_a_token_once) {
    given({created({"admin:*"})}).when(revoke_token{.token = id}).then({token_revoked{.token = id}});
    given({created({"admin:*"}), token_revoked{.token = id}})
        .when(revoke_token{.token = id})
        .then_nothing();
    given({}).when(revoke_token{.token = id}).then_refused(error_code::token_unknown);
}

TEST(identity_state, forgets_what_is_dropped) {
    state now;
    test::folder fold(now);
    fold(created({"admin:*"}));
    fold(token_revoked{.token = id});
    EXPECT_TRUE(now.find_token(id)->revoked);
    now.drop();
    EXPECT_FALSE(now.has_token(id));
    fold(created({"admin:*"}));
    now.keep();
    fold(token_revoked{.token = id});
    now.drop();
    EXPECT_FALSE(now.find_token(id)->revoked);
    EXPECT_EQ(now.find_token(id)->permissions, std::vector<std::string>{"admin:*"});
}

TEST(identity_snapshot, writes_back_what_it_read_and_survives_damage) {
    state now;
    test::folder fold(now);
    token_created timed = created({"registry:read", "registry:write"});
    timed.token = "aaaaaaaaaaaaaaaa";
    timed.expires_at = instant{-7};
    fold(created({"admin:*"}));
    fold(timed);
    fold(token_revoked{.token = id});
    now.keep();
    std::string bytes;
    write_snapshot(now, bytes);
    state again;
    ASSERT_TRUE(read_snapshot(bytes, again));
    EXPECT_TRUE(again.tokens() == now.tokens());
    std::mt19937_64 random(3);
    for (int i = 0; i < 20'000; ++i) {
        std::string damaged = bytes.substr(0, i % 2 == 0 ? bytes.size() : random() % bytes.size());
        if (!damaged.empty()) {
            damaged[random() % damaged.size()] = static_cast<char>(random());
        }
        if (read_snapshot(damaged, again)) {
            std::string written;
            write_snapshot(again, written);
            EXPECT_EQ(written, damaged);
        } else {
            EXPECT_EQ(again.token_count(), 0U);
        }
    }
}

} // namespace
} // namespace fasti::identity
