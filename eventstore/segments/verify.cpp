// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/verify.hpp"

#include "eventstore/port/record.hpp"
#include "eventstore/segments/frame.hpp"
#include "eventstore/segments/segment_open.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

namespace fasti::segments {
namespace {

class walker {
public:
    walker(const indexed_log& log, const std::function<void(const finding&)>& report,
           const progress_sink& progress)
        : log_(log), report_(report), progress_(progress), head_(log.set.head()) {}

    result<std::uint64_t> run();

private:
    void walk_segment(const segment& each, const segment_extent& extent);
    void check_frame(const segment& each, const frame_header& frame, std::string_view bytes);
    void check_link(const segment& each, const frame_header& frame);
    //! What a frame leads to is stated by what follows it: a chain that does not meet there was
    //! broken in the events before, whose checksum someone put right.
    void chain_broken(const std::string& where) {
        found("chain broken", last_place_.empty() ? where : last_place_, last_first_, at_.last);
    }
    void pass_over(const segment& each) {
        passed_over_.insert(each.header().sequence);
        versions_.clear(); // what the passed over events said of their streams is not known
        chained_ = false;
    }
    void check_event(const recorded_event& event, const std::string& where);
    result<void> check_header(const segment& each);
    result<void> check_end(const segment& each, const segment_extent& extent,
                           const segment& rebuilt);
    result<void> check_footer(const segment& each, const segment& rebuilt);
    result<void> check_zeros(const segment& each, std::uint64_t from, std::uint64_t to);
    void check_parts(const std::vector<key_index::part>& parts);
    //! `expected`: of the events it covers; null where not all of them were seen.
    void check_run(const run_file& run, const entry_digest* expected);
    //! Whether events of these segments could not be read or were not sound.
    bool passed_over(std::uint64_t first_sequence, std::uint64_t last_sequence) const {
        const auto next = passed_over_.lower_bound(first_sequence);
        return next != passed_over_.end() && *next <= last_sequence;
    }

    void found(std::string what, std::string where, position first, position last) {
        ++findings_;
        report_({std::move(what), std::move(where), first, last});
    }
    static std::string place(const segment& each, std::uint64_t offset) {
        return each.name() + " at byte " + std::to_string(offset);
    }

    const indexed_log& log_;
    const std::function<void(const finding&)>& report_;
    const progress_sink& progress_;
    const ledger_head head_;
    std::uint64_t findings_ = 0;
    bool stopped_ = false;
    chain_point at_;      // behind the last frame
    bool chained_ = true; // whether at_ has the hash of what lies before
    std::string last_place_;
    position last_first_ = 1; // of the first event of the last frame that held some
    chain_hasher hasher_;
    std::vector<index_entry> keys_;
    std::vector<entry_digest> digests_;   // by sequence - 1
    std::set<std::uint64_t> passed_over_; // sequences of segments
    std::unordered_map<std::string, std::uint64_t, text_hash, std::equal_to<>> versions_;
};

result<std::uint64_t> walker::run() {
    const auto segments = log_.set.all();
    const auto parts = log_.index.sealed_parts();
    digests_.resize(segments.size());
    for (const auto& each : segments) {
        segment_extent extent = each->extent();
        walk_segment(*each, extent);
        if (stopped_) {
            return findings_;
        }
    }
    if (at_.last != head_.last) {
        found("the log ends elsewhere than its head says", segments.back()->name(),
              std::min(at_.last, head_.last) + 1, std::max(at_.last, head_.last));
    } else if (chained_ && at_.hash != head_.last_hash) {
        chain_broken(segments.back()->name());
    }
    check_parts(parts);
    const entry_digest active = log_.index.active_digest(head_.last);
    const bool still_active = log_.set.active() == segments.back();
    if (still_active && !passed_over(digests_.size(), digests_.size()) &&
        !(active == digests_.back())) {
        found("the index in memory differs from the log", segments.back()->name(),
              segments.back()->header().before.last + 1, head_.last);
    }
    return findings_;
}

void walker::walk_segment(const segment& each, const segment_extent& extent) {
    const segment_header& header = each.header();
    if (auto read = check_header(each); !read.ok()) {
        found(read.error().message, each.name(), header.before.last + 1, extent.after.last);
    }
    if (header.before.last != at_.last) {
        found("chain broken between segments", each.name(), at_.last + 1, header.before.last);
    } else if (chained_ && header.before.hash != at_.hash) {
        chain_broken(each.name());
    }
    at_ = header.before;
    chained_ = true;
    segment rebuilt{each.name(), nullptr, header}; // grows as the frames say
    frame_scanner scanner{each, segment_header_bytes, extent.end, read_many_bytes};
    for (;;) {
        const auto step = scanner.next();
        if (step.ok() && *step == scan_step::end) {
            break;
        }
        if (!step.ok() || *step == scan_step::unsound) {
            const std::uint64_t offset = scanner.offset();
            const auto behind = find_frame_behind(each, offset, extent.end);
            const bool more = behind.ok() && behind->first != 0;
            found(step.ok() ? "checksum or place wrong" : step.error().message, place(each, offset),
                  at_.last + 1, more ? behind->first - 1 : extent.after.last);
            pass_over(each);
            if (!more) {
                at_ = extent.after;
                break;
            }
            at_ = {behind->first - 1, behind->hash_before, at_.recorded};
            scanner.seek(behind->offset);
            continue;
        }
        const frame_header& frame = scanner.header();
        if (frame.last() > head_.last) {
            break; // written while we walk
        }
        check_frame(each, frame, scanner.bytes());
        rebuilt.grow(frame, at_.hash);
        if (progress_ && !progress_(at_.last, head_.last)) {
            stopped_ = true;
            return;
        }
    }
    if (passed_over_.contains(header.sequence)) {
        return; // `rebuilt` lacks frames: the end has nothing to be compared with
    }
    if (auto read = check_end(each, extent, rebuilt); !read.ok()) {
        found(read.error().message, each.name(), header.before.last + 1, extent.after.last);
    }
}

void walker::check_frame(const segment& each, const frame_header& frame, std::string_view bytes) {
    const std::string where = place(each, frame.offset);
    check_link(each, frame);
    const instant before = at_.recorded;
    at_ = point_after(frame, frame.hash_before);
    frame_parts parts{bytes, frame};
    std::string_view canonical;
    recorded_event event;
    instant recorded = before;
    for (std::uint32_t i = 0; i < frame.events; ++i) {
        if (!parts.next_record(canonical) || !decode_record(canonical, event) ||
            event.at != frame.first + i) {
            found("event is not as we write it", where, frame.first + i, frame.first + i);
            pass_over(each);
            return;
        }
        at_.hash = hasher_.next(at_.hash, canonical);
        if (event.fact.recorded < recorded) {
            found("recorded time goes back", where, event.at, event.at);
        }
        recorded = event.fact.recorded;
        check_event(event, where);
    }
    if (recorded != frame.last_recorded) {
        found("recorded time differs from the frame's", where, frame.first, frame.last());
    }
    stored_receipt receipt;
    for (std::uint32_t i = 0; i < frame.receipts; ++i) {
        if (!parts.next_receipt(receipt) || receipt.what.count == 0 ||
            receipt.what.first + receipt.what.count - 1 > frame.last()) {
            found("receipt names events outside its batch", where, frame.first, frame.last());
            return;
        }
    }
    keys_.clear();
    if (!frame_keys(bytes, frame, keys_)) {
        found("parts of the frame are not as we write them", where, frame.first, frame.last());
        return;
    }
    entry_digest& digest = digests_[each.header().sequence - 1];
    for (const index_entry& key : keys_) {
        digest.add(key);
    }
}

void walker::check_link(const segment& each, const frame_header& frame) {
    const std::string where = place(each, frame.offset);
    chain_point stated = at_;
    stated.hash = frame.hash_before;
    if (!follows(frame, stated)) {
        found("frame does not go on where the one before ends", where, frame.first, frame.last());
    } else if (chained_ && stated.hash != at_.hash) {
        chain_broken(where);
    }
    chained_ = true;
    if (frame.events != 0) {
        last_place_ = where;
        last_first_ = frame.first;
    }
}

void walker::check_event(const recorded_event& event, const std::string& where) {
    const auto known = versions_.find(event.fact.stream);
    const std::uint64_t before = known == versions_.end() ? 0 : known->second;
    const bool lost_sight = known == versions_.end() && !passed_over_.empty();
    if (!lost_sight && event.fact.stream_version != before + 1) {
        found("stream " + std::string{event.fact.stream} + " goes from version " +
                  std::to_string(before) + " to " + std::to_string(event.fact.stream_version),
              where, event.at, event.at);
    }
    if (known == versions_.end()) {
        versions_.emplace(event.fact.stream, event.fact.stream_version);
    } else {
        known->second = event.fact.stream_version;
    }
}

result<void> walker::check_header(const segment& each) {
    std::string bytes(segment_header_bytes, '\0');
    const auto got = each.handle().read_at(0, bytes.data(), bytes.size());
    if (!got.ok()) {
        return got.error();
    }
    if (bytes != encode(each.header())) {
        found("segment header altered", each.name(), each.header().before.last + 1,
              each.extent().after.last);
    }
    return {};
}

//! Behind the frames: table, footer and zeros.
result<void> walker::check_end(const segment& each, const segment_extent& extent,
                               const segment& rebuilt) {
    return extent.footer_stands ? check_footer(each, rebuilt) : result<void>{};
}

result<void> walker::check_footer(const segment& each, const segment& rebuilt) {
    const position first = each.header().before.last + 1;
    const segment_footer should = rebuilt.footer_now();
    const std::string expected = encode(rebuilt.table_now()) + encode(should);
    std::string bytes(expected.size(), '\0');
    const std::uint64_t offset = each.header().file_bytes - bytes.size();
    const auto got = each.handle().read_at(offset, bytes.data(), bytes.size());
    if (!got.ok()) {
        return got.error();
    }
    if (*got != bytes.size() || bytes != expected) {
        found("table or footer differs from the frames", place(each, offset), first,
              should.after.last);
    }
    return check_zeros(each, should.sums.end, offset);
}

result<void> walker::check_zeros(const segment& each, std::uint64_t from, std::uint64_t to) {
    std::string bytes(read_many_bytes, '\0');
    const std::string zeros(read_many_bytes, '\0');
    for (std::uint64_t at = from; at < to; at += bytes.size()) {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), to - at));
        const auto got = each.handle().read_at(at, bytes.data(), size);
        if (!got.ok()) {
            return got.error();
        }
        if (bytes.compare(0, size, zeros, 0, size) != 0) {
            found("bytes behind the last frame are not zero", place(each, at), 0, 0);
            return {};
        }
    }
    return {};
}

void walker::check_parts(const std::vector<key_index::part>& parts) {
    for (const key_index::part& part : parts) {
        const bool whole = !passed_over(part.range.first_sequence, part.range.last_sequence);
        entry_digest expected;
        for (std::uint64_t i = part.range.first_sequence;
             i <= part.range.last_sequence && i <= digests_.size(); ++i) {
            expected.count += digests_[i - 1].count;
            expected.sum += digests_[i - 1].sum;
        }
        if (part.run) {
            check_run(*part.run, whole ? &expected : nullptr);
        } else if (whole && !(part.table->digest(part.range.after.last) == expected)) {
            found("the index in memory differs from the log",
                  segment_name(part.range.first_sequence), part.range.first, part.range.after.last);
        }
    }
}

void walker::check_run(const run_file& run, const entry_digest* expected) {
    entry_digest digest;
    index_entry before;
    for (std::size_t i = 0; i < run.block_count(); ++i) {
        const auto entries = run.block(i);
        if (!entries.ok()) {
            found(entries.error().message, run.path(), run.range().first, run.range().after.last);
            return;
        }
        for (const index_entry& entry : *entries) {
            if (entry < before) {
                found("index out of order", run.path(), entry.at, entry.at);
            }
            before = entry;
            digest.add(entry);
        }
    }
    if (!(digest == run.digest()) || (expected != nullptr && !(digest == *expected))) {
        found("index differs from the log", run.path(), run.range().first, run.range().after.last);
    }
}

} // namespace

result<std::uint64_t> verify_log(const indexed_log& log,
                                 const std::function<void(const finding&)>& report,
                                 const progress_sink& progress) {
    return walker{log, report, progress}.run();
}

} // namespace fasti::segments
