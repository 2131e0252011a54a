// SPDX-License-Identifier: Apache-2.0
//! Those who read the log in steps of their own and come back with a token after each restart.
#pragma once

#include "tests/sim/core/judge.hpp"
#include "tests/sim/core/server.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fasti::sim {

class followers {
public:
    followers(verdict& said, judge& knows, machine& on);

    //! One of them reads on, up to what the views show.
    void read_some(server& from);
    //! Their tokens must belong to the history that came up again.
    void come_back(const ledger& log);

private:
    struct follower {
        event_filter wanted; //!< its stream prefix only
        position read = 0;   //!< everything up to here
    };
    void read_some(server& from, follower& who);

    verdict& said_;
    judge& knows_;
    machine& on_;
    std::vector<follower> all_;
};

} // namespace fasti::sim
