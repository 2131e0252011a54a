// SPDX-License-Identifier: Apache-2.0
#include "domain/base/permission.gen.hpp"
#include "domain/identity/identity.gen.hpp"
#include "domain/identity/state.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace fasti::identity {
namespace {

using decided = result<std::vector<event>>;

constexpr std::string_view everything = "admin:*";

template <class Event>
decided one(Event fact) {
    std::vector<event> facts;
    facts.emplace_back(std::in_place_type<Event>, std::move(fact));
    return facts;
}

error unknown(std::string_view permission) {
    std::string known;
    for (const permission_entry& one : permissions_known) {
        known.append(known.empty() ? "" : ", ").append(one.name);
    }
    return {error_code::permission_unknown,
            "There is no permission '" + std::string(permission) + "', only " + known + "."};
}

bool holds(const decision_context& context, std::string_view permission) {
    const auto held = context.actor_permissions;
    return std::any_of(held.begin(), held.end(), [&](std::string_view one) {
        return one == permission || one == everything;
    });
}

} // namespace

decided decide(const state& now, const create_token& what, const decision_context& context) {
    if (const token_record* known = now.find_token(what.token); known != nullptr) {
        if (known->secret_sha256 == what.secret_sha256) {
            return std::vector<event>{};
        }
        return error{error_code::internal, "The id made for the token is taken: try again."};
    }
    for (const std::string_view permission : what.permissions) {
        if (!is_known_permission(permission)) {
            return unknown(permission);
        }
        if (!holds(context, permission)) {
            return error{error_code::permission_not_held,
                         "The permission '" + std::string(permission) +
                             "' cannot be given by who does not hold it."};
        }
    }
    token_created fact{.token = what.token,
                       .name = what.name,
                       .permissions = what.permissions,
                       .secret_sha256 = what.secret_sha256};
    std::sort(fact.permissions.begin(), fact.permissions.end());
    fact.permissions.erase(std::unique(fact.permissions.begin(), fact.permissions.end()),
                           fact.permissions.end());
    if (what.expires_in_ms.has_value()) {
        fact.expires_at = context.now.plus_ms(static_cast<std::int64_t>(*what.expires_in_ms));
    }
    return one(std::move(fact));
}

decided decide(const state& now, const revoke_token& what, const decision_context&) {
    const token_record* known = now.find_token(what.token);
    if (known == nullptr) {
        return error{error_code::token_unknown,
                     "No token '" + std::string(what.token) + "' is known."};
    }
    if (known->revoked) {
        return std::vector<event>{};
    }
    return one(token_revoked{.token = what.token});
}

} // namespace fasti::identity
