// SPDX-License-Identifier: Apache-2.0
//! The registry's queries over a set of views, live or past. Pure: chance and turns are handed in.
//! Lists look at 20,000 rows a page at most: with a filter that matches little, a page may hold
//! fewer rows than its limit and still have a `next`.
//! Thread: that of the views.
#pragma once

#include "domain/registry/registry.gen.hpp"
#include "projections/engine/view_set.hpp"
#include "projections/queries/answer.hpp"

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

//! No event after this one changed the answer; finding that out costs no more than a look-up or two.
position last_change(const view_set& views, const registry::list_services_params& what);
position last_change(const view_set& views, const registry::get_service_params& what);
position last_change(const view_set& views, const registry::list_instances_params& what);
position last_change(const view_set& views, const registry::get_instance_params& what);
position last_change(const view_set& views, const registry::discover_instance_params& what);
position last_change(const view_set& views, const registry::list_registry_metrics_params& what);

query_answer list_services(const view_set& views, const registry::list_services_params& what,
                           const page& part);
query_answer get_service(const view_set& views, const registry::get_service_params& what);
query_answer list_instances(const view_set& views, const registry::list_instances_params& what,
                            const page& part);
query_answer get_instance(const view_set& views, const registry::get_instance_params& what);
query_answer discover_instance(const view_set& views,
                               const registry::discover_instance_params& what, const page& part,
                               const pick_context& pick);
query_answer list_registry_metrics(const view_set& views,
                                   const registry::list_registry_metrics_params& what,
                                   const page& part);

} // namespace fasti
