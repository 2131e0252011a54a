// SPDX-License-Identifier: Apache-2.0
//! The state that decisions rest on: every context's, folded from the log.
//! Thread: the sequencer's; recovery may fill it on another before the sequencer starts.
#pragma once

#include "domain/base/result.hpp"
#include "domain/identity/state.hpp"
#include "domain/registry/state.hpp"
#include "domain/wire/events.gen.hpp"
#include "eventstore/port/event.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace fasti {

class write_model {
public:
    registry::state registry;
    identity::state identity;

    //! Makes the changes since the last keep() or drop() part of the state.
    void keep();
    //! Forgets them.
    void drop();

    //! Folds one event of the log. Errors: store_damaged, naming the position and the type.
    result<void> fold(const recorded_event& event);

    //! A hint before fold(run[at]): fetches the records that the events behind it will ask for, which
    //! halves the cost of folding a large log.
    void look_ahead(std::span<const recorded_event> run, std::size_t at);

    //! Canonical bytes of the whole model, for snapshots.
    void write_snapshot(std::string& out) const;
    //! False when the bytes are not a snapshot of this model; the model is then unusable.
    bool read_snapshot(std::string_view bytes);

private:
    event_scratch scratch_;
    std::array<std::uint64_t, 16> foreseen_{}; // hashes in a ring, by the event's place in its run
};

} // namespace fasti
