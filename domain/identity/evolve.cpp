// SPDX-License-Identifier: Apache-2.0
#include "domain/identity/identity.gen.hpp"
#include "domain/identity/state.hpp"

#include <utility>

namespace fasti::identity {

void evolve(state& now, const token_created& what, const event_context&) {
    token_record record;
    record.permissions.assign(what.permissions.begin(), what.permissions.end());
    record.secret_sha256 = what.secret_sha256;
    record.expires_at = what.expires_at;
    now.set_token(what.token, std::move(record));
}

void evolve(state& now, const token_revoked& what, const event_context&) {
    const token_record* known = now.find_token(what.token);
    if (known == nullptr) {
        return;
    }
    token_record record = *known;
    record.revoked = true;
    now.set_token(what.token, std::move(record));
}

} // namespace fasti::identity
