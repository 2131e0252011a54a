// SPDX-License-Identifier: Apache-2.0
//! Writes the remaining times of leases to a file, so that a restart gives a bounded grace. Lets no lease
//! lapse: node::tick does. What is written in the course of things has a thread of its own: its disk keeps
//! nobody waiting, nor does anybody keep it.
//! Thread: the I/O thread. Source: docs/decisions/0006_lease_bounds.md
#pragma once

#include "adapters/node/node.hpp"
#include "adapters/node/worker.hpp"
#include "adapters/telemetry/log.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace fasti {

class lease_checkpoints {
public:
    //! `post` runs something on the I/O thread.
    lease_checkpoints(std::string path, node& live, telemetry::logger& log,
                      std::function<void(std::function<void()>)> post);

    //! Reads what the run before wrote, arms all leases by it, and writes that: a start costs the dead time.
    void start();
    //! Writes them again when about a second has passed; longer where there are very many.
    void tick();
    //! Ends the thread and writes them a last time.
    void stop();

private:
    std::function<void()> checkpoint();
    std::int64_t period_ms() const;

    const std::string path_;
    node& live_;
    telemetry::logger& log_;
    const std::function<void(std::function<void()>)> post_;
    worker writer_{"leases", 1};
    std::int64_t kept_us_ = 0; //!< monotonic
    std::string room_;         //!< of the last checkpoint: fresh memory is slow to touch
    int under_way_ = 0;        //!< not written yet
};

} // namespace fasti
