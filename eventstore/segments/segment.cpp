// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/segment.hpp"

#include "eventstore/segments/crc32c.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace fasti::segments {
namespace {

constexpr std::size_t sequence_digits = 20;
constexpr std::string_view suffix = ".seg";
constexpr std::size_t read_bytes = 256U * 1024U; // stays in the second-level cache

} // namespace

std::string segment_name(std::uint64_t sequence) {
    std::string digits = std::to_string(sequence);
    return std::string(sequence_digits - digits.size(), '0') + digits + std::string{suffix};
}

std::uint64_t segment_sequence(std::string_view name) noexcept {
    if (name.size() != sequence_digits + suffix.size() || !name.ends_with(suffix)) {
        return 0;
    }
    std::uint64_t sequence = 0;
    const char* const end = name.data() + sequence_digits;
    const auto [stop, problem] = std::from_chars(name.data(), end, sequence);
    return problem == std::errc{} && stop == end ? sequence : 0;
}

segment::segment(std::string name, std::unique_ptr<file> handle, const segment_header& header)
    : name_(std::move(name)), handle_(std::move(handle)), header_(header), after_(header.before) {}

segment_extent segment::extent() const {
    const std::lock_guard lock{mutex_};
    return {header_.before.last + 1, after_, sums_.end, sealed_, footer_stands_};
}

frame_sums segment::sums() const {
    const std::lock_guard lock{mutex_};
    return sums_;
}

void segment::grow(const frame_header& frame, const hash256& after) {
    const std::lock_guard lock{mutex_};
    if (table_.empty() || frame.offset >= table_.back().offset + table_step) {
        table_.push_back({frame.first, frame.offset, after_.recorded});
    }
    sums_.add(frame);
    after_ = point_after(frame, after);
}

void segment::seal(const segment_footer& footer, bool footer_stands) {
    const std::lock_guard lock{mutex_};
    footer_ = footer;
    after_ = footer.after;
    sums_ = footer.sums;
    sealed_ = true;
    footer_stands_ = footer_stands;
}

segment_footer segment::footer_now() const {
    const std::lock_guard lock{mutex_};
    if (sealed_) {
        return footer_; // its table may not have been read
    }
    segment_footer footer;
    footer.log = header_.log;
    footer.sequence = header_.sequence;
    footer.first = header_.before.last + 1;
    footer.after = after_;
    footer.sums = sums_;
    footer.table_count = table_.size();
    footer.table_crc = crc32c(encode(table_));
    return footer;
}

std::vector<table_entry> segment::table_now() const {
    const std::lock_guard lock{mutex_};
    return table_;
}

std::uint64_t segment::bytes_to_seal() const {
    const std::lock_guard lock{mutex_};
    return (table_.size() + 1) * table_entry_bytes + footer_bytes; // the next frame may add one
}

result<std::vector<table_entry>> segment::read_table() const {
    std::uint64_t count = 0;
    std::uint32_t crc = 0;
    {
        const std::lock_guard lock{mutex_};
        count = footer_.table_count;
        crc = footer_.table_crc;
    }
    const position first = header_.before.last + 1;
    const std::uint64_t room = header_.file_bytes - segment_header_bytes - footer_bytes;
    std::vector<table_entry> table;
    if (count > room / table_entry_bytes) {
        return damaged(*this, room, first, extent().after.last,
                       "the footer states an impossible table");
    }
    std::string bytes(count * table_entry_bytes, '\0');
    const std::uint64_t offset = header_.file_bytes - footer_bytes - bytes.size();
    const auto got = handle_->read_at(offset, bytes.data(), bytes.size());
    if (!got.ok()) {
        return got.error();
    }
    if (*got != bytes.size() || crc32c(bytes) != crc || !decode(bytes, table)) {
        return damaged(*this, offset, first, extent().after.last, "checksum of the table wrong");
    }
    return table;
}

template <class IsBehind>
result<table_entry> segment::last_place(const IsBehind& is_behind) const {
    std::unique_lock lock{mutex_};
    if (table_.empty() && sums_.frames != 0) {
        lock.unlock();
        auto table = read_table(); // perhaps by two readers at once: they read the same
        if (!table.ok()) {
            return std::move(table).error();
        }
        lock.lock();
        table_ = std::move(table).value();
    }
    const auto behind = std::partition_point(
        table_.begin(), table_.end(), [&](const table_entry& entry) { return !is_behind(entry); });
    if (behind == table_.begin()) {
        return table_entry{header_.before.last + 1, segment_header_bytes, header_.before.recorded};
    }
    return *std::prev(behind);
}

result<table_entry> segment::place_before(position at) const {
    return last_place([at](const table_entry& entry) { return entry.first > at; });
}

result<table_entry> segment::place_before(instant when) const {
    // An entry's time is that of the event before it: a later one begins behind what is sought.
    return last_place([when](const table_entry& entry) { return entry.recorded > when; });
}

frame_scanner::frame_scanner(const segment& of, std::uint64_t offset, std::uint64_t limit,
                             std::size_t first_read)
    : segment_(of), offset_(offset), limit_(limit), read_size_(first_read) {}

//! The next `size` bytes; fewer where the file or the limit ends.
result<std::string_view> frame_scanner::view(std::size_t size) {
    if (offset_ + size > limit_) {
        return std::string_view{};
    }
    const bool held = offset_ >= buffer_offset_ && offset_ + size <= buffer_offset_ + buffer_size_;
    if (!held) {
        const auto wanted = static_cast<std::size_t>(
            std::min<std::uint64_t>(std::max(size, read_size_), limit_ - offset_));
        read_size_ = read_bytes;
        if (buffer_.size() < wanted) {
            buffer_.resize(wanted);
        }
        const auto got = segment_.handle().read_at(offset_, buffer_.data(), wanted);
        if (!got.ok()) {
            buffer_size_ = 0;
            return got.error();
        }
        buffer_offset_ = offset_;
        buffer_size_ = *got;
    }
    const std::size_t from = static_cast<std::size_t>(offset_ - buffer_offset_);
    return std::string_view{buffer_.data(), buffer_size_}.substr(from, size);
}

result<scan_step> frame_scanner::next() {
    if (offset_ >= limit_) {
        return scan_step::end;
    }
    const auto head = view(sector_bytes);
    if (!head.ok()) {
        return head.error();
    }
    const segment_header& own = segment_.header();
    if (head->size() != sector_bytes || !decode(*head, header_) || header_.log != own.log ||
        header_.sequence != own.sequence || header_.offset != offset_) {
        return scan_step::unsound;
    }
    const auto whole = view(static_cast<std::size_t>(padded(header_.length)));
    if (!whole.ok()) {
        return whole.error();
    }
    if (!frame_sound(*whole, header_)) {
        return scan_step::unsound;
    }
    frame_ = *whole;
    offset_ += frame_.size();
    return scan_step::frame;
}

bool follows(const frame_header& frame, const chain_point& before) noexcept {
    return frame.first == before.last + 1 && frame.hash_before == before.hash &&
           frame.durable_through == before.last && frame.last_recorded >= before.recorded;
}

chain_point point_after(const frame_header& frame, const hash256& hash) noexcept {
    return {frame.last(), hash, frame.last_recorded};
}

result<frame_header> find_frame_behind(const segment& of, std::uint64_t offset,
                                       std::uint64_t limit) {
    frame_scanner scanner{of, offset, limit, read_bytes};
    for (;;) {
        scanner.skip_sector();
        const auto step = scanner.next();
        if (!step.ok()) {
            return step.error();
        }
        if (*step == scan_step::end) {
            return frame_header{};
        }
        if (*step == scan_step::frame) {
            return scanner.header();
        }
    }
}

namespace {

std::string cannot_be_read(position first, position last) {
    return (last > first ? "Positions " + std::to_string(first) + " to " + std::to_string(last)
                         : "Position " + std::to_string(first)) +
           " cannot be read";
}

} // namespace

error damaged(const segment& of, std::uint64_t offset, position first, position last,
              std::string_view what) {
    return {error_code::store_damaged, cannot_be_read(first, last) + ": " + of.name() +
                                           " is altered at byte " + std::to_string(offset) + " (" +
                                           std::string{what} + ")."};
}

error unreadable_now(position first, position last, const error& why) {
    return {why.code, cannot_be_read(first, last) + " now. " + why.message};
}

} // namespace fasti::segments
