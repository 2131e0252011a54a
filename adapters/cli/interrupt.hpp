// SPDX-License-Identifier: Apache-2.0
//! Waiting that Ctrl-C and SIGTERM end, for commands that run until told otherwise.
#pragma once

#include "adapters/cli/client.hpp"

#include <cstdint>

namespace fasti::cli {

//! While one lives, SIGINT and SIGTERM interrupt the client, if there is one, and this scope's waits
//! instead of ending the process; a second one ends it. Thread: one object at a time in a process.
class interrupt_scope {
public:
    explicit interrupt_scope(client* by);
    ~interrupt_scope();
    interrupt_scope(const interrupt_scope&) = delete;
    interrupt_scope& operator=(const interrupt_scope&) = delete;

    bool asked() const noexcept;
    //! True when the wait was interrupted.
    bool wait_ms(std::uint64_t ms) const;

private:
    int read_end_ = -1;
};

} // namespace fasti::cli
