// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/authentication.hpp"

#include "adapters/crypto/token_text.hpp"
#include "adapters/http/request.hpp"
#include "domain/identity/identity.gen.hpp"

#include <utility>

namespace fasti::api {
namespace {

constexpr std::size_t recent_max = 4'096;
constexpr std::string_view scheme = "bearer ";
constexpr std::string_view token_actor = "token/";

error missing() {
    return error{error_code::token_missing,
                 "This needs a token: send 'Authorization: Bearer <token>'."};
}

} // namespace

error token_invalid() {
    return error{error_code::token_invalid, "The token is unknown, revoked or expired."};
}

bool still_valid(std::string_view actor, const tokens_view& tokens, instant now) {
    if (!actor.starts_with(token_actor)) {
        return true;
    }
    identity::token_row row;
    return tokens.fill(actor.substr(token_actor.size()), row) && !row.revoked_at.has_value() &&
           (!row.expires_at.has_value() || now < *row.expires_at);
}

bool refused_by_now(const call& asked, const api_context& context) {
    const bool valid = still_valid(asked.caller->actor, context.live->views().tokens(),
                                   context.time.now());
    if (!valid) {
        asked.refuse(token_invalid());
    }
    return !valid;
}

std::optional<instant> end_of(std::string_view actor, const tokens_view& tokens) {
    identity::token_row row;
    if (actor.starts_with(token_actor) && tokens.fill(actor.substr(token_actor.size()), row)) {
        return row.expires_at;
    }
    return std::nullopt;
}

result<std::shared_ptr<const principal>> authenticator::who(std::string_view authorization,
                                                            const tokens_view& tokens,
                                                            instant now) {
    if (authorization.size() <= scheme.size() ||
        !http::equal_ignoring_case(authorization.substr(0, scheme.size()), scheme)) {
        return missing();
    }
    std::string_view text = authorization.substr(scheme.size());
    while (!text.empty() && text.front() == ' ') {
        text.remove_prefix(1);
    }
    if (recent_as_of_ != tokens.changed() || recent_.size() >= recent_max) {
        recent_.clear();
        recent_as_of_ = tokens.changed();
    }
    const auto found = recent_.find(text);
    if (found != recent_.end()) {
        if (found->second.expires_at.has_value() && now >= *found->second.expires_at) {
            return token_invalid();
        }
        return found->second.caller;
    }
    const auto parts = crypto::read_token_text(text);
    if (!parts.has_value()) {
        return token_invalid();
    }
    const auto grant = tokens.authenticate(parts->secret_sha256.as_bytes(), now);
    if (!grant.has_value() || grant->token != parts->id) {
        return token_invalid();
    }
    auto caller = std::make_shared<principal>();
    caller->actor = std::string(token_actor).append(grant->token);
    caller->permissions.assign(grant->permissions.begin(), grant->permissions.end());
    recent_.emplace(std::string(text), known{caller, grant->expires_at});
    return std::shared_ptr<const principal>(std::move(caller));
}

} // namespace fasti::api
