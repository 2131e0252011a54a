// SPDX-License-Identifier: Apache-2.0
#include "tests/support/disk/sim_disk.hpp"

#include "domain/base/check.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fasti::sim {
namespace {

constexpr std::size_t sector = 512;

error lost(std::string_view what) {
    return {error_code::store_unavailable, "Simulated: " + std::string{what} + "."};
}

error as_error(fault how) {
    return how == fault::full
               ? error{error_code::store_full, "Simulated: no room left."}
               : lost(how == fault::io_error ? "input/output error" : "power is off");
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    return slash == std::string::npos ? std::string{} : path.substr(0, slash);
}

} // namespace

class sim_file final : public file {
public:
    sim_file(sim_disk& disk, std::shared_ptr<sim_disk::node> node)
        : disk_(disk), node_(std::move(node)), generation_(disk.generation_) {}

    result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) override {
        const std::lock_guard lock{disk_.mutex_};
        fault how{};
        if (generation_ != disk_.generation_ || disk_.strikes(how)) {
            return error{error_code::store_unavailable,
                         "Simulated: reading at byte " + std::to_string(offset) + " failed."};
        }
        const std::string& content = node_->now;
        if (offset >= content.size()) {
            return std::size_t{0};
        }
        const std::size_t got = std::min<std::size_t>(
            size, content.size() - static_cast<std::size_t>(offset));
        std::memcpy(out, content.data() + offset, got);
        return got;
    }
    result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
        const std::lock_guard lock{disk_.mutex_};
        return generation_ != disk_.generation_ ? lost("the machine went down")
                                                : disk_.write(*node_, offset, bytes);
    }
    result<void> begin_write(std::uint64_t offset, std::string_view bytes) override {
        const std::lock_guard lock{disk_.mutex_};
        check(offset % sector == 0 && bytes.size() % sector == 0, "whole sectors");
        return generation_ != disk_.generation_ ? lost("the machine went down")
                                                : disk_.begin(*node_, offset, bytes);
    }
    result<void> sync() override {
        const std::lock_guard lock{disk_.mutex_};
        return generation_ != disk_.generation_ ? lost("the machine went down")
                                                : disk_.sync(*node_);
    }
    result<std::uint64_t> size() override {
        const std::lock_guard lock{disk_.mutex_};
        return std::uint64_t{node_->now.size()};
    }

private:
    sim_disk& disk_;
    const std::shared_ptr<sim_disk::node> node_;
    const std::uint64_t generation_;
};

class sim_lock final : public file_lock {
public:
    sim_lock(sim_disk& disk, std::string path)
        : disk_(disk), path_(std::move(path)), generation_(disk.generation_) {}
    ~sim_lock() override {
        const std::lock_guard lock{disk_.mutex_};
        if (generation_ == disk_.generation_) {
            disk_.locks_.erase(path_);
        }
    }

private:
    sim_disk& disk_;
    const std::string path_;
    const std::uint64_t generation_;
};

// --- the badness ----------------------------------------------------------------------------------

bool sim_disk::strikes(fault& how) {
    const std::uint64_t call = calls_++;
    how = strike_how_;
    return strike_how_ == fault::power_off ? call >= strike_at_ : call == strike_at_;
}

void sim_disk::put(std::string& content, std::uint64_t offset, std::string_view bytes) {
    if (content.size() < offset + bytes.size()) {
        content.resize(static_cast<std::size_t>(offset) + bytes.size(), '\0');
    }
    content.replace(static_cast<std::size_t>(offset), bytes.size(), bytes);
}

result<void> sim_disk::write(node& to, std::uint64_t offset, std::string_view bytes) {
    complete(to);
    fault how{};
    const bool struck = strikes(how);
    if (struck && random_() % 3 != 0) {
        bytes = bytes.substr(0, random_() % (bytes.size() + 1)); // some of it, else all
    }
    const bool zeros = bytes.find_first_not_of('\0') == std::string_view::npos;
    const bool within = offset + bytes.size() <= to.now.size();
    if (omitted_ != omission::zeroing || !zeros || !within) {
        put(to.now, offset, bytes);
        to.unsynced.push_back({offset, std::string{bytes}});
    }
    return struck ? result<void>{as_error(how)} : result<void>{};
}

//! A direct write that is on its way: some of its sectors are there, and reads see these.
result<void> sim_disk::begin(node& to, std::uint64_t offset, std::string_view bytes) {
    if (calls_ >= strike_at_) {
        return write(to, offset, bytes);
    }
    complete(to);
    ++calls_;
    for (std::size_t at = 0; at < bytes.size(); at += sector) {
        if (random_() % 2 == 0) {
            put(to.now, offset + at, bytes.substr(at, sector));
        }
    }
    to.unsynced.push_back({offset, std::string{bytes}});
    to.begun.push_back(to.unsynced.back());
    return {};
}

void sim_disk::complete(node& of) {
    for (const unsynced_write& write : of.begun) {
        put(of.now, write.offset, write.bytes);
    }
    of.begun.clear();
}

result<void> sim_disk::sync(node& of) {
    fault how{};
    if (strikes(how)) {
        if (how != fault::power_off) {
            settle(of, random_); // and the rest is forgotten although reads still show it
            for (const unsynced_write& write : of.begun) { // except what went past the page cache
                const auto at = static_cast<std::size_t>(write.offset);
                of.durable.resize(std::max(of.durable.size(), at + write.bytes.size()), '\0');
                put(of.now, write.offset,
                    std::string_view{of.durable}.substr(at, write.bytes.size()));
            }
            of.begun.clear();
        }
        return lost("syncing failed");
    }
    complete(of);
    if (omitted_ != omission::file_sync) {
        // Only what was written since the last sync: what a failed one lost stays lost.
        for (const unsynced_write& write : of.unsynced) {
            put(of.durable, write.offset, write.bytes);
        }
        of.unsynced.clear();
    }
    return {};
}

//! Each sector keeps some prefix of the writes that touched it.
void sim_disk::settle(node& of, std::mt19937_64& random) {
    std::map<std::uint64_t, std::vector<const unsynced_write*>> touched;
    for (const unsynced_write& write : of.unsynced) {
        for (std::uint64_t at = write.offset / sector;
             at * sector < write.offset + write.bytes.size(); ++at) {
            touched[at].push_back(&write);
        }
    }
    // The first writes only (none, some or all of them), or a mixture sector by sector.
    const bool mixed = random() % 2 == 0;
    const std::size_t first_writes = random() % (of.unsynced.size() + 1);
    for (const auto& [number, writes] : touched) {
        const auto in_time = [&](const unsynced_write* write) {
            return static_cast<std::size_t>(write - of.unsynced.data()) < first_writes;
        };
        const std::size_t kept = mixed ? random() % (writes.size() + 1)
                                       : static_cast<std::size_t>(
                                             std::count_if(writes.begin(), writes.end(), in_time));
        for (std::size_t i = 0; i < kept; ++i) {
            const std::uint64_t begin = std::max(writes[i]->offset, number * sector);
            const std::uint64_t end = std::min(writes[i]->offset + writes[i]->bytes.size(),
                                               (number + 1) * sector);
            put(of.durable, begin,
                std::string_view{writes[i]->bytes}.substr(
                    static_cast<std::size_t>(begin - writes[i]->offset),
                    static_cast<std::size_t>(end - begin)));
        }
    }
    of.unsynced.clear();
}

void sim_disk::crash(std::uint64_t seed) {
    const std::lock_guard lock{mutex_};
    std::mt19937_64 random{seed};
    std::set<std::string> all;
    for (const names* const each : {&now_, &durable_}) {
        for (const auto& [name, held] : *each) {
            all.insert(name);
        }
    }
    names after;
    for (const std::string& name : all) {
        const auto now = now_.find(name);
        const auto durable = durable_.find(name);
        const bool same = now != now_.end() && durable != durable_.end() &&
                          now->second == durable->second;
        const bool keep_now = same || random() % 2 == 0;
        const auto& from = keep_now ? now : durable;
        if (from != (keep_now ? now_.end() : durable_.end())) {
            after[name] = from->second;
        }
    }
    std::set<node*> settled;
    for (const auto& [name, held] : after) {
        if (settled.insert(held.get()).second) {
            settle(*held, random);
            held->now = held->durable;
            held->begun.clear();
        }
    }
    now_ = after;
    durable_ = std::move(after);
    locks_.clear();
    names_changed_ = false;
    ++generation_;
    strike_at_ = ~std::uint64_t{0};
}

void sim_disk::restart() {
    const std::lock_guard lock{mutex_};
    for (const auto& [name, held] : now_) {
        complete(*held); // the kernel sees to it
    }
    locks_.clear();
    names_changed_ = false;
    ++generation_;
}

void sim_disk::fail_call(std::uint64_t nth, fault how) {
    const std::lock_guard lock{mutex_};
    strike_at_ = calls_ + nth;
    strike_how_ = how;
}

void sim_disk::heal() {
    const std::lock_guard lock{mutex_};
    strike_at_ = ~std::uint64_t{0};
}

std::uint64_t sim_disk::calls() const {
    const std::lock_guard lock{mutex_};
    return calls_;
}

void sim_disk::plant(omission what) {
    const std::lock_guard lock{mutex_};
    omitted_ = what;
}

// --- behind everybody's back ------------------------------------------------------------------------

std::string sim_disk::content(const std::string& path) const {
    const std::lock_guard lock{mutex_};
    const auto found = now_.find(path);
    return found == now_.end() ? std::string{} : found->second->now;
}

void sim_disk::put_content(const std::string& path, std::string bytes) {
    const std::lock_guard lock{mutex_};
    auto fresh = std::make_shared<node>();
    fresh->now = bytes;
    fresh->durable = std::move(bytes);
    now_[path] = fresh;
    durable_[path] = fresh;
}

void sim_disk::take_away(const std::string& path) {
    const std::lock_guard lock{mutex_};
    now_.erase(path);
    durable_.erase(path);
}

bool sim_disk::has(const std::string& path) const {
    const std::lock_guard lock{mutex_};
    return now_.contains(path);
}

std::map<std::string, std::string> sim_disk::all() const {
    const std::lock_guard lock{mutex_};
    std::map<std::string, std::string> out;
    for (const auto& [name, held] : now_) {
        out[name] = held->now;
    }
    return out;
}

// --- the door -------------------------------------------------------------------------------------

result<std::unique_ptr<file>> sim_disk::open(const std::string& path, file_mode mode) {
    const std::lock_guard lock{mutex_};
    fault how{};
    if (strikes(how)) {
        return as_error(how);
    }
    auto found = now_.find(path);
    if (mode == file_mode::create) {
        found = now_.insert_or_assign(path, std::make_shared<node>()).first;
        names_changed_ = true;
    } else if (found == now_.end()) {
        return lost(path + " does not exist");
    }
    return std::unique_ptr<file>{std::make_unique<sim_file>(*this, found->second)};
}

result<void> sim_disk::rename(const std::string& from, const std::string& to) {
    const std::lock_guard lock{mutex_};
    fault how{};
    const bool struck = strikes(how);
    const auto found = now_.find(from);
    if (found == now_.end()) {
        return lost(from + " does not exist");
    }
    if (!struck || random_() % 2 == 0) { // a failed one may have happened all the same
        now_[to] = found->second;
        now_.erase(from);
        names_changed_ = true;
    }
    return struck ? result<void>{as_error(how)} : result<void>{};
}

result<void> sim_disk::remove(const std::string& path) {
    const std::lock_guard lock{mutex_};
    fault how{};
    if (strikes(how)) {
        return as_error(how);
    }
    now_.erase(path);
    return {};
}

result<void> sim_disk::make_directory(const std::string&) {
    const std::lock_guard lock{mutex_};
    fault how{};
    return strikes(how) ? result<void>{as_error(how)} : result<void>{};
}

result<std::vector<std::string>> sim_disk::list(const std::string& directory) {
    const std::lock_guard lock{mutex_};
    fault how{};
    if (strikes(how)) {
        return as_error(how);
    }
    std::vector<std::string> out;
    for (const auto& [name, held] : now_) {
        if (folder_of(name) == directory) {
            out.push_back(name.substr(directory.size() + 1));
        }
    }
    return out;
}

result<void> sim_disk::sync_directory(const std::string& path) {
    const std::lock_guard lock{mutex_};
    fault how{};
    if (strikes(how)) {
        return lost("syncing the folder failed");
    }
    if (omitted_ == omission::directory_sync ||
        (omitted_ == omission::directory_sync_at_start && !names_changed_)) {
        return {};
    }
    std::erase_if(durable_, [&](const auto& each) { return folder_of(each.first) == path; });
    for (const auto& [name, held] : now_) {
        if (folder_of(name) == path) {
            durable_[name] = held;
        }
    }
    return {};
}

result<std::unique_ptr<file_lock>> sim_disk::lock(const std::string& path) {
    const std::lock_guard guard{mutex_};
    fault how{};
    if (strikes(how)) {
        return as_error(how);
    }
    if (!locks_.insert(path).second) {
        return error{error_code::store_locked, "Simulated: locked."};
    }
    return std::unique_ptr<file_lock>{std::make_unique<sim_lock>(*this, path)};
}

} // namespace fasti::sim
