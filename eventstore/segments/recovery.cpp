// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/recovery.hpp"

#include "eventstore/segments/appender.hpp"
#include "eventstore/segments/index_recovery.hpp"
#include "eventstore/segments/segment_open.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace fasti::segments {
namespace {

constexpr std::string_view log_name = "/LOG";
constexpr std::string_view log_temporary = "/LOG.tmp";
constexpr std::size_t log_bytes_max = 4096;

error missing(const std::string& name, position from, position to) {
    const std::string upto = to == 0 ? " on" : " to " + std::to_string(to);
    return {error_code::store_damaged, "Positions from " + std::to_string(from) + upto +
                                           " are missing: there is no file " + name + "."};
}

error foreign(const segment& of, std::string_view what) {
    return {error_code::store_damaged,
            "Positions from " + std::to_string(of.header().before.last + 1) +
                " on cannot be read: " + of.name() + " " + std::string{what} + "."};
}

//! Carries the steps of one opening.
class opening {
public:
    opening(files& disk, const segment_options& options)
        : disk_(disk),
          options_(options),
          directory_(options.path),
          writes_(options.mode == open_mode::read_write) {}

    result<recovered_log> run();

private:
    result<void> identify();
    result<void> make_log();
    result<void> adopt_unnamed(const std::vector<std::uint64_t>& sequences);
    result<void> write_log_file(const log_identity& log);
    result<void> remove_temporaries();
    result<std::vector<std::uint64_t>> sequences() const;
    result<void> open_all();
    result<void> check_links() const;
    result<void> check_sealed(std::size_t i);
    result<void> finish_sealing(segment& full, const segment& next);
    result<void> scan_active();
    result<void> clear_tail(std::uint64_t from);
    result<void> write_again();
    void note(note_kind kind, std::string text) const {
        if (options_.report) {
            options_.report({kind, std::move(text)});
        }
    }

    files& disk_;
    const segment_options& options_;
    const std::string directory_;
    const bool writes_;
    log_identity log_;
    std::vector<std::shared_ptr<segment>> segments_;
    std::vector<index_entry> active_keys_;
    std::uint64_t last_frame_at_ = 0; // within the active segment; 0: it has none
    std::uint64_t last_frame_bytes_ = 0;
    bool attested_ = true;
    recovered_log out_;
};

result<recovered_log> opening::run() {
    for (const auto step : {&opening::identify, &opening::open_all, &opening::scan_active}) {
        if (auto done = (this->*step)(); !done.ok()) {
            return std::move(done).error();
        }
    }
    if (auto linked = check_links(); !linked.ok()) {
        return std::move(linked).error();
    }
    if (writes_) {
        if (auto written = write_again(); !written.ok()) {
            return std::move(written).error();
        }
    }
    out_.set = std::make_unique<segment_set>(log_);
    for (const auto& each : segments_) {
        out_.set->add(each);
    }
    out_.index = std::make_unique<key_index>(disk_, directory_, log_);
    const index_sources sources{disk_, options_, log_, segments_};
    if (auto filled = fill_index(sources, *out_.index); !filled.ok()) {
        return std::move(filled).error();
    }
    out_.index->add(active_keys_);
    out_.set->publish(segments_.back()->extent().after);
    out_.attested = attested_;
    return std::move(out_);
}

// --- whose log it is ------------------------------------------------------------------------------

result<std::vector<std::uint64_t>> opening::sequences() const {
    auto names = disk_.list(directory_);
    if (!names.ok()) {
        return std::move(names).error();
    }
    std::vector<std::uint64_t> found;
    for (const std::string& name : *names) {
        if (const std::uint64_t sequence = segment_sequence(name); sequence != 0) {
            found.push_back(sequence);
        }
    }
    return found;
}

result<void> opening::identify() {
    const auto names = disk_.list(directory_);
    if (!names.ok()) {
        return names.error();
    }
    if (std::find(names->begin(), names->end(), log_name.substr(1)) == names->end()) {
        return make_log();
    }
    auto handle = disk_.open(directory_ + std::string{log_name}, file_mode::read);
    if (!handle.ok()) {
        return std::move(handle).error();
    }
    std::string text(log_bytes_max, '\0');
    const auto got = (*handle)->read_at(0, text.data(), text.size());
    if (!got.ok()) {
        return got.error();
    }
    text.resize(*got);
    const auto log = read_log_file(text);
    if (!log.ok()) {
        return log.error();
    }
    log_ = *log;
    return writes_ ? remove_temporaries() : result<void>{};
}

//! There is no LOG: a fresh folder, or a crash while one was made, or LOG was taken away.
result<void> opening::make_log() {
    if (!writes_) {
        return error{error_code::store_unavailable, "There is no log at " + directory_ + "."};
    }
    if (auto cleared = remove_temporaries(); !cleared.ok()) {
        return cleared;
    }
    const auto present = sequences();
    if (!present.ok()) {
        return present.error();
    }
    if (!present->empty()) {
        return adopt_unnamed(*present);
    }
    segment_header header;
    header.log = {options_.fresh_log_id, options_.fresh_epoch};
    header.sequence = 1;
    header.file_bytes = options_.segment_bytes;
    if (auto made = create_segment(disk_, directory_, header); !made.ok()) {
        return std::move(made).error();
    }
    return write_log_file(header.log);
}

result<void> opening::adopt_unnamed(const std::vector<std::uint64_t>& present) {
    const error taken_away{error_code::store_damaged,
                           "There are segments but no file LOG, which says whose log this is."};
    if (present != std::vector<std::uint64_t>{1}) {
        return taken_away;
    }
    auto first = open_segment(disk_, directory_, 1, file_mode::read);
    if (!first.ok()) {
        return std::move(first).error();
    }
    const segment_header& header = (*first)->header();
    frame_scanner scanner{**first, segment_header_bytes, header.file_bytes, read_many_bytes};
    const auto step = scanner.next();
    if (!step.ok()) {
        return step.error();
    }
    if (*step == scan_step::frame) {
        return taken_away; // LOG is durable before the first frame is written
    }
    return write_log_file(header.log);
}

result<void> opening::write_log_file(const log_identity& log) {
    const std::string temporary = directory_ + std::string{log_temporary};
    auto handle = disk_.open(temporary, file_mode::create);
    if (!handle.ok()) {
        return std::move(handle).error();
    }
    auto done = (*handle)->write_at(0, log_file_text(log));
    if (done.ok()) {
        done = (*handle)->sync();
    }
    if (done.ok()) {
        done = disk_.rename(temporary, directory_ + std::string{log_name});
    }
    if (done.ok()) {
        done = disk_.sync_directory(directory_);
    }
    log_ = log;
    return done;
}

result<void> opening::remove_temporaries() {
    const auto names = disk_.list(directory_);
    if (!names.ok()) {
        return names.error();
    }
    for (const std::string& name : *names) {
        if (name.ends_with(".tmp")) {
            if (auto removed = disk_.remove(directory_ + "/" + name); !removed.ok()) {
                return removed;
            }
        }
    }
    return {};
}

// --- the segments ---------------------------------------------------------------------------------

result<void> opening::open_all() {
    if (writes_) {
        // A name may be in memory only, like bytes; a footer must not outlive its successor's name.
        if (auto synced = disk_.sync_directory(directory_); !synced.ok()) {
            return synced;
        }
    }
    const auto present = sequences();
    if (!present.ok()) {
        return present.error();
    }
    if (present->empty()) {
        return missing(segment_name(1), 1, 0);
    }
    segments_.resize(present->size());
    // From the newest: what a running server seals meanwhile is then seen as sealed.
    for (std::size_t i = present->size(); i-- > 0;) {
        auto opened = open_segment(disk_, directory_, (*present)[i],
                                   writes_ ? file_mode::write : file_mode::read);
        if (!opened.ok()) {
            return std::move(opened).error();
        }
        segments_[i] = std::move(opened).value();
        const segment& each = *segments_[i];
        if (each.header().log != log_) {
            return foreign(each, "belongs to another log or epoch");
        }
        if (i + 1 < present->size() && (*present)[i] + 1 != (*present)[i + 1]) {
            const auto footer = read_footer(each);
            if (!footer.ok()) {
                return footer.error();
            }
            const position from = *footer ? (*footer)->after.last + 1
                                          : each.header().before.last + 1;
            return missing(segment_name((*present)[i] + 1), from,
                           segments_[i + 1]->header().before.last);
        }
        if (i + 1 < present->size()) {
            if (auto sealed = check_sealed(i); !sealed.ok()) {
                return sealed;
            }
        }
    }
    if (present->front() != 1) {
        return missing(segment_name(1), 1, segments_.front()->header().before.last);
    }
    return {};
}

//! A segment with a successor has a footer, unless the successor was made and not yet used.
result<void> opening::check_sealed(std::size_t i) {
    segment& each = *segments_[i];
    const segment& next = *segments_[i + 1];
    const auto footer = read_footer(each);
    if (!footer.ok()) {
        return footer.error();
    }
    if (*footer) {
        each.seal(**footer);
        return {};
    }
    const position last = next.header().before.last;
    const std::uint64_t place = each.header().file_bytes - footer_bytes;
    frame_scanner scanner{next, segment_header_bytes, next.header().file_bytes, read_many_bytes};
    const auto step = scanner.next();
    if (!step.ok()) {
        return step.error();
    }
    if (i + 2 < segments_.size() || *step == scan_step::frame) {
        return damaged(each, place, each.header().before.last + 1, last,
                       "the footer is missing or wrong");
    }
    const auto used = find_frame_behind(next, segment_header_bytes, next.header().file_bytes);
    if (!used.ok()) {
        return used.error();
    }
    if (used->first != 0) {
        return damaged(each, place, each.header().before.last + 1, last,
                       "the footer is missing or wrong");
    }
    return finish_sealing(each, next);
}

result<void> opening::finish_sealing(segment& full, const segment& next) {
    frame_scanner scanner{full, segment_header_bytes, full.header().file_bytes, read_many_bytes};
    const chain_point& end = next.header().before;
    chain_walk chain{full.header().before};
    for (;;) {
        const segment_extent extent = full.extent();
        if (extent.after.last == end.last && extent.after.hash == end.hash) {
            break;
        }
        const auto step = scanner.next();
        if (!step.ok()) {
            return step.error();
        }
        if (*step != scan_step::frame || !chain.follow(scanner.bytes(), scanner.header())) {
            return damaged(full, extent.end, extent.after.last + 1, end.last,
                           "checksum or place wrong");
        }
        full.grow(scanner.header(), chain.at().hash);
    }
    // An empty frame behind the last event may still come; more than one frame may not.
    const auto step = scanner.next();
    if (!step.ok()) {
        return step.error();
    }
    if (*step == scan_step::frame && scanner.header().events == 0 &&
        chain.follow(scanner.bytes(), scanner.header())) {
        full.grow(scanner.header(), chain.at().hash);
    }
    if (writes_) {
        if (auto written = write_footer(full); !written.ok()) {
            return written;
        }
        note(note_kind::sealing_finished, full.name() + " was full and is now sealed.");
    }
    full.seal(full.footer_now(), writes_);
    return {};
}

result<void> opening::check_links() const {
    for (std::size_t i = 0; i + 1 < segments_.size(); ++i) {
        const chain_point after = segments_[i]->extent().after;
        const chain_point& before = segments_[i + 1]->header().before;
        if (after.last != before.last || after.hash != before.hash) {
            return foreign(*segments_[i + 1],
                           "does not go on where " + segments_[i]->name() + " ends");
        }
    }
    const chain_point& start = segments_.front()->header().before;
    if (start.last != 0 || start.hash != hash256{}) {
        return foreign(*segments_.front(), "does not begin at position 1");
    }
    return {};
}

//! Also hashes every event: what the last frame leads to stands in no frame.
result<void> opening::scan_active() {
    segment& active = *segments_.back();
    const auto footer = read_footer(active);
    if (!footer.ok()) {
        return footer.error();
    }
    if (*footer) {
        if (writes_) {
            // Sealed only after its successor was durable.
            return missing(segment_name(active.header().sequence + 1), (*footer)->after.last + 1,
                           0);
        }
    }
    frame_scanner scanner{active, segment_header_bytes, active.header().file_bytes,
                          read_many_bytes};
    chain_walk chain{active.header().before};
    position unproven = active.extent().first; // of the frame that the next one proves
    for (;;) {
        const auto step = scanner.next();
        if (!step.ok()) {
            return step.error();
        }
        const segment_extent extent = active.extent();
        if (*step == scan_step::frame) {
            const frame_header& frame = scanner.header();
            if (frame.hash_before != chain.at().hash) {
                return damaged(active, last_frame_at_, unproven, extent.after.last,
                               "the chain does not lead to the frame behind");
            }
            if (!chain.follow(scanner.bytes(), frame) ||
                !frame_keys(scanner.bytes(), frame, active_keys_)) {
                return damaged(active, frame.offset, extent.after.last + 1, frame.last(),
                               "a frame does not go on where the one before ends");
            }
            active.grow(frame, chain.at().hash);
            unproven = frame.events == 0 ? unproven : frame.first;
            last_frame_at_ = frame.offset;
            last_frame_bytes_ = scanner.bytes().size();
            attested_ = frame.events == 0;
            continue;
        }
        const auto behind = find_frame_behind(active, extent.end, active.header().file_bytes);
        if (!behind.ok()) {
            return behind.error();
        }
        if (behind->first != 0) {
            return damaged(active, extent.end, extent.after.last + 1,
                           std::max(behind->durable_through, extent.after.last + 1),
                           "checksum or place wrong, and sound frames behind it");
        }
        return writes_ ? clear_tail(extent.end) : result<void>{};
    }
}

//! Nothing sound follows: what is not zero here is the one append that nobody was told of.
result<void> opening::clear_tail(std::uint64_t from) {
    const segment& active = *segments_.back();
    std::uint64_t dirty_end = from;
    std::string bytes(read_many_bytes, '\0');
    const std::string zeros(read_many_bytes, '\0');
    for (std::uint64_t at = from; at < active.header().file_bytes; at += bytes.size()) {
        const auto got = active.handle().read_at(at, bytes.data(), bytes.size());
        if (!got.ok()) {
            return got.error();
        }
        const std::string_view present = std::string_view{bytes}.substr(0, *got);
        if (present != std::string_view{zeros}.substr(0, *got)) {
            dirty_end = at + present.find_last_not_of('\0') + 1;
        }
    }
    if (dirty_end == from) {
        return {};
    }
    for (std::uint64_t at = from; at < dirty_end; at += zeros.size()) {
        const auto size = static_cast<std::size_t>(
            std::min<std::uint64_t>(zeros.size(), dirty_end - at));
        if (auto put = active.handle().write_at(at, std::string_view{zeros}.substr(0, size));
            !put.ok()) {
            return put;
        }
    }
    note(note_kind::torn_tail_cut, "Cut " + std::to_string(dirty_end - from) +
                                       " bytes behind position " +
                                       std::to_string(active.extent().after.last) + " in " +
                                       active.name() + ": an append that was never acknowledged.");
    return active.handle().sync();
}

//! What no successor proves may be in the page cache only: a failed sync before this start would
//! have left it there. Written again, it must reach the disk or fail now.
result<void> opening::write_again() {
    const segment& active = *segments_.back();
    std::string bytes;
    result<void> done;
    if (last_frame_at_ != 0) {
        bytes.resize(static_cast<std::size_t>(last_frame_bytes_));
        const auto got = active.handle().read_at(last_frame_at_, bytes.data(), bytes.size());
        if (!got.ok()) {
            return got.error();
        }
        done = active.handle().write_at(last_frame_at_, bytes);
    } else {
        done = active.handle().write_at(0, encode(active.header()));
        if (done.ok() && segments_.size() > 1) {
            const segment& full = *segments_[segments_.size() - 2];
            auto table = full.read_table();
            if (!table.ok()) {
                return std::move(table).error();
            }
            const std::string footer = encode(*table) + encode(full.footer_now());
            done = full.handle().write_at(full.header().file_bytes - footer.size(), footer);
            if (done.ok()) {
                done = full.handle().sync();
            }
        }
    }
    if (done.ok()) {
        done = active.handle().sync();
    }
    return done;
}

} // namespace

result<recovered_log> recover(files& disk, const segment_options& options) {
    return opening{disk, options}.run();
}

} // namespace fasti::segments
