// SPDX-License-Identifier: Apache-2.0
//! Room for the open batch, in one append and on the disk, made sure of before a command is decided: what
//! the ledger refuses afterwards ends the process.
#pragma once

#include "commands/pipeline/open_batch.hpp"
#include "commands/pipeline/request.hpp"
#include "eventstore/port/ledger.hpp"

#include <cstddef>

namespace fasti {

class batch_room {
public:
    //! Both must outlive it.
    batch_room(ledger& facts, const open_batch& batch) : facts_(facts), batch_(batch) {}

    //! Whether the batch is so large that it should be committed before more is staged.
    bool full() const noexcept;
    //! Whether a request is sure to fit beside what is staged.
    bool fits(const command_request& request) const noexcept;

    //! Room on the disk for a request and what is staged already.
    //! Errors: body_too_large: more than one append holds; store_full and what else ensure_room() of a
    //!         ledger says.
    result<void> make_for(const command_request& request);
    //! The same for one event more: what a request borrows from its body is not counted before.
    result<void> make_for(const event_draft& draft);

    //! The batch is empty again.
    void forget() noexcept { ensured_ = 0; }

private:
    result<void> ensure(std::size_t wanted);

    ledger& facts_;
    const open_batch& batch_;
    std::size_t ensured_ = 0; // for the batch at hand
};

} // namespace fasti
