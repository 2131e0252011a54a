// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/secrets.hpp"

#include "adapters/crypto/token_text.hpp"

#include <utility>
#include <variant>

namespace fasti::api {

token_secrets::token_secrets(command_request& request) {
    for (std::size_t i = 0; i < request.items.size(); ++i) {
        auto* what = std::get_if<identity::create_token>(&request.items[i].what);
        if (what == nullptr) {
            continue;
        }
        crypto::fresh_token fresh = crypto::make_token();
        what->token = request.texts.keep(fresh.parts.id);
        what->secret_sha256 = request.texts.keep(fresh.parts.secret_sha256.as_bytes());
        made_.push_back({i, std::move(fresh.parts.id), std::move(fresh.text)});
    }
}

void token_secrets::write(json_writer& out, std::size_t item, const item_outcome& outcome) const {
    for (const made& one : made_) {
        // A repeated key, or a dry run, made nothing: the token at hand was thrown away.
        if (one.item == item && outcome.kind == outcome_kind::appended) {
            out.quoted_name(R"("token":)");
            out.text(one.id);
            out.quoted_name(R"("secret":)");
            out.text(one.text);
        }
    }
}

} // namespace fasti::api
