// SPDX-License-Identifier: Apache-2.0
//! Reads of the log that take well under a second: on the worker for short turns, answered on the I/O thread.
//! Thread: the I/O thread. Source: docs/decisions/0043_slow_work.md
#pragma once

#include "adapters/api/call.hpp"
#include "adapters/api/refusals.hpp"

#include <memory>
#include <utility>

namespace fasti::api {

//! Runs `read()` on the worker and then `tell(what it gave)` here. False: too much waits already.
template <class Read, class Tell>
bool in_short_turn(const api_context& context, Read read, Tell tell) {
    return context.run_slow(slow_lane::questions,
                            [&context, read = std::move(read), tell = std::move(tell)] {
                                auto made = std::make_shared<decltype(read())>(read());
                                context.post([made, tell] { tell(std::move(*made)); });
                            });
}

//! The same for a call and a read that gives a result: its error, or a full queue, refuses the call.
template <class Read, class Tell>
void answer_in_short_turn(const api_context& context, const call& asked, Read read, Tell tell) {
    const auto told = [asked, tell = std::move(tell)](auto made) {
        if (made.ok()) {
            tell(std::move(made).value());
        } else {
            asked.refuse(made.error());
        }
    };
    if (!in_short_turn(context, std::move(read), told)) {
        asked.refuse(reads_full());
    }
}

} // namespace fasti::api
