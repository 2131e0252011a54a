// SPDX-License-Identifier: Apache-2.0
//! The sequencer: decides commands one after the other and stages their events into the open batch.
//! A passive object: whoever drives it calls stage() for each request and commit() when there is
//! something to answer. While commit() waits for the disk the next requests gather outside:
//! group commit without timers.
//! Thread: one; nothing here locks. Source: docs/decisions/0003_sequencer.md
#pragma once

#include "commands/pipeline/request.hpp"
#include "commands/pipeline/write_model.hpp"
#include "commands/ports/ports.hpp"
#include "eventstore/port/ledger.hpp"

#include <memory>
#include <vector>

namespace fasti {

inline constexpr std::size_t commands_per_request_max = 10'000;

class sequencer {
public:
    //! The write model must be folded up to the ledger's head.
    sequencer(ledger& facts, write_model& model, clock& time, id_source& ids);
    ~sequencer();
    sequencer(const sequencer&) = delete;
    sequencer& operator=(const sequencer&) = delete;

    //! Decides a request. Its events, if any, join the open batch; its answer waits for commit().
    //! Needs room: call only while !full().
    void stage(std::unique_ptr<command_request> request);

    //! A hint: this request is staged soon. Fetches what deciding about it will look up; a few requests
    //! ahead, the waits for memory of several commands pass at the same time.
    void foresee(const command_request& request);

    //! Whether the open batch is so large that it should be committed before more is staged.
    bool full() const noexcept;

    //! Whether a request and what is staged already are sure to fit in one append. Where they are not,
    //! commit() comes first, so that no request is refused for what others sent.
    bool fits(const command_request& request) const noexcept;

    //! Whether there is no answer to give.
    bool idle() const noexcept;

    //! Makes the open batch durable and gives back the answers that rest on it.
    //! Errors: store_unavailable or any refusal by the ledger: the decisions staged here are void,
    //!         and so is this object; the process must end. store_full too: room is ensured before
    //!         a command is decided (stage() answers it then), so it comes here only where the
    //!         disk takes back what it gave, and the state already holds what was staged.
    result<commit_notice> commit();

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace fasti
