// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/core/folds.hpp"

#include "projections/engine/past.hpp"

#include <algorithm>
#include <vector>

namespace fasti::sim {
namespace {

void expect_same(const view_set& folded, const view_set& shown, const std::string& what,
                 verdict& said) {
    if (folded.at() != shown.at() || folded.recorded() != shown.recorded()) {
        said.fail(what + ": stands at " + std::to_string(shown.at()) + " instead of " +
                  std::to_string(folded.at()) + ".");
    }
    for (const view_comparison& one : compare(folded, shown)) {
        if (!one.equal) {
            said.fail(what + ": view " + std::string{one.view} +
                      " is not what the events from the first one give at position " +
                      std::to_string(folded.at()) + ".");
        }
    }
}

//! The row of the stream that the last folded event belongs to, as of that event.
void check_stream(const ledger& facts, const view_set& folded, const std::string& stream,
                  verdict& said) {
    const auto one = stream_as_of(facts, stream, folded.at(), {});
    if (!one.ok()) {
        said.fail("The stream " + stream + " cannot be read: " + one.error().message);
        return;
    }
    const registry_view& then = (*one)->registry();
    then.services_from("", [&](service_id service) {
        for (const instance_slot slot : then.members(service)) {
            const auto known = folded.registry().slot_of(then.service_name(service),
                                                         then.instance_name(slot));
            registry::instance_row alone;
            registry::instance_row whole;
            then.fill(slot, alone);
            if (known.has_value()) {
                folded.registry().fill(*known, whole);
            }
            if (!known.has_value() || alone != whole) {
                said.fail("The stream " + stream + " alone gives another row at position " +
                          std::to_string(folded.at()) + " than all events.");
            }
        }
        return true;
    });
}

} // namespace

void check_folds(server& of, machine& on, std::size_t past_positions, verdict& said) {
    const watched_ledger& facts = of.facts();
    const position head = facts.head().last;
    std::vector<position> stops;
    for (std::size_t i = 0; i < past_positions && head > 0; ++i) {
        stops.push_back(on.pick(1, head));
    }
    std::sort(stops.begin(), stops.end());
    view_set folded;
    write_model model;
    past_views past{facts, of.snapshots(), std::size_t{64} * 1024 * 1024};
    auto stop = stops.begin();
    const auto read = facts.read(1, head, {}, [&](const recorded_event& event) {
        folded.apply(event);
        if (!model.fold(event).ok()) {
            said.fail("The event at position " + std::to_string(event.at) + " cannot be folded.");
        }
        if (stop != stops.end() && *stop == event.at) {
            while (stop != stops.end() && *stop == event.at) {
                ++stop;
            }
            const auto then = past.as_of(event.at, {});
            if (then.ok()) {
                expect_same(folded, **then, "The past at " + std::to_string(event.at), said);
            } else {
                said.fail("The past cannot be read: " + then.error().message);
            }
            check_stream(facts, folded, std::string{event.fact.stream}, said);
        }
        return read_more::go_on;
    });
    if (!read.ok()) {
        said.fail("The log cannot be read: " + read.error().message);
        return;
    }
    if (!folded.parked().empty()) {
        said.fail("Streams are parked though every event can be read.");
    }
    expect_same(folded, of.live().views(), "The live views", said);
    std::string from_events;
    std::string live;
    model.write_snapshot(from_events);
    of.model().write_snapshot(live);
    if (from_events != live) {
        said.fail("The model that commands are decided on is not a fold of the log.");
    }
}

} // namespace fasti::sim
