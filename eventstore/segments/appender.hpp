// SPDX-License-Identifier: Apache-2.0
//! Writes frames behind the last one, and begins a new segment when one is full.
//! Thread: the appending one; prepare_next() from one other.
#pragma once

#include "eventstore/segments/files.hpp"
#include "eventstore/segments/frame.hpp"
#include "eventstore/segments/key_index.hpp"
#include "eventstore/segments/segment_set.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace fasti::segments {

//! A new file of zeros with a header, durable under its name when this returned.
//! Errors: store_full (the name does not exist), store_unavailable.
result<std::unique_ptr<file>> create_segment(files& disk, const std::string& directory,
                                             const segment_header& header);

//! Writes table and footer of a segment whose frames are all durable, and syncs them.
result<void> write_footer(const segment& of);

class appender {
public:
    appender(files& disk, std::string directory, std::uint64_t segment_bytes);

    //! Takes over an opened log: `set` has its active segment, `index` what is in it.
    //! `attested`: whether the last frame holds no events, so that nothing is unproven.
    void take_over(segment_set& set, key_index& index, bool attested);

    //! Builds and writes a frame behind the last; not durable and not chained yet.
    //! Errors: store_full (nothing written, may go on), store_unavailable (ended). Where overwriting takes
    //! new room (a file that shares its blocks with a copy), a full disk may show in commit() only.
    result<built_frame> write(const append_batch& batch);
    //! Chains what write() wrote while the disk works on it, syncs it and makes it visible.
    //! Errors: store_unavailable (ended).
    result<void> commit(built_frame& frame);

    //! Proves the last frame by an empty one, if it is not proven yet.
    result<void> carry_on();

    //! As ledger::ensure_room(). Room for batches beyond a whole segment is not made ahead.
    result<void> ensure_room(std::size_t bytes);

    //! Makes the file of the next segment, if there is none ready. Errors: store_full, store_unavailable.
    result<void> prepare_next();
    bool wants_next() const noexcept { return !spare_ready_.load(std::memory_order_relaxed); }

private:
    result<void> roll(std::uint64_t frame_bytes);
    result<std::unique_ptr<file>> next_file(const segment_header& header);
    result<void> withdraw(std::size_t bytes, error why);
    error end(error why);

    files& disk_;
    const std::string directory_;
    const std::uint64_t segment_bytes_;
    segment_set* set_ = nullptr;
    key_index* index_ = nullptr;
    std::shared_ptr<segment> active_;
    chain_point written_; // all of it durable, except between write() and commit()
    std::uint64_t offset_ = 0;
    bool attested_ = false;
    std::optional<error> ended_; // why no append is taken any more
    chain_hasher hasher_;
    std::mutex spare_mutex_; // guards spare_
    std::unique_ptr<file> spare_;
    std::atomic<bool> spare_ready_{false};
};

} // namespace fasti::segments
