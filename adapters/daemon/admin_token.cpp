// SPDX-License-Identifier: Apache-2.0
#include "adapters/daemon/admin_token.hpp"

#include "adapters/crypto/token_text.hpp"
#include "adapters/daemon/private_files.hpp"

#include <memory>
#include <utility>

namespace fasti {

std::string admin_token_path(const std::string& data) { return data + "/admin.token"; }

void ensure_admin_token(node& live, const std::string& data,
                        std::function<void(result<void>)> done) {
    if (live.views().tokens().count() > 0) {
        done({});
        return;
    }
    const crypto::fresh_token fresh = crypto::make_token();
    if (auto written = write_durable_file(admin_token_path(data), fresh.text + "\n");
        !written.ok()) {
        done(std::move(written));
        return;
    }
    auto request = std::make_unique<command_request>();
    request->caller = std::make_shared<principal>(
        principal{"system/first_start", "", {std::string(permission_everything)}});
    request->reason = "The first start of this log.";
    identity::create_token what;
    what.name = "admin";
    what.permissions = {permission_everything};
    what.token = request->texts.keep(fresh.parts.id);
    what.secret_sha256 = request->texts.keep(fresh.parts.secret_sha256.as_bytes());
    request->items.push_back({.what = std::move(what)});
    request->done = [done](command_answer& answer) {
        const item_outcome& outcome = answer.outcomes.at(0);
        done(outcome.failure.has_value() ? result<void>{*outcome.failure} : result<void>{});
    };
    if (!live.submit(request)) {
        done(error{error_code::queue_full, "The admin token could not be created."});
    }
}

} // namespace fasti
