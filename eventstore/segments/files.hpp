// SPDX-License-Identifier: Apache-2.0
//! The door to the disk: everything the log asks of files, so that tests can own the disk.
//! Errors of all calls: store_full (no room; some of the bytes may be there), store_locked,
//! store_unavailable (anything else; the message says what the system said, of a failed read also
//! the file and the byte).
//! Thread: one file may be read on any thread beside one writer of other bytes.
#pragma once

#include "domain/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

inline constexpr std::size_t sector_bytes = 512; //!< written whole or not at all, at a multiple of it

class file {
public:
    file() = default;
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    virtual ~file() = default;

    //! Reads up to `size` bytes; fewer only where the file ends. Returns how many.
    virtual result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) = 0;
    //! Writes all of the bytes or fails, perhaps after some of them.
    virtual result<void> write_at(std::uint64_t offset, std::string_view bytes) = 0;
    //! Begins to write whole sectors (offset and size are multiples of sector_bytes) over bytes that are
    //! there, and may return before the disk took them: sync() follows, and until it returned a read
    //! gives the old or the new bytes of each sector. Errors: as write_at(); what only the disk knows may
    //! come from sync() instead, store_full among it, as store_unavailable. Thread: the one that syncs.
    virtual result<void> begin_write(std::uint64_t offset, std::string_view bytes) {
        return write_at(offset, bytes);
    }
    //! Writes zeros (whole sectors) and waits until the disk took them; only a sync makes them last.
    virtual result<void> write_zeros(std::uint64_t offset, std::size_t size) {
        return write_at(offset, std::string(size, '\0'));
    }
    //! Returns once every byte written before is on stable storage. Errors: store_unavailable.
    virtual result<void> sync() = 0;
    virtual result<std::uint64_t> size() = 0;
};

//! Held until destroyed (or until the process ends).
class file_lock {
public:
    file_lock() = default;
    file_lock(const file_lock&) = delete;
    file_lock& operator=(const file_lock&) = delete;
    virtual ~file_lock() = default;
};

enum class file_mode : std::uint8_t {
    read,   //!< must exist
    write,  //!< read and write, must exist
    create, //!< read and write, made empty; whatever was there is gone
};

class files {
public:
    files() = default;
    files(const files&) = delete;
    files& operator=(const files&) = delete;
    virtual ~files() = default;

    virtual result<std::unique_ptr<file>> open(const std::string& path, file_mode mode) = 0;
    //! Takes the place of what `to` names. Durable after sync_directory().
    virtual result<void> rename(const std::string& from, const std::string& to) = 0;
    virtual result<void> remove(const std::string& path) = 0;
    //! Makes one folder, readable by its owner only; fine when it is there already.
    virtual result<void> make_directory(const std::string& path) = 0;
    //! Names (without the folder) of the files in it, sorted; empty when there is no such folder.
    virtual result<std::vector<std::string>> list(const std::string& directory) = 0;
    //! Makes new, renamed and removed names of a folder durable.
    virtual result<void> sync_directory(const std::string& path) = 0;
    //! Makes the file if need be and locks it against other processes. Errors: store_locked.
    virtual result<std::unique_ptr<file_lock>> lock(const std::string& path) = 0;
};

} // namespace fasti
