// SPDX-License-Identifier: Apache-2.0
//! The embedded log: segments of frames on one disk, one server at a time.
//! Source: docs/decisions/0001_segment_format.md
#pragma once

#include "eventstore/port/ledger.hpp"
#include "eventstore/segments/files.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace fasti {

enum class open_mode : std::uint8_t {
    read_write, //!< makes the log when there is none; locks it; recovers
    read_only,  //!< beside a running server too: locks nothing, changes nothing
};

//! What an opening met that people should know and that stopped nothing.
enum class note_kind : std::uint8_t {
    torn_tail_cut,    //!< bytes of an append that was never acknowledged
    sealing_finished, //!< a crash fell between two segments
    index_rebuilt,    //!< a derived index was missing or altered
};

struct store_note {
    note_kind kind = note_kind::torn_tail_cut;
    std::string text;
};

struct segment_options {
    std::string path; //!< of the log's folder; made if its parent exists
    std::uint64_t segment_bytes = 64U * 1024U * 1024U; //!< a power of two, at least 64 KiB
    open_mode mode = open_mode::read_write;
    id128 fresh_log_id;                            //!< random: for a log that is made now
    std::uint64_t fresh_epoch = 0;                 //!< random: likewise
    std::function<void(const store_note&)> report; //!< may be empty
};

//! Beyond the port: what its owner must drive. Nothing runs by itself.
class segment_ledger : public ledger {
public:
    //! Proves the last append by an empty frame, so that later damage to it is told from a torn
    //! tail. To be called after a short idle time and before a shutdown; does nothing when nothing
    //! is unproven. Thread: the appending one. Errors: as append().
    virtual result<void> carry_on() = 0;

    //! Makes the next segment's file ahead of its need. Errors: store_full (appends may go on until
    //! the present segment is full), store_unavailable. Thread: one beside the appending one.
    virtual result<void> prepare_next() = 0;
    virtual bool wants_next() const noexcept = 0;

    //! Writes and merges indexes, one piece of work per call; returns whether there is more.
    //! Errors: those of the disk; the log is not concerned. Thread: the one of prepare_next().
    virtual result<bool> maintain() = 0;

    //! Read-only: looks for what the server wrote since. Thread: no other call at the same time.
    virtual result<void> refresh() = 0;
};

//! Errors: store_locked (another server has it), store_damaged naming positions (nothing was
//! changed), format_newer and format_older naming both numbers, store_full, store_unavailable (a
//! failed read too, which proves no damage).
result<std::unique_ptr<segment_ledger>> open_segments(files& disk, const segment_options& options);

} // namespace fasti
