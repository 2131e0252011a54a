// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/appender.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace fasti::segments {
namespace {

constexpr std::size_t zeros_per_write = 256U * 1024U; // at a time: commits wait for no more
constexpr std::string_view spare_name = "/next.tmp";
constexpr std::string_view large_name = "/large.tmp";

//! The zeros go to the disk piece by piece, behind a last sector that gives the file its size at once:
//! a piece then changes nothing else, and one sync at the end makes all of it last.
result<std::unique_ptr<file>> create_zeros(files& disk, const std::string& path,
                                           std::uint64_t bytes) {
    auto handle = disk.open(path, file_mode::create);
    if (!handle.ok()) {
        return std::move(handle).error();
    }
    auto done = (*handle)->write_zeros(bytes - sector_bytes, sector_bytes);
    for (std::uint64_t at = 0; done.ok() && at < bytes;) {
        const auto size = static_cast<std::size_t>(
            std::min<std::uint64_t>(zeros_per_write, bytes - at));
        done = (*handle)->write_zeros(at, size);
        at += size;
    }
    if (done.ok()) {
        done = (*handle)->sync();
    }
    if (!done.ok()) {
        static_cast<void>(
            disk.remove(path).ok()); // gives the room back; the name is ignored anyway
        return std::move(done).error();
    }
    return handle;
}

//! Gives a file of zeros its header and its name.
result<void> christen(files& disk, const std::string& directory, const std::string& path,
                      file& handle, const segment_header& header) {
    auto done = handle.write_at(0, encode(header));
    if (done.ok()) {
        done = handle.sync();
    }
    if (!done.ok()) {
        static_cast<void>(disk.remove(path).ok());
        return done;
    }
    done = disk.rename(path, directory + "/" + segment_name(header.sequence));
    if (done.ok()) {
        done = disk.sync_directory(directory);
    }
    if (!done.ok() && done.error().code == error_code::store_full) {
        // The name may or may not be there: unknown, not merely full.
        return error{error_code::store_unavailable, done.error().message};
    }
    return done;
}

} // namespace

result<std::unique_ptr<file>> create_segment(files& disk, const std::string& directory,
                                             const segment_header& header) {
    const std::string path = directory + std::string{large_name};
    auto handle = create_zeros(disk, path, header.file_bytes);
    if (!handle.ok()) {
        return handle;
    }
    if (auto named = christen(disk, directory, path, **handle, header); !named.ok()) {
        return std::move(named).error();
    }
    return handle;
}

result<void> write_footer(const segment& of) {
    const std::string bytes = encode(of.table_now()) + encode(of.footer_now());
    if (auto put = of.handle().write_at(of.header().file_bytes - bytes.size(), bytes); !put.ok()) {
        return put;
    }
    return of.handle().sync();
}

appender::appender(files& disk, std::string directory, std::uint64_t segment_bytes)
    : disk_(disk), directory_(std::move(directory)), segment_bytes_(segment_bytes) {}

void appender::take_over(segment_set& set, key_index& index, bool attested) {
    set_ = &set;
    index_ = &index;
    active_ = set.active();
    const segment_extent extent = active_->extent();
    written_ = extent.after;
    offset_ = extent.end;
    attested_ = attested;
}

error appender::end(error why) {
    why.code = error_code::store_unavailable;
    ended_ = why;
    return why;
}

result<built_frame> appender::write(const append_batch& batch) {
    if (ended_) {
        return *ended_;
    }
    const std::size_t bound = frame_bytes_bound(batch);
    if (offset_ + bound + active_->bytes_to_seal() > active_->header().file_bytes) {
        if (auto rolled = roll(bound); !rolled.ok()) {
            return std::move(rolled).error();
        }
    }
    const segment_header& header = active_->header();
    built_frame frame = encode_frame({header.log, header.sequence, offset_, written_}, batch);
    if (auto put = active_->handle().begin_write(offset_, frame.bytes); !put.ok()) {
        auto withdrawn = withdraw(frame.bytes.size(), std::move(put).error());
        return std::move(withdrawn).error();
    }
    return frame;
}

//! A refused frame must not come back after a crash: the disk may hold any part of it.
result<void> appender::withdraw(std::size_t bytes, error why) {
    if (why.code != error_code::store_full) {
        return end(std::move(why));
    }
    auto zeroed = active_->handle().write_at(offset_, std::string(bytes, '\0'));
    if (zeroed.ok()) {
        zeroed = active_->handle().sync();
    }
    return zeroed.ok() ? why : end(std::move(zeroed).error());
}

result<void> appender::commit(built_frame& built) {
    const hash256 hash = chain_frame(built, hasher_);
    if (auto synced = active_->handle().sync(); !synced.ok()) {
        return end(std::move(synced).error());
    }
    const frame_header& frame = built.header;
    active_->grow(frame, hash);
    written_ = point_after(frame, hash);
    offset_ = frame.offset + padded(frame.length);
    attested_ = frame.events == 0;
    set_->publish(written_);
    return {};
}

result<void> appender::carry_on() {
    if (ended_) {
        return *ended_;
    }
    if (attested_) {
        return {};
    }
    auto frame = write({});
    return frame.ok() ? commit(*frame) : result<void>{std::move(frame).error()};
}

result<void> appender::ensure_room(std::size_t bytes) {
    if (ended_) {
        return *ended_;
    }
    const std::uint64_t wanted = padded(frame_header_bytes + bytes) + active_->bytes_to_seal();
    if (offset_ + wanted <= active_->header().file_bytes || !wants_next()) {
        return {};
    }
    return prepare_next();
}

result<void> appender::prepare_next() {
    const std::lock_guard lock{spare_mutex_};
    if (spare_) {
        return {};
    }
    auto handle = create_zeros(disk_, directory_ + std::string{spare_name}, segment_bytes_);
    if (!handle.ok()) {
        return std::move(handle).error();
    }
    spare_ = std::move(handle).value();
    spare_ready_.store(true, std::memory_order_relaxed);
    return {};
}

//! The file of a new segment under its name: the prepared one when it has the right size.
result<std::unique_ptr<file>> appender::next_file(const segment_header& header) {
    if (header.file_bytes != segment_bytes_) {
        return create_segment(disk_, directory_, header);
    }
    if (auto prepared = prepare_next(); !prepared.ok()) {
        return std::move(prepared).error();
    }
    const std::lock_guard lock{spare_mutex_};
    std::unique_ptr<file> handle = std::move(spare_);
    spare_ready_.store(false, std::memory_order_relaxed);
    const std::string path = directory_ + std::string{spare_name};
    if (auto named = christen(disk_, directory_, path, *handle, header); !named.ok()) {
        return std::move(named).error();
    }
    return handle;
}

result<void> appender::roll(std::uint64_t frame_bytes) {
    const segment_header& full = active_->header();
    segment_header header;
    header.log = full.log;
    header.sequence = full.sequence + 1;
    header.before = written_;
    const std::uint64_t least = segment_header_bytes + frame_bytes + 2 * table_entry_bytes +
                                footer_bytes;
    header.file_bytes = std::max(segment_bytes_, std::bit_ceil(least));
    auto handle = next_file(header);
    if (!handle.ok()) {
        if (handle.error().code == error_code::store_full) {
            return std::move(handle).error(); // as if nothing had been tried
        }
        return end(std::move(handle).error());
    }
    auto next = std::make_shared<segment>(segment_name(header.sequence), std::move(handle).value(),
                                          header);
    // From here on the next segment exists: the old one must be sealed before a frame follows.
    if (auto sealed = write_footer(*active_); !sealed.ok()) {
        return end(std::move(sealed).error());
    }
    active_->seal(active_->footer_now());
    index_->freeze({full.sequence, full.sequence, full.before.last + 1, written_});
    set_->add(next);
    active_ = std::move(next);
    offset_ = segment_header_bytes;
    attested_ = true; // the header of the new segment proves all before it
    return {};
}

} // namespace fasti::segments
