// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/core/followers.hpp"

#include "eventstore/port/token.hpp"

#include <algorithm>

namespace fasti::sim {

followers::followers(verdict& said, judge& knows, machine& on)
    : said_(said), knows_(knows), on_(on), all_(4) {
    all_[2].wanted.stream_prefix = "registry/s1";
    all_[3].wanted.stream_prefix = "token/";
}

void followers::read_some(server& from) { read_some(from, all_[on_.pick(0, all_.size() - 1)]); }

void followers::read_some(server& from, follower& who) {
    const position mark = from.live().views().at();
    const position to = std::min(mark, who.read + on_.pick(1, 200));
    if (to <= who.read) {
        return;
    }
    position expected = who.read + 1;
    const auto next_wanted = [&] {
        while (expected <= to &&
               !knows_.stream_at(expected).starts_with(who.wanted.stream_prefix)) {
            ++expected;
        }
    };
    const std::size_t at_most = on_.pick(1, 40);
    std::size_t seen = 0;
    next_wanted();
    const auto visit = [&](const recorded_event& event) {
        if (event.at != expected) {
            said_.fail("A follower expected position " + std::to_string(expected) + " and got " +
                       std::to_string(event.at) + ".");
            return read_more::stop;
        }
        knows_.told_event(event);
        ++expected;
        next_wanted();
        return ++seen < at_most ? read_more::go_on : read_more::stop;
    };
    if (mark > knows_.head()) {
        said_.fail("The views show position " + std::to_string(mark) +
                   ", but the last durable one is " + std::to_string(knows_.head()) + ".");
        return;
    }
    const auto next = from.facts().read_for_follower(who.read + 1, to, who.wanted, visit);
    if (!next.ok()) {
        return; // the disk did not let it; it comes again
    }
    if (seen < at_most && expected <= to) {
        said_.fail("A follower got nothing at position " + std::to_string(expected) + ".");
    }
    if (*next == 0 || *next > to + 1 || *next > expected) {
        said_.fail("A follower is told to go on at " + std::to_string(*next) + " after " +
                   std::to_string(expected - 1) + ".");
    }
    who.read = *next - 1;
    knows_.told(who.read);
}

void followers::come_back(const ledger& log) {
    for (const follower& who : all_) {
        const auto token = read_token(knows_.token_at(who.read));
        const auto belongs = verify_token(*token, log);
        if (!belongs.ok()) {
            said_.fail("A follower's token at " + std::to_string(who.read) +
                       " is refused: " + belongs.error().message);
        }
    }
}

} // namespace fasti::sim
