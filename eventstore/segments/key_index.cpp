// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/key_index.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace fasti::segments {
namespace {

constexpr std::size_t merge_width = 4;
constexpr std::uint64_t entries_between_rests = 65'536;
constexpr std::size_t handles_per_look = 256;  // taken under the lock at once
constexpr std::size_t entries_per_look = 1024; // likewise

void rest(std::uint64_t written, const std::function<void()>& between) {
    if (between && written % entries_between_rests == entries_between_rests - 1) {
        between();
    }
}

//! Runs of one level are merged: 1, 4, 16, ... segments.
unsigned level_of(const run_range& range) noexcept {
    const std::uint64_t segments = range.last_sequence - range.first_sequence + 1;
    return static_cast<unsigned>(std::bit_width(segments) - 1) / 2;
}

//! Walks the entries of a run, block by block.
class run_cursor {
public:
    explicit run_cursor(const run_file& run) : run_(run) {}

    //! Moves on; false at the end.
    result<bool> next() {
        if (++at_ >= entries_.size()) {
            if (block_ == run_.block_count()) {
                return false;
            }
            auto entries = run_.block(block_++);
            if (!entries.ok()) {
                return std::move(entries).error();
            }
            entries_ = std::move(entries).value();
            at_ = 0;
            if (entries_.empty()) {
                return false;
            }
        }
        return true;
    }
    const index_entry& entry() const noexcept { return entries_[at_]; }

private:
    const run_file& run_;
    std::size_t block_ = 0;
    std::vector<index_entry> entries_;
    std::size_t at_ = 0;
};

} // namespace

key_index::key_index(files& disk, std::string directory, const log_identity& log)
    : disk_(disk),
      directory_(std::move(directory)),
      log_(log),
      active_(std::make_shared<memory_table>()),
      sealed_(std::make_shared<const std::vector<part>>()) {}

void key_index::add(std::span<const index_entry> entries) {
    const std::lock_guard lock{mutex_};
    for (const index_entry& entry : entries) {
        active_->add(entry);
    }
}

void key_index::prefetch(std::span<const index_entry> keys) const {
    const std::lock_guard lock{mutex_};
    for (const index_entry& key : keys) {
        active_->prefetch(key.hash);
    }
}

void key_index::adopt(const run_range& range, std::shared_ptr<const memory_table> table) {
    const std::lock_guard lock{mutex_};
    auto parts = std::make_shared<std::vector<part>>(*sealed_);
    parts->push_back({range, nullptr, std::move(table)});
    sealed_ = std::move(parts);
}

void key_index::adopt(std::shared_ptr<const run_file> run) {
    const std::lock_guard lock{mutex_};
    auto parts = std::make_shared<std::vector<part>>(*sealed_);
    const run_range range = run->range();
    parts->push_back({range, std::move(run), nullptr});
    sealed_ = std::move(parts);
}

void key_index::freeze(const run_range& range) {
    auto fresh = std::make_shared<memory_table>();
    const std::lock_guard lock{mutex_}; // one: between two, readers would find the keys nowhere
    auto parts = std::make_shared<std::vector<part>>(*sealed_);
    parts->push_back({range, nullptr, std::exchange(active_, std::move(fresh))});
    sealed_ = std::move(parts);
}

result<void> key_index::each_newest(std::uint64_t hash,
                                    const std::function<bool(position)>& visit) const {
    std::vector<position> found;
    std::shared_ptr<const memory_table> table;
    std::shared_ptr<const std::vector<part>> sealed;
    std::uint32_t handle = 0;
    const auto look = [&] { // mutex_ held
        found.clear();
        for (; handle != 0 && found.size() < handles_per_look; handle = table->older(handle)) {
            found.push_back(table->at(handle));
        }
    };
    {
        const std::lock_guard lock{mutex_};
        table = active_;
        sealed = sealed_;
        handle = table->newest(hash);
        look();
    }
    while (!found.empty()) {
        for (const position at : found) {
            if (!visit(at)) {
                return {};
            }
        }
        const std::lock_guard lock{mutex_};
        look();
    }
    for (auto place = sealed->rbegin(); place != sealed->rend(); ++place) {
        if (place->table) {
            for (handle = place->table->newest(hash); handle != 0;
                 handle = place->table->older(handle)) {
                if (!visit(place->table->at(handle))) {
                    return {};
                }
            }
            continue;
        }
        const auto more = place->run->each_newest(hash, visit);
        if (!more.ok()) {
            return more.error();
        }
        if (!*more) {
            return {};
        }
    }
    return {};
}

std::vector<key_index::part> key_index::sealed_parts() const {
    const std::lock_guard lock{mutex_};
    return *sealed_;
}

entry_digest key_index::active_digest(position through) const {
    std::shared_ptr<const memory_table> table;
    std::size_t size = 0;
    {
        const std::lock_guard lock{mutex_};
        table = active_;
        size = table->size(); // what comes later lies behind `through`
    }
    entry_digest digest;
    std::vector<index_entry> piece;
    for (std::size_t at = 0; at < size; at += entries_per_look) {
        {
            const std::lock_guard lock{mutex_}; // briefly: a commit needs it
            table->copy(at, std::min(size, at + entries_per_look), piece);
        }
        for (const index_entry& entry : piece) {
            if (entry.at <= through) {
                digest.add(entry);
            }
        }
    }
    return digest;
}

result<bool> key_index::maintain(const std::function<void()>& between) {
    const std::vector<part> parts = sealed_parts();
    for (const part& candidate : parts) {
        if (candidate.table) {
            if (auto written = write_run(candidate, between); !written.ok()) {
                return std::move(written).error();
            }
            return true;
        }
    }
    for (std::size_t i = 0; i + merge_width <= parts.size(); ++i) {
        const auto begin = parts.begin() + static_cast<std::ptrdiff_t>(i);
        const auto end = begin + static_cast<std::ptrdiff_t>(merge_width);
        if (std::all_of(begin, end, [&](const part& each) {
                return level_of(each.range) == level_of(begin->range);
            })) {
            if (auto merged = merge_runs({begin, end}, between); !merged.ok()) {
                return std::move(merged).error();
            }
            return true;
        }
    }
    return false;
}

result<void> key_index::write_run(const part& from, const std::function<void()>& between) {
    const std::vector<index_entry> entries = from.table->sorted();
    run_writer writer{disk_, directory_, log_, entries.size()};
    auto done = writer.begin();
    for (std::size_t i = 0; done.ok() && i < entries.size(); ++i) {
        done = writer.add(entries[i]);
        rest(i, between);
    }
    if (done.ok()) {
        done = writer.finish(from.range);
    }
    if (!done.ok()) {
        return done;
    }
    const std::string name = run_name(from.range.first_sequence, from.range.last_sequence);
    auto run = run_file::open(disk_, directory_ + "/" + name, log_);
    if (!run.ok()) {
        return std::move(run).error();
    }
    replace(from.range.first_sequence, from.range.last_sequence, {from.range, *run, nullptr});
    return {};
}

result<void> key_index::merge_runs(const std::vector<part>& from,
                                   const std::function<void()>& between) {
    std::uint64_t keys = 0;
    std::vector<run_cursor> cursors;
    for (const part& each : from) {
        keys += each.run->keys();
        cursors.emplace_back(*each.run);
    }
    run_writer writer{disk_, directory_, log_, keys};
    auto done = writer.begin();
    std::uint64_t written = 0;
    std::vector<run_cursor*> open; // those with entries left
    for (run_cursor& cursor : cursors) {
        const auto more = cursor.next();
        if (!more.ok()) {
            return more.error();
        }
        if (*more) {
            open.push_back(&cursor);
        }
    }
    while (done.ok() && !open.empty()) {
        const auto least = std::min_element(
            open.begin(), open.end(),
            [](const run_cursor* a, const run_cursor* b) { return a->entry() < b->entry(); });
        done = writer.add((*least)->entry());
        rest(written++, between);
        const auto more = (*least)->next();
        if (!more.ok()) {
            return more.error();
        }
        if (!*more) {
            open.erase(least);
        }
    }
    run_range range = from.back().range;
    range.first_sequence = from.front().range.first_sequence;
    range.first = from.front().range.first;
    if (done.ok()) {
        done = writer.finish(range);
    }
    if (!done.ok()) {
        return done;
    }
    const std::string name = run_name(range.first_sequence, range.last_sequence);
    auto run = run_file::open(disk_, directory_ + "/" + name, log_);
    if (!run.ok()) {
        return std::move(run).error();
    }
    replace(range.first_sequence, range.last_sequence, {range, *run, nullptr});
    for (const part& each : from) {
        // One that stays behind is recognised as superseded at the next start.
        static_cast<void>(disk_.remove(each.run->path()).ok());
    }
    return {};
}

void key_index::replace(std::uint64_t first_sequence, std::uint64_t last_sequence, part with) {
    const std::lock_guard lock{mutex_};
    auto parts = std::make_shared<std::vector<part>>();
    bool placed = false;
    for (const part& each : *sealed_) {
        const bool inside = each.range.first_sequence >= first_sequence &&
                            each.range.last_sequence <= last_sequence;
        if (!inside) {
            parts->push_back(each);
        } else if (!placed) {
            parts->push_back(with);
            placed = true;
        }
    }
    sealed_ = std::move(parts);
}

result<found_runs> find_runs(files& disk, const std::string& directory, const log_identity& log,
                             const std::function<bool(const run_range&)>& is_true) {
    auto names = disk.list(directory);
    if (!names.ok()) {
        return std::move(names).error();
    }
    std::vector<std::pair<run_range, std::string>> candidates;
    for (const std::string& name : *names) {
        if (const auto range = run_name_range(name)) {
            candidates.emplace_back(*range, directory + "/" + name);
        }
    }
    std::sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
        return std::pair{a.first.first_sequence, b.first.last_sequence} <
               std::pair{b.first.first_sequence, a.first.last_sequence}; // wider first
    });
    found_runs found;
    std::uint64_t covered = 0;
    for (const auto& [range, path] : candidates) {
        if (range.first_sequence <= covered) {
            found.superseded.push_back(path);
            continue;
        }
        auto run = run_file::open(disk, path, log);
        if (run.ok() && (*run)->range().first_sequence == range.first_sequence &&
            (*run)->range().last_sequence == range.last_sequence && is_true((*run)->range())) {
            covered = range.last_sequence;
            found.usable.push_back(std::move(run).value());
        } else if (run.ok() || run.error().code == error_code::store_damaged) {
            found.altered.push_back(path);
        } // else: gone meanwhile, or unreadable: built again in memory
    }
    return found;
}

} // namespace fasti::segments
