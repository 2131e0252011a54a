// SPDX-License-Identifier: Apache-2.0
// fasti_raw_limits: what this machine's disk allows, without any store: appending records to a zero-filled file
// with one sync a batch, and reading a file from start to end. One line of JSON for each measurement.
#include "tests/bench/histogram.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>

namespace fasti::bench {
namespace {

std::uint64_t now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(time.tv_nsec);
}

class zero_filled_file {
public:
    zero_filled_file(const std::string& folder, std::size_t bytes)
        : path_(folder + "/raw_limits.bin"), bytes_(bytes) {
        file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        const std::string zeros(1U << 20U, '\0');
        for (std::size_t at = 0; at < bytes_; at += zeros.size()) {
            write(zeros, at);
        }
        if (::fsync(file_) != 0) {
            fail("fsync");
        }
    }
    ~zero_filled_file() {
        ::close(file_);
        ::unlink(path_.c_str());
    }
    zero_filled_file(const zero_filled_file&) = delete;
    zero_filled_file& operator=(const zero_filled_file&) = delete;

    void write(const std::string& data, std::size_t at) const {
        for (std::size_t done = 0; done < data.size();) {
            const ssize_t wrote = ::pwrite(file_, data.data() + done, data.size() - done,
                                           static_cast<off_t>(at + done));
            if (wrote <= 0) {
                fail("pwrite");
            }
            done += static_cast<std::size_t>(wrote);
        }
    }
    void sync() const {
        if (::fdatasync(file_) != 0) {
            fail("fdatasync");
        }
    }
    [[nodiscard]] std::size_t read(std::string& into, std::size_t at) const {
        const ssize_t got = ::pread(file_, into.data(), into.size(), static_cast<off_t>(at));
        if (got < 0) {
            fail("pread");
        }
        return static_cast<std::size_t>(got);
    }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

private:
    [[noreturn]] void fail(const char* what) const {
        throw std::runtime_error(std::string(what) + " " + path_ + ": " + std::strerror(errno));
    }

    std::string path_;
    std::size_t bytes_;
    int file_ = -1;
};

void append(const zero_filled_file& file, std::size_t batch, std::size_t record, double seconds) {
    const std::string data(batch * record, 'R');
    histogram latency;
    std::size_t at = 0;
    const std::uint64_t start = now();
    const std::uint64_t end = start + static_cast<std::uint64_t>(seconds * 1e9);
    std::uint64_t time = start;
    while (time < end) {
        if (at + data.size() > file.bytes()) {
            at = 0;
        }
        file.write(data, at);
        file.sync();
        at += data.size();
        const std::uint64_t done = now();
        latency.note(done - time);
        time = done;
    }
    const double took = static_cast<double>(time - start) / 1e9;
    std::printf(
        "{\"bench\": \"raw_append\", \"batch\": %zu, \"record_bytes\": %zu, \"per_s\": %.1f, \"p50_us\": %.1f, "
        "\"p99_us\": %.1f}\n",
        batch, record, static_cast<double>(latency.count() * batch) / took,
        static_cast<double>(latency.at(0.5)) / 1e3, static_cast<double>(latency.at(0.99)) / 1e3);
}

// From the page cache, into one buffer, as a reader of the log does it.
void read_all(const zero_filled_file& file, std::size_t record, double seconds) {
    std::string buffer(1U << 20U, '\0');
    std::uint64_t total = 0;
    const std::uint64_t start = now();
    const std::uint64_t end = start + static_cast<std::uint64_t>(seconds * 1e9);
    std::uint64_t time = start;
    for (std::size_t at = 0; time < end; time = now()) {
        const std::size_t got = file.read(buffer, at);
        total += got;
        at = got < buffer.size() ? 0 : at + got;
    }
    const double took = static_cast<double>(time - start) / 1e9;
    std::printf(
        "{\"bench\": \"raw_read\", \"record_bytes\": %zu, \"per_s\": %.1f, \"bytes_per_s\": %.0f}\n",
        record, static_cast<double>(total / record) / took, static_cast<double>(total) / took);
}

} // namespace
} // namespace fasti::bench

int main(int count, char** words) {
    if (count != 6 ||
        (std::strcmp(words[1], "append") != 0 && std::strcmp(words[1], "read") != 0)) {
        std::fprintf(stderr,
                     "Usage: fasti_raw_limits append|read FOLDER BATCH RECORD_BYTES SECONDS\n");
        return 2;
    }
    try {
        const bool appends = std::strcmp(words[1], "append") == 0;
        const std::size_t batch = std::strtoull(words[3], nullptr, 10);
        const std::size_t record = std::strtoull(words[4], nullptr, 10);
        const double seconds = std::strtod(words[5], nullptr);
        if (batch == 0 || record == 0 || batch * record > (64U << 20U) ||
            !(seconds > 0 && seconds <= 60)) {
            throw std::runtime_error("a number is out of range");
        }
        const fasti::bench::zero_filled_file file(words[2], appends ? 256U << 20U : 128U << 20U);
        if (appends) {
            fasti::bench::append(file, batch, record, seconds);
        } else {
            fasti::bench::read_all(file, record, seconds);
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fasti_raw_limits: %s\n", error.what());
        return 1;
    }
}
