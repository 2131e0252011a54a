// SPDX-License-Identifier: Apache-2.0
//! verify, replay and views rebuild: asked of a server as a stream of progress, findings and a result, or done here on a
//! data folder by the same code.
#pragma once

#include "adapters/cli/session.hpp"

#include <string>

namespace fasti::cli {

enum class proof_kind {
    compare, //!< replay: the views with a fold from the first event
    verify,  //!< everything
    rebuild //!< fold the views anew and put them in the place of the served ones; only a server can
};

struct proof_question {
    proof_kind kind = proof_kind::compare;
    std::string view; //!< of compare; empty: all
};

int run_proof(session& at, const arguments& given, const proof_question& what);

} // namespace fasti::cli
