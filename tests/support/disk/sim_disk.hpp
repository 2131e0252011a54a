// SPDX-License-Identifier: Apache-2.0
//! A disk in memory that behaves as badly as real ones may: sectors and names that were not synced
//! survive a crash in any mixture, writes tear, and any call can fail. Everything follows from seeds.
#pragma once

#include "eventstore/segments/files.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::sim {

enum class fault : std::uint8_t {
    io_error,  //!< fails; a failed sync forgets what it should have written
    full,      //!< fails for lack of room after some of the bytes
    power_off, //!< this and every later call fails, until crash()
};

//! What a careless program would leave out; planted to show that tests notice.
enum class omission : std::uint8_t {
    nothing,
    file_sync,
    directory_sync,
    directory_sync_at_start, //!< before the process has made or renamed anything itself
    zeroing
};

class sim_disk final : public files {
public:
    //! Calls fail from the n-th from now (0: the next); `power_off` for ever, the others once.
    void fail_call(std::uint64_t nth, fault how);
    void heal();
    std::uint64_t calls() const;
    void plant(omission what);

    //! The power goes: what was not synced survives by chance. Open files and locks are gone.
    void crash(std::uint64_t seed);
    //! The process ends, the machine does not: the page cache stays.
    void restart();

    std::string content(const std::string& path) const;
    void put_content(const std::string& path, std::string bytes); //!< behind everybody's back
    void take_away(const std::string& path);
    bool has(const std::string& path) const;
    std::map<std::string, std::string> all() const;

    result<std::unique_ptr<file>> open(const std::string& path, file_mode mode) override;
    result<void> rename(const std::string& from, const std::string& to) override;
    result<void> remove(const std::string& path) override;
    result<void> make_directory(const std::string& path) override;
    result<std::vector<std::string>> list(const std::string& directory) override;
    result<void> sync_directory(const std::string& path) override;
    result<std::unique_ptr<file_lock>> lock(const std::string& path) override;

private:
    friend class sim_file;
    friend class sim_lock;

    struct unsynced_write {
        std::uint64_t offset;
        std::string bytes;
    };
    struct node {
        std::string now;     // what reads see
        std::string durable; // what a crash certainly keeps
        std::vector<unsynced_write> unsynced;
        std::vector<unsynced_write> begun; // of unsynced: of whose sectors reads see any
    };
    using names = std::map<std::string, std::shared_ptr<node>>;

    //! Counts a call; the fault it must show, if any.
    bool strikes(fault& how);
    static void put(std::string& content, std::uint64_t offset, std::string_view bytes);
    static void settle(node& of, std::mt19937_64& random);
    result<void> write(node& to, std::uint64_t offset, std::string_view bytes);
    result<void> begin(node& to, std::uint64_t offset, std::string_view bytes);
    //! From here on reads see all that was begun.
    static void complete(node& of);
    result<void> sync(node& of);

    mutable std::mutex mutex_;
    names now_;
    names durable_;
    std::set<std::string> locks_;
    std::uint64_t generation_ = 0;
    bool names_changed_ = false; // since the process began
    std::uint64_t calls_ = 0;
    std::uint64_t strike_at_ = ~std::uint64_t{0};
    fault strike_how_ = fault::io_error;
    omission omitted_ = omission::nothing;
    std::mt19937_64 random_{1};
};

} // namespace fasti::sim
