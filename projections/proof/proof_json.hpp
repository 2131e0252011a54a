// SPDX-License-Identifier: Apache-2.0
//! What proofs tell as JSON, online and offline alike.
#pragma once

#include "domain/wire/json_writer.hpp"
#include "projections/proof/proof.hpp"

namespace fasti {

//! {"what": …, "where": …, "first": position, "last": position}
void write_json(json_writer& out, const finding& what);
//! {"part": …, "position": …, "bytes": …, "equal": …}
void write_json(json_writer& out, const compared_part& what);

} // namespace fasti
