// SPDX-License-Identifier: Apache-2.0
//! When the next snapshot is due: after enough events, and after enough rest.
//! Source: docs/decisions/0041_snapshots.md
#pragma once

#include "domain/base/ids.hpp"

#include <cstdint>

namespace fasti {

//! Shape:  positions and counts of events; times in us of any clock that does not step back.
//! Thread: one at a time.
class snapshot_pace {
public:
    //! `at`: position of the newest snapshot there is.
    snapshot_pace(std::uint64_t every_events, position at) noexcept
        : every_events_(every_events), distance_(every_events), at_(at) {}

    //! Enough events came since the last one.
    bool wanted(position head) const noexcept { return head > at_ && head - at_ >= distance_; }
    //! Wanted, and copying the state took little enough of the time that passed since; or so many
    //! events came that a start would have too much to fold.
    bool due(position head, std::int64_t now_us) const noexcept;
    //! From when on what is wanted is due.
    std::int64_t rests_until_us() const noexcept { return rests_until_us_; }

    struct span {
        std::int64_t begun_us = 0;
        std::int64_t ended_us = 0;
    };
    //! One of so many bytes stands at `at`, which may be ahead of the heads told.
    void taken(position at, std::uint64_t bytes, const span& during) noexcept;
    //! Tried again when as many events came as should lie between two, after the same rest.
    void failed(position head, const span& during) noexcept;

private:
    void rest_after(const span& work) noexcept;

    const std::uint64_t every_events_;
    std::uint64_t distance_;
    position at_;
    std::int64_t rests_until_us_ = 0;
};

} // namespace fasti
