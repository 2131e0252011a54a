// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/posix_files.hpp"

#include "domain/base/check.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <utility>

namespace fasti {
namespace {

constexpr mode_t owner_file = 0600;
constexpr mode_t owner_folder = 0700;
constexpr std::size_t early_bytes_min = 16U * 1024U; // less is not worth a call of its own

error failed(std::string_view what, const std::string& path, int number) {
    const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
    return {full ? error_code::store_full : error_code::store_unavailable,
            std::string{what} + " " + path + " failed: " + std::strerror(number) + "."};
}

//! Closes on destruction. An error of close() after a successful sync says nothing.
class descriptor {
public:
    explicit descriptor(int number) : number_(number) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    int number() const noexcept { return number_; }

private:
    const int number_;
};

//! The process that locked a file wrote its number there, for people only: nothing rests on it, so a
//! disk that takes no more bytes is no fault.
void note_holder(int number) {
    const std::string text = std::to_string(::getpid()) + "\n";
    if (::ftruncate(number, 0) == 0) {
        [[maybe_unused]] const ssize_t written = ::pwrite(number, text.data(), text.size(), 0);
    }
}

void forget_holder(int number) { [[maybe_unused]] const int done = ::ftruncate(number, 0); }

//! A killed holder leaves its number behind, and the next one may not have written its own yet: only
//! a process that there is gets named.
std::string holder_of(int number) {
    std::array<char, 24> text{};
    const ssize_t got = ::pread(number, text.data(), text.size(), 0);
    const std::string_view read{text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
    const std::string_view digits = read.substr(0, read.find('\n'));
    const bool is_number = !digits.empty() && digits.size() < read.size() &&
                           digits.find_first_not_of("0123456789") == std::string_view::npos;
    pid_t holder = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), holder);
    const bool is_there = is_number && holder > 0 && (::kill(holder, 0) == 0 || errno == EPERM);
    return is_there ? "Process " + std::string{digits} : "Another process";
}

int open_again(const std::string& path, int flags) {
    for (;;) {
        const int number = ::open(path.c_str(), flags | O_CLOEXEC, owner_file);
        if (number >= 0 || errno != EINTR) {
            return number;
        }
    }
}

class posix_file final : public file {
public:
    posix_file(int number, std::string path, file_mode mode, std::shared_ptr<write_queue> queue)
        : handle_(number),
          path_(std::move(path)),
          queue_(std::move(queue)),
          asked_direct_(mode == file_mode::read) {}

    result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) override {
        std::size_t done = 0;
        while (done < size) {
            const ssize_t got = ::pread(handle_.number(), out + done, size - done,
                                        static_cast<off_t>(offset + done));
            if (got == 0) {
                break;
            }
            if (got < 0) {
                if (errno == EINTR) {
                    continue;
                }
                return error{error_code::store_unavailable,
                             "Reading " + path_ + " at byte " + std::to_string(offset + done) +
                                 " failed: " + std::strerror(errno) + "."};
            }
            done += static_cast<std::size_t>(got);
        }
        return done;
    }

    result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
        if (auto ended = end_direct(); !ended.ok()) {
            return ended;
        }
        while (!bytes.empty()) {
            const ssize_t put = ::pwrite(handle_.number(), bytes.data(), bytes.size(),
                                         static_cast<off_t>(offset));
            if (put < 0) {
                if (errno == EINTR) {
                    continue;
                }
                return failed("Writing", path_, errno);
            }
            bytes.remove_prefix(static_cast<std::size_t>(put));
            offset += static_cast<std::uint64_t>(put);
        }
        return {};
    }

    result<void> begin_write(std::uint64_t offset, std::string_view bytes) override {
        check(offset % sector_bytes == 0 && bytes.size() % sector_bytes == 0, "whole sectors");
        if (direct_writer* const direct = direct_or_none()) {
            const int why = direct->begin(offset, bytes);
            return why == 0 ? result<void>{} : failed("Writing", path_, why);
        }
        auto written = write_at(offset, bytes);
        if (written.ok() && bytes.size() >= early_bytes_min) {
            // Begins while the caller still computes; its errors come back at the sync.
            static_cast<void>(::sync_file_range(handle_.number(), static_cast<off_t>(offset),
                                                static_cast<off_t>(bytes.size()),
                                                SYNC_FILE_RANGE_WRITE));
        }
        return written;
    }

    result<void> write_zeros(std::uint64_t offset, std::size_t size) override {
        check(offset % sector_bytes == 0 && size % sector_bytes == 0, "whole sectors");
        if (direct_writer* const direct = direct_or_none()) {
            const int why = direct->write_zeros(offset, size);
            return why == 0 ? result<void>{} : failed("Writing", path_, why);
        }
        auto written = write_at(offset, std::string(size, '\0'));
        if (written.ok()) {
            static_cast<void>(::sync_file_range(
                handle_.number(), static_cast<off_t>(offset), static_cast<off_t>(size),
                SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
        }
        return written;
    }

    result<void> sync() override {
        if (const int why = direct_ ? direct_->finish() : 0; why != 0) {
            return error{error_code::store_unavailable,
                         "Writing " + path_ + " failed: " + std::strerror(why) + "."};
        }
        if (::fdatasync(handle_.number()) != 0) {
            // Never repeated: after a failure the kernel forgets what it could not write.
            return error{error_code::store_unavailable,
                         "Syncing " + path_ + " failed: " + std::strerror(errno) + "."};
        }
        return {};
    }

    result<std::uint64_t> size() override {
        struct stat about {};
        if (::fstat(handle_.number(), &about) != 0) {
            return failed("Looking at", path_, errno);
        }
        return static_cast<std::uint64_t>(about.st_size);
    }

private:
    //! Made when first asked for, once.
    direct_writer* direct_or_none() {
        if (!std::exchange(asked_direct_, true)) {
            direct_ = direct_writer::make(handle_.number(), sector_bytes, queue_);
        }
        return direct_.get();
    }
    //! A file whose footer is written gets no more frames: what they took is given back.
    result<void> end_direct() {
        if (!direct_) {
            return {};
        }
        const int why = direct_->finish();
        direct_.reset();
        asked_direct_ = false;
        return why == 0 ? result<void>{} : failed("Writing", path_, why);
    }

    const descriptor handle_;
    const std::string path_;
    const std::shared_ptr<write_queue> queue_;
    std::unique_ptr<direct_writer> direct_;
    bool asked_direct_;
};

class posix_lock final : public file_lock {
public:
    explicit posix_lock(int number) : handle_(number) { note_holder(number); }
    ~posix_lock() override { forget_holder(handle_.number()); } // while it is still locked

private:
    const descriptor handle_;
};

} // namespace

result<std::unique_ptr<file>> posix_files::open(const std::string& path, file_mode mode) {
    const int flags = mode == file_mode::read    ? O_RDONLY
                      : mode == file_mode::write ? O_RDWR
                                                 : O_RDWR | O_CREAT | O_TRUNC;
    const int number = open_again(path, flags);
    if (number < 0) {
        return failed("Opening", path, errno);
    }
    if (mode == file_mode::write) {
        // What is read now is what the disk has: a direct write that failed may have left older pages.
        static_cast<void>(::posix_fadvise(number, 0, 0, POSIX_FADV_DONTNEED));
    }
    return std::unique_ptr<file>{std::make_unique<posix_file>(number, path, mode, queue_)};
}

result<void> posix_files::rename(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) {
        return failed("Renaming", from, errno);
    }
    return {};
}

result<void> posix_files::remove(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        return failed("Removing", path, errno);
    }
    return {};
}

result<void> posix_files::make_directory(const std::string& path) {
    if (::mkdir(path.c_str(), owner_folder) != 0 && errno != EEXIST) {
        return failed("Making the folder", path, errno);
    }
    return {};
}

result<std::vector<std::string>> posix_files::list(const std::string& directory) {
    std::vector<std::string> names;
    DIR* const open_directory = ::opendir(directory.c_str());
    if (open_directory == nullptr) {
        if (errno == ENOENT) {
            return names;
        }
        return failed("Listing", directory, errno);
    }
    errno = 0;
    while (const dirent* const entry = ::readdir(open_directory)) { // NOLINT(concurrency-mt-unsafe)
        const std::string_view name{entry->d_name};
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    const int number = errno;
    ::closedir(open_directory);
    if (number != 0) {
        return failed("Listing", directory, number);
    }
    std::sort(names.begin(), names.end());
    return names;
}

result<void> posix_files::sync_directory(const std::string& path) {
    const descriptor folder{open_again(path, O_RDONLY | O_DIRECTORY)};
    if (folder.number() < 0) {
        return failed("Opening the folder", path, errno);
    }
    if (::fsync(folder.number()) != 0) {
        return error{error_code::store_unavailable,
                     "Syncing the folder " + path + " failed: " + std::strerror(errno) + "."};
    }
    return {};
}

result<std::unique_ptr<file_lock>> posix_files::lock(const std::string& path) {
    const int number = open_again(path, O_RDWR | O_CREAT);
    if (number < 0) {
        return failed("Opening", path, errno);
    }
    if (::flock(number, LOCK_EX | LOCK_NB) == 0) {
        return std::unique_ptr<file_lock>{std::make_unique<posix_lock>(number)};
    }
    const int why = errno;
    const descriptor theirs{number};
    if (why == EWOULDBLOCK) {
        return error{error_code::store_locked,
                     holder_of(number) + " has " + path +
                         " locked: one data folder serves one process at a time."};
    }
    return failed("Locking", path, why);
}

} // namespace fasti
