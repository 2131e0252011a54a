// SPDX-License-Identifier: Apache-2.0
//! verify and replay: asked of a server as a stream of progress, findings and a result, or done here on a
//! data folder by the same code.
#pragma once

#include "adapters/cli/session.hpp"

#include <string>

namespace fasti::cli {

//! Proves everything (verify) or rebuilds and compares the views (replay); `view` names one, empty: all.
struct proof_question {
    bool everything = false;
    std::string view;
};

int run_proof(session& at, const arguments& given, const proof_question& what);

} // namespace fasti::cli
