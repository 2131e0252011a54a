// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/segment_ledger.hpp"

#include "eventstore/segments/appender.hpp"
#include "eventstore/segments/lookups.hpp"
#include "eventstore/segments/recovery.hpp"
#include "eventstore/segments/segment_open.hpp"
#include "eventstore/segments/stream_heads.hpp"
#include "eventstore/segments/verify.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace fasti {
namespace segments {
namespace {

constexpr std::size_t names_kept_max = 262'144; // per generation; about 30 MB each when full
constexpr std::uint64_t segment_bytes_min = 64U * 1024U;
constexpr std::uint64_t segment_bytes_max = 1024U * 1024U * 1024U;

error conflict(const event_draft& draft, std::uint64_t actual) {
    error failure{error_code::version_conflict, "Stream " + std::string{draft.stream} +
                                                    " is at version " + std::to_string(actual) +
                                                    ", not at " +
                                                    std::to_string(draft.stream_version - 1) + "."};
    failure.actual_version = actual;
    return failure;
}

error reused() { return {error_code::key_reused, "The idempotency key is already remembered."}; }

error only_read() {
    return {error_code::store_unavailable, "The log was opened for reading only."};
}

class disk_ledger final : public segment_ledger {
public:
    disk_ledger(files& disk, const segment_options& options, std::unique_ptr<file_lock> lock,
                recovered_log log)
        : disk_(disk),
          directory_(options.path),
          writes_(options.mode == open_mode::read_write),
          lock_(std::move(lock)),
          set_(std::move(log.set)),
          index_(std::move(log.index)),
          appender_(disk, options.path, options.segment_bytes),
          heads_(names_kept_max) {
        appender_.take_over(*set_, *index_, log.attested);
    }

    id128 log_id() const noexcept override { return set_->log().log_id; }
    result<std::shared_ptr<const committed_batch>> append(const append_batch& batch) override;
    ledger_head head() const override { return set_->head(); }
    result<std::uint64_t> stream_version(std::string_view stream) const override {
        return version_of(parts(), stream);
    }
    result<std::uint64_t> version_to_append(std::string_view stream) override {
        auto known = head_of(stream_key(stream), stream);
        return known.ok() ? result<std::uint64_t>{**known} : std::move(known).error();
    }
    void foresee(std::string_view stream) noexcept override {
        const index_entry key{stream_key(stream), 0};
        heads_.prefetch(key.hash);
        index_->prefetch({&key, 1});
    }
    result<std::optional<receipt>> find_receipt(std::string_view scope,
                                                std::string_view key) const override {
        return receipt_of(parts(), scope, key);
    }
    result<std::optional<std::string>> claim_holder(std::string_view name) const override {
        return holder_of(parts(), name);
    }
    result<position> read(position from, position to, const event_filter& filter,
                          const event_visitor& visit) const override {
        return read_events(*set_, from, to, filter, visit);
    }
    result<void> read_stream(std::string_view stream, std::uint64_t from_version,
                             const event_visitor& visit) const override {
        return read_one_stream(parts(), stream, from_version, visit);
    }
    result<hash256> hash_at(position at) const override { return chain_hash_at(*set_, at); }
    result<position> position_at(instant when) const override {
        return last_recorded_by(*set_, when);
    }
    result<std::uint64_t> verify(const std::function<void(const finding&)>& report,
                                 const progress_sink& progress) const override {
        return verify_log(parts(), report, progress);
    }
    result<void> ensure_room(std::size_t bytes) override {
        return writes_ ? appender_.ensure_room(bytes) : only_read();
    }
    result<void> carry_on() override { return writes_ ? appender_.carry_on() : only_read(); }
    result<void> prepare_next() override {
        return writes_ ? appender_.prepare_next() : only_read();
    }
    bool wants_next() const noexcept override { return writes_ && appender_.wants_next(); }
    result<bool> maintain() override {
        // A merge may take seconds: the next segment does not wait for its end.
        const auto prepare = [this] {
            static_cast<void>(wants_next() && appender_.prepare_next().ok());
        };
        return writes_ ? index_->maintain(prepare) : only_read();
    }
    result<void> refresh() override;

private:
    struct staged_version {
        std::string_view stream;
        std::uint64_t hash;
        std::uint64_t before;
    };

    indexed_log parts() const noexcept { return {*set_, *index_}; }
    result<std::uint64_t*> head_of(std::uint64_t hash, std::string_view stream);
    void hash_keys(const append_batch& batch);
    result<void> stage_versions(const append_batch& batch);
    void unstage_versions();
    result<void> check_receipts(const append_batch& batch);
    result<void> check_claims(const append_batch& batch) const;
    result<bool> follow_active(segment& active);

    files& disk_;
    const std::string directory_;
    const bool writes_;
    const std::unique_ptr<file_lock> lock_; // given back after everything else is closed
    const std::unique_ptr<segment_set> set_;
    const std::unique_ptr<key_index> index_;
    appender appender_;
    stream_heads heads_;
    std::vector<index_entry> keys_; // of the batch at hand, as are the two below
    std::vector<staged_version> staged_;
    std::vector<std::pair<std::uint64_t, const receipt_draft*>> receipts_;
};

result<std::shared_ptr<const committed_batch>> disk_ledger::append(const append_batch& batch) {
    if (!writes_) {
        return only_read();
    }
    const ledger_head before = set_->head();
    if (auto sound = check_batch(batch, before.last_recorded); !sound.ok()) {
        return std::move(sound).error();
    }
    hash_keys(batch);
    auto allowed = stage_versions(batch);
    if (allowed.ok()) {
        allowed = check_receipts(batch);
    }
    if (allowed.ok()) {
        allowed = check_claims(batch);
    }
    if (!allowed.ok()) {
        unstage_versions();
        return std::move(allowed).error();
    }
    auto written = appender_.write(batch);
    if (!written.ok()) {
        unstage_versions();
        return std::move(written).error();
    }
    built_frame& frame = *written;
    // While the disk works. Readers pass over what is above the head, so this is not too early.
    for (index_entry& key : keys_) {
        key.at += frame.header.first;
    }
    index_->add(keys_);
    auto committed = std::make_shared<committed_batch>();
    if (auto durable = appender_.commit(frame); !durable.ok()) {
        return std::move(durable).error();
    }
    committed->first = frame.header.first;
    committed->slices = std::move(frame.slices);
    committed->hashes = std::move(frame.hashes);
    committed->last_hash = committed->hashes.back();
    committed->last_recorded = frame.header.last_recorded;
    committed->bytes = std::move(frame.bytes);
    return std::shared_ptr<const committed_batch>{std::move(committed)};
}

//! Keys of the batch with places counted from its first event: streams, receipts, claims. All
//! hashed before the first is looked up, so that the caches fetch them side by side.
void disk_ledger::hash_keys(const append_batch& batch) {
    keys_.clear();
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
        keys_.push_back({stream_key(batch.events[i].stream), i});
        heads_.prefetch(keys_.back().hash);
    }
    for (const receipt_draft& draft : batch.receipts) {
        keys_.push_back({receipt_key(draft.scope, draft.key), draft.first});
    }
    for (const claim_draft& draft : batch.claims) {
        keys_.push_back({claim_key(draft.name), 0});
    }
    index_->prefetch(keys_);
}

//! What heads_ keeps for a stream, read from the log where it keeps nothing. Valid until the next call.
result<std::uint64_t*> disk_ledger::head_of(std::uint64_t hash, std::string_view stream) {
    if (std::uint64_t* const known = heads_.find(hash, stream)) {
        return known;
    }
    auto stored = version_of(parts(), stream);
    if (!stored.ok()) {
        return std::move(stored).error();
    }
    return heads_.insert(hash, stream, *stored);
}

//! Checks the versions and leaves the new ones in heads_, with what to put back if the batch fails.
result<void> disk_ledger::stage_versions(const append_batch& batch) {
    staged_.clear();
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
        const event_draft& draft = batch.events[i];
        const std::uint64_t hash = keys_[i].hash;
        auto known = head_of(hash, draft.stream);
        if (!known.ok()) {
            return std::move(known).error();
        }
        std::uint64_t& version = **known;
        if (draft.stream_version != version + 1) {
            return conflict(draft, version);
        }
        staged_.push_back({draft.stream, hash, version});
        ++version;
    }
    return {};
}

void disk_ledger::unstage_versions() {
    for (auto each = staged_.rbegin(); each != staged_.rend(); ++each) {
        if (std::uint64_t* const version = heads_.find(each->hash, each->stream)) {
            *version = each->before;
        }
    }
    staged_.clear();
}

result<void> disk_ledger::check_receipts(const append_batch& batch) {
    receipts_.clear();
    for (std::size_t i = 0; i < batch.receipts.size(); ++i) {
        const receipt_draft& draft = batch.receipts[i];
        const auto known = receipt_of(parts(), draft.scope, draft.key);
        if (!known.ok()) {
            return known.error();
        }
        if (known->has_value()) {
            return reused();
        }
        receipts_.emplace_back(keys_[batch.events.size() + i].hash, &draft);
    }
    std::sort(receipts_.begin(), receipts_.end());
    for (std::size_t i = 0; i < receipts_.size(); ++i) {
        for (std::size_t j = i + 1;
             j < receipts_.size() && receipts_[j].first == receipts_[i].first; ++j) {
            const receipt_draft& a = *receipts_[i].second;
            const receipt_draft& b = *receipts_[j].second;
            if (a.scope == b.scope && a.key == b.key) {
                return reused();
            }
        }
    }
    return {};
}

result<void> disk_ledger::check_claims(const append_batch& batch) const {
    std::map<std::string_view, std::string> now;
    for (const claim_draft& draft : batch.claims) {
        const auto [entry, fresh] = now.try_emplace(draft.name);
        if (fresh) {
            auto holder = holder_of(parts(), draft.name);
            if (!holder.ok()) {
                return std::move(holder).error();
            }
            entry->second = std::move(*holder).value_or(std::string{});
        }
        if (!draft.stream.empty() && !entry->second.empty() && entry->second != draft.stream) {
            return error{error_code::claim_taken, "The name " + std::string{draft.name} +
                                                      " is claimed by " + entry->second + "."};
        }
        entry->second = draft.stream;
    }
    return {};
}

// --- following a running server ---------------------------------------------------------------------

result<void> disk_ledger::refresh() {
    for (;;) {
        const auto next = follow_active(*set_->active());
        if (!next.ok()) {
            return next.error();
        }
        if (!*next) {
            return {};
        }
    }
}

//! Takes up the frames behind the known end; true when the segment was sealed and the next taken up.
result<bool> disk_ledger::follow_active(segment& active) {
    const auto footer = read_footer(active); // before the frames: a sealed segment gets no more
    if (!footer.ok()) {
        return footer.error();
    }
    const segment_header& header = active.header();
    frame_scanner scanner{active, active.extent().end, header.file_bytes, read_one_bytes};
    chain_walk chain{active.extent().after};
    for (;;) {
        const auto step = scanner.next();
        if (!step.ok()) {
            return step.error();
        }
        const chain_point before = chain.at();
        if (*step != scan_step::frame || !follows(scanner.header(), before)) {
            break;
        }
        std::vector<index_entry> keys;
        if (!frame_keys(scanner.bytes(), scanner.header(), keys) ||
            !chain.follow(scanner.bytes(), scanner.header())) {
            return describe_damage(active, scanner.header().offset, before.last + 1);
        }
        index_->add(keys);
        active.grow(scanner.header(), chain.at().hash);
        set_->publish(chain.at());
    }
    if (!*footer) {
        return false;
    }
    const chain_point end = active.extent().after;
    const chain_point& sealed = (*footer)->after;
    if (sealed.last != end.last || sealed.hash != end.hash) {
        const position first = sealed.last > end.last ? end.last + 1 : header.before.last + 1;
        return damaged(active, active.extent().end, first, sealed.last, "checksum or place wrong");
    }
    auto next = open_segment(disk_, directory_, header.sequence + 1, file_mode::read);
    if (!next.ok()) {
        return std::move(next).error();
    }
    if ((*next)->header().log != header.log || (*next)->header().before.hash != end.hash) {
        return error{error_code::store_damaged,
                     "Positions from " + std::to_string(end.last + 1) + " on cannot be read: " +
                         (*next)->name() + " does not go on where " + active.name() + " ends."};
    }
    active.seal(**footer);
    index_->freeze({header.sequence, header.sequence, header.before.last + 1, end});
    set_->add(std::move(next).value());
    return true;
}

//! "a/b/c" -> "a/b", "a" -> "."
std::string parent_of(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

} // namespace
} // namespace segments

result<std::unique_ptr<segment_ledger>> open_segments(files& disk, const segment_options& options) {
    if (!std::has_single_bit(options.segment_bytes) ||
        options.segment_bytes < segments::segment_bytes_min ||
        options.segment_bytes > segments::segment_bytes_max) {
        return error{error_code::configuration_invalid,
                     "The size of a segment must be a power of two from 64 KiB to 1 GiB."};
    }
    std::unique_ptr<file_lock> lock;
    if (options.mode == open_mode::read_write) {
        if (auto made = disk.make_directory(options.path); !made.ok()) {
            return std::move(made).error();
        }
        if (auto synced = disk.sync_directory(segments::parent_of(options.path)); !synced.ok()) {
            return std::move(synced).error();
        }
        auto held = disk.lock(options.path + "/LOCK");
        if (!held.ok()) {
            return std::move(held).error();
        }
        lock = std::move(held).value();
    }
    auto log = segments::recover(disk, options);
    if (!log.ok()) {
        return std::move(log).error();
    }
    auto ledger = std::make_unique<segments::disk_ledger>(disk, options, std::move(lock),
                                                          std::move(log).value());
    if (options.mode == open_mode::read_write) {
        if (auto carried = ledger->carry_on(); !carried.ok()) {
            return std::move(carried).error();
        }
    }
    return std::unique_ptr<segment_ledger>{std::move(ledger)};
}

} // namespace fasti
