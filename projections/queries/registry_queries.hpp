// SPDX-License-Identifier: Apache-2.0
//! The registry's queries over a set of views, live or past; the generated header declares them.
//! Pure: chance and turns are handed in.
//! Lists look at 20,000 rows a page at most: with a filter that matches little, a page may hold
//! fewer rows than its limit and still have a `next`.
//! Thread: that of the views.
#pragma once

#include "domain/registry/registry.gen.hpp"
#include "projections/engine/view_set.hpp"
#include "projections/queries/answer.hpp"
#include "projections/queries/view_queries.gen.hpp"

#include <cstdint>
#include <vector>

namespace fasti {

//! Whose turn it is in each service; not part of any fold, lost at a restart.
class pick_turns {
public:
    std::uint64_t next(service_id service) {
        if (service >= turns_.size()) {
            turns_.resize(service + std::size_t{1});
        }
        return turns_[service]++;
    }

private:
    std::vector<std::uint64_t> turns_;
};

//! What a pick takes besides the views.
struct pick_context {
    std::uint64_t random = 0; //!< fresh for each query
    pick_turns& turns;
};

} // namespace fasti
