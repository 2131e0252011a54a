// SPDX-License-Identifier: Apache-2.0
//! `after`: calls that go on once the views stand at a position. Told of a commit behind everybody else,
//! so that whatever such a call looks at has seen the position too.
//! Thread: the I/O thread.
#pragma once

#include "adapters/api/call.hpp"
#include "domain/wire/fields.hpp"
#include "eventstore/port/ledger.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

namespace fasti::api {

class position_waits final : public commit_observer {
public:
    explicit position_waits(api_context& context) : context_(context) {}

    void start(node& live) { live.add_observer(*this); }

    //! Calls `go_on` at once when there is no `after` or the views stand there; else once they do, if the
    //! caller may still have an answer then. Refuses the call with what is wrong with `after`, or when the
    //! time is over (`wait`, where the query takes it). What the path captured is gone by then.
    void pass(const call& asked, const common_params& with, std::function<void()> go_on);

    void on_committed(const std::shared_ptr<const committed_batch>& batch) override;
    //! Those that wait are refused now.
    void drain();
    //! Ends those whose time is over, or whose client has gone.
    void tick();

    std::size_t size() const noexcept { return waiting_.size(); }

private:
    struct waiter {
        call asked;
        std::int64_t until_us = 0; //!< monotonic
        std::function<void()> go_on;
    };
    using by_position = std::multimap<position, waiter>;

    void give_up(position wanted, const call& asked) const;

    api_context& context_;
    by_position waiting_;
};

} // namespace fasti::api
