// SPDX-License-Identifier: Apache-2.0
//! The first token: without it nobody could be let in, and a default password is out of the question.
#pragma once

#include "adapters/node/node.hpp"
#include "domain/base/result.hpp"

#include <functional>
#include <string>

namespace fasti {

std::string admin_token_path(const std::string& data);

//! When the log knows no token at all, writes one to admin.token (0600, before its event, so that a
//! crash between the two only makes another) and creates it. A file that was deleted later is not
//! made again: `fasti token create --data` is the way back.
//! Thread: I/O; `done` is called there too, perhaps at once.
void ensure_admin_token(node& live, const std::string& data,
                        std::function<void(result<void>)> done);

} // namespace fasti
