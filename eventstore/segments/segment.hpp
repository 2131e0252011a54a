// SPDX-License-Identifier: Apache-2.0
//! One file of the log: what is known of it, and the walk through its frames.
//! Thread: any, beside the one thread that grows and seals it.
#pragma once

#include "eventstore/segments/files.hpp"
#include "eventstore/segments/format.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::segments {

//! "00000000000000000007.seg"
std::string segment_name(std::uint64_t sequence);
//! 0 when the name is not a segment's.
std::uint64_t segment_sequence(std::string_view name) noexcept;

//! The durable part of a segment at one moment.
struct segment_extent {
    position first = 0;
    chain_point after; //!< after.last is first - 1 when it holds no events
    std::uint64_t end = segment_header_bytes;
    bool sealed = false;
    bool footer_stands = false; //!< in the file; not when a power cut came first and we only read
};

class segment {
public:
    segment(std::string name, std::unique_ptr<file> handle, const segment_header& header);

    const std::string& name() const noexcept { return name_; }
    const segment_header& header() const noexcept { return header_; }
    file& handle() const noexcept { return *handle_; }

    segment_extent extent() const;
    frame_sums sums() const;

    //! Counts a durable frame in. `after`: of the chain, behind it.
    void grow(const frame_header& frame, const hash256& after);
    //! From here on nothing changes any more. The table is kept, or read when first needed.
    void seal(const segment_footer& footer, bool footer_stands = true);
    //! What the footer of this segment must say, and the table that goes before it.
    segment_footer footer_now() const;
    std::vector<table_entry> table_now() const;
    //! How many bytes the end of the file must keep free for table and footer.
    std::uint64_t bytes_to_seal() const;

    //! The last place of the table that is not behind a position (or an instant).
    result<table_entry> place_before(position at) const;
    result<table_entry> place_before(instant when) const;
    //! Reads the table of a sealed segment and checks it. Errors: store_damaged.
    result<std::vector<table_entry>> read_table() const;

private:
    template <class IsBehind>
    result<table_entry> last_place(const IsBehind& is_behind) const;

    const std::string name_;
    const std::unique_ptr<file> handle_;
    const segment_header header_;
    mutable std::mutex mutex_; // guards all below
    chain_point after_;
    frame_sums sums_;
    bool sealed_ = false;
    bool footer_stands_ = false;
    segment_footer footer_;
    mutable std::vector<table_entry> table_; // empty in a sealed segment: not read yet
};

//! What next() met.
enum class scan_step : std::uint8_t {
    frame,   //!< a sound frame of this log, segment and place
    end,     //!< the limit was reached exactly
    unsound, //!< no sound frame begins at offset()
};

//! Walks frames by reads of its own into a buffer of its own.
class frame_scanner {
public:
    //! Begins at `offset`; no frame may reach beyond `limit`. The first read takes `first_read` bytes.
    frame_scanner(const segment& of, std::uint64_t offset, std::uint64_t limit,
                  std::size_t first_read);

    result<scan_step> next();
    //! Of the frame that next() found; valid until the next call.
    const frame_header& header() const noexcept { return header_; }
    std::string_view bytes() const noexcept { return frame_; }
    //! Where the next frame is expected, or where no sound one is.
    std::uint64_t offset() const noexcept { return offset_; }
    //! Steps over one sector: how a search goes on behind unsound bytes.
    void skip_sector() noexcept { offset_ += sector_bytes; }
    void seek(std::uint64_t offset) noexcept { offset_ = offset; }

private:
    result<std::string_view> view(std::size_t size);

    const segment& segment_;
    std::uint64_t offset_;
    const std::uint64_t limit_;
    std::size_t read_size_;
    std::string buffer_;
    std::uint64_t buffer_offset_ = 0;
    std::size_t buffer_size_ = 0;
    frame_header header_;
    std::string_view frame_;
};

//! Whether a frame goes on where the chain stands.
bool follows(const frame_header& frame, const chain_point& before) noexcept;
chain_point point_after(const frame_header& frame, const hash256& hash) noexcept;

//! Searches for a sound frame behind an unsound place; its header, or nothing (first == 0).
result<frame_header> find_frame_behind(const segment& of, std::uint64_t offset,
                                       std::uint64_t limit);

//! "Positions 5 to 9 cannot be read: <file> is altered at byte 1024 (...)."
error damaged(const segment& of, std::uint64_t offset, position first, position last,
              std::string_view what);
//! "Positions 5 to 9 cannot be read now. <what the disk said>": the facts may be sound all the same.
error unreadable_now(position first, position last, const error& why);

} // namespace fasti::segments
