// SPDX-License-Identifier: Apache-2.0
//! From an Authorization header to a principal. The tokens view knows only digests of secrets.
//! Thread: the I/O thread.
#pragma once

#include "adapters/api/call.hpp"
#include "commands/access/access.hpp"
#include "domain/base/instant.hpp"
#include "domain/base/result.hpp"
#include "projections/views/tokens_view.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace fasti::api {

class authenticator {
public:
    //! Errors: token_missing (no bearer token), token_invalid (unknown, revoked, expired, malformed:
    //!         one answer for all, so that nothing can be learnt from it).
    result<std::shared_ptr<const principal>> who(std::string_view authorization,
                                                 const tokens_view& tokens, instant now);

private:
    struct known {
        std::shared_ptr<const principal> caller;
        std::optional<instant> expires_at;
    };

    // What was looked up since the tokens last changed, so that a busy client costs one hash table
    // look-up and not a digest each time.
    std::unordered_map<std::string, known, text_hash, std::equal_to<>> recent_;
    position recent_as_of_ = 0;
};

error token_invalid();

//! Whether the token that began something long, such as a wait or a stream, may still have its answer.
bool still_valid(std::string_view actor, const tokens_view& tokens, instant now);
//! The same of a call that waited: one whose token was revoked or lapsed meanwhile is refused, and learns
//! nothing more.
bool refused_by_now(const call& asked, const api_context& context);
//! When a token ends by itself.
std::optional<instant> end_of(std::string_view actor, const tokens_view& tokens);

} // namespace fasti::api
