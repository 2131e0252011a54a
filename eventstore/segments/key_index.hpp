// SPDX-License-Identifier: Apache-2.0
//! Where the keys of the whole log occur: a table in memory for the active segment and for sealed
//! ones without a run, runs for the rest. Runs are merged four to one, so that a fresh key asks
//! a number of filters that grows with the logarithm of the log.
//! Thread: add() and freeze() from the appending thread, maintain() from one other, the rest from any.
#pragma once

#include "eventstore/segments/memory_table.hpp"
#include "eventstore/segments/run_file.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace fasti::segments {

class key_index {
public:
    key_index(files& disk, std::string directory, const log_identity& log);

    void add(std::span<const index_entry> entries);
    //! Fetches into the cache what look-ups of these keys in the active table will touch.
    void prefetch(std::span<const index_entry> keys) const;
    //! The active segment was sealed: its table no longer grows.
    void freeze(const run_range& range);
    //! For recovery, in rising order of segments: what sealed segments have.
    void adopt(std::shared_ptr<const run_file> run);
    void adopt(const run_range& range, std::shared_ptr<const memory_table> table);

    //! Positions of a key from newest to oldest until `visit` returns false. May name positions
    //! that are not durable yet. Errors: store_damaged naming the index.
    result<void> each_newest(std::uint64_t hash, const std::function<bool(position)>& visit) const;

    //! Writes runs for sealed segments and merges runs; at most one piece of work per call.
    //! Returns whether there is more to do. Errors: nothing is lost, only kept in memory.
    //! `between` is called now and then, so that a long merge does not hold up other work.
    result<bool> maintain(const std::function<void()>& between = {});

    //! One part of the index and the segments it stands for, for verify().
    struct part {
        run_range range;
        std::shared_ptr<const run_file> run;       // or
        std::shared_ptr<const memory_table> table; // sealed, no run yet
    };
    std::vector<part> sealed_parts() const;
    //! Of the entries of the active segment up to a position.
    entry_digest active_digest(position through) const;

private:
    result<void> write_run(const part& from, const std::function<void()>& between);
    result<void> merge_runs(const std::vector<part>& from, const std::function<void()>& between);
    void replace(std::uint64_t first_sequence, std::uint64_t last_sequence, part with);

    files& disk_;
    const std::string directory_;
    const log_identity log_;
    mutable std::mutex mutex_; // guards all below
    std::shared_ptr<memory_table> active_;
    std::shared_ptr<const std::vector<part>> sealed_; // replaced as a whole, oldest first
};

//! Runs of a folder that stand for sealed segments, found by their names: the fewest that go from
//! `from` on without a gap; each is opened and compared with what `expected` says of its range.
//! Also names the files that are not needed (narrower, altered, foreign).
struct found_runs {
    std::vector<std::shared_ptr<const run_file>> usable; // not overlapping, in order
    std::vector<std::string> altered;
    std::vector<std::string> superseded;
};
result<found_runs> find_runs(files& disk, const std::string& directory, const log_identity& log,
                             const std::function<bool(const run_range&)>& is_true);

} // namespace fasti::segments
