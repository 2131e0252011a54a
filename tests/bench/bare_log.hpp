// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

//! The log of fasti_bare_server: a zero-filled file and a thread that appends what was gathered, one sync each.
namespace fasti::bench {

[[noreturn]] inline void end(const char* what) {
    std::fprintf(stderr, "fasti_bare_server: %s: %s\n", what, std::strerror(errno));
    std::_Exit(1);
}

struct job {
    std::size_t connection;
    std::uint64_t generation; // of the connection: an answer never goes to its successor
    std::uint64_t position;
    std::int64_t recorded_us; // 0 when nobody follows
};

struct batch {
    std::string bytes;
    std::vector<job> jobs;
    void clear() {
        bytes.clear();
        jobs.clear();
    }
};

class log_writer {
public:
    log_writer(const std::string& path, std::size_t file_bytes, std::size_t frame_bytes)
        : size_(file_bytes),
          frame_bytes_(frame_bytes),
          wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        const std::string zeros(1U << 20U, '\0');
        for (std::size_t at = 0; file_ >= 0 && at < size_; at += zeros.size()) {
            if (::pwrite(file_, zeros.data(), zeros.size(), static_cast<off_t>(at)) < 0) {
                end("cannot fill the log");
            }
        }
        if (file_ < 0 || ::fsync(file_) != 0) {
            end("cannot make the log");
        }
        thread_ = std::thread([this] { run(); });
    }

    // Takes over what one round of the event loop gathered; `gathered` is empty afterwards.
    void submit(batch& gathered) {
        const std::lock_guard lock(mutex_);
        if (open_.jobs.empty()) {
            std::swap(open_, gathered);
        } else {
            open_.bytes += gathered.bytes;
            open_.jobs.insert(open_.jobs.end(), gathered.jobs.begin(), gathered.jobs.end());
        }
        gathered.clear();
        if (waiting_) {
            changed_.notify_one();
        }
    }
    void take_durable(std::vector<job>& into) {
        const std::lock_guard lock(mutex_);
        std::swap(durable_, into);
    }
    [[nodiscard]] int wake() const { return wake_; }

private:
    void run() {
        batch current;
        while (true) {
            {
                std::unique_lock lock(mutex_);
                while (open_.jobs.empty()) {
                    waiting_ = true;
                    changed_.wait(lock);
                }
                waiting_ = false;
                std::swap(current, open_);
            }
            write(current.bytes);
            {
                const std::lock_guard lock(mutex_);
                durable_.insert(durable_.end(), current.jobs.begin(), current.jobs.end());
            }
            current.clear();
            const std::uint64_t one = 1;
            if (::write(wake_, &one, sizeof one) < 0) {
                end("cannot wake the event loop");
            }
        }
    }

    void write(std::string& records) {
        const std::size_t whole = records.size() + frame_bytes_;
        records.resize((whole + (sector_bytes - 1)) / sector_bytes * sector_bytes, 'F');
        if (at_ + records.size() >
            size_) { // overwrites its own beginning: still no change of metadata
            at_ = 0;
        }
        for (std::size_t done = 0; done < records.size();) {
            const ssize_t wrote = ::pwrite(file_, records.data() + done, records.size() - done,
                                           static_cast<off_t>(at_ + done));
            if (wrote <= 0) {
                end("cannot write the log");
            }
            done += static_cast<std::size_t>(wrote);
        }
        if (::fdatasync(file_) != 0) {
            end("cannot sync the log");
        }
        at_ += records.size();
    }

    static constexpr std::size_t sector_bytes = 512; // as in our log, a frame fills whole sectors

    std::size_t size_;
    std::size_t frame_bytes_;
    std::size_t at_ = 0;
    int file_ = -1;
    int wake_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool waiting_ = false;
    batch open_;
    std::vector<job> durable_;
    std::thread thread_; // lives as long as the process
};

} // namespace fasti::bench
