// SPDX-License-Identifier: Apache-2.0
//! Outcomes of commands as JSON and HTTP statuses.
#pragma once

#include "adapters/api/call.hpp"
#include "adapters/api/secrets.hpp"
#include "adapters/node/node.hpp"
#include "commands/pipeline/request.hpp"
#include "domain/wire/json_writer.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fasti::api {

std::string_view to_name(outcome_kind kind) noexcept;

//! The members `outcome`, `position` and `events` of one outcome that did not fail; inside an open
//! object. `what` is one of the answer's; fresh events come from the answer's batch.
//! Errors: those of reading what was appended long ago; nothing of the outcome was written then.
result<void> write_outcome(json_writer& out, const item_outcome& what, const command_answer& answer,
                           const node& live);

//! The same members where nothing was appended.
void write_unchanged(json_writer& out, const node& live);

//! The error as its request meant it: a version that If-Match named failed a precondition.
error as_asked(const error& why, bool by_header);

//! The whole body of a single command that did not fail; a dry run adds `diff`, rows before and after,
//! for callers who may read such rows.
//! Errors: as write_outcome().
result<void> write_answer(json_writer& out, const command_answer& answer,
                          const token_secrets& secrets, const node& live);

//! The members `lease_ms` and `deadline`.
void write_renewal(json_writer& out, const renewal& what);
//! One item of renew_leases: the names, and the deadline or the problem.
void write_renewal_item(json_writer& out, const registry::lease_name& name,
                        const std::optional<renewal>& renewed, const std::optional<error>& failure);

//! Status and body of a batch: mode each is 200 with one item each; mode all is 200 with the items,
//! or the problem of the item that failed, or that of the whole.
void write_batch_answer(const call& asked, const command_answer& answer,
                        const token_secrets& secrets, const node& live);

} // namespace fasti::api
