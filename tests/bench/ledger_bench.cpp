// SPDX-License-Identifier: Apache-2.0
// How fast the embedded log takes and gives events in process, to be set beside fasti_raw_limits, which writes
// and reads records of the same size without any log. One line of JSON for each measurement.
#include "eventstore/port/record.hpp"
#include "eventstore/segments/posix_files.hpp"
#include "eventstore/segments/segment_ledger.hpp"
#include "tests/bench/histogram.hpp"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace fasti; // NOLINT: one program

constexpr std::uint64_t streams = 100'000;

std::uint64_t now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(time.tv_nsec);
}

//! What all threads of this program used, and what the kernel did for them: hardly moved by neighbours.
double cpu_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

template <class Result>
void must(const Result& done, const char* what) {
    if (!done.ok()) {
        throw std::runtime_error(std::string(what) + ": " + done.error().message);
    }
}

//! The drafts of one batch; only the streams, their versions and the times differ between batches.
class made_events {
public:
    made_events(std::size_t batch, std::size_t record_bytes) : drafts_(batch) {
        for (std::uint64_t stream = 0; stream < streams; ++stream) {
            names_.push_back("instance/svc-" + std::to_string(stream % 100) + "/node-" +
                             std::to_string(10'000'000 + stream));
        }
        event_draft least = draft();
        std::string bytes;
        const std::size_t envelope = encode_record(least, 1'000'000, bytes);
        data_.assign(record_bytes > envelope + 8 ? record_bytes - envelope - 3 : 8, 'd');
        // The length of the length: found by trying.
        for (int i = 0; i < 4 && data_.size() > 8; ++i) {
            bytes.clear();
            least.data = data_;
            const std::size_t size = encode_record(least, 1'000'000, bytes);
            if (size > record_bytes) {
                data_.resize(data_.size() - (size - record_bytes));
            }
        }
    }

    append_batch next() {
        for (event_draft& each : drafts_) {
            each = draft();
            each.data = data_;
            ++number_;
        }
        return {drafts_, {}, {}};
    }

private:
    event_draft draft() {
        event_draft made;
        made.stream = names_[number_ * 1'000'003U % streams];
        made.stream_version = number_ / streams + 1;
        made.type = "instance_registered";
        for (unsigned i = 0; i < 8; ++i) {
            made.command.bytes[i] = static_cast<std::uint8_t>(number_ >> (8 * i));
        }
        made.recorded = instant{1'700'000'000'000'000 + static_cast<std::int64_t>(number_)};
        made.actor = "token/0123456789abcdef";
        return made;
    }

    std::vector<std::string> names_; // made before the clock runs: they are not the log's work
    std::vector<event_draft> drafts_;
    std::string data_;
    std::uint64_t number_ = 0;
};

//! A log in a folder of its own with the second thread that prepares segments and merges indexes.
class open_log {
public:
    explicit open_log(const std::string& folder) : path_(folder + "/ledger_bench") {
        std::filesystem::remove_all(path_);
        segment_options options;
        options.path = path_;
        options.fresh_log_id.bytes[0] = 1;
        options.fresh_epoch = 1;
        auto opened = open_segments(disk_, options);
        must(opened, "open");
        log_ = std::move(opened).value();
        must(log_->prepare_next(), "prepare");
        helper_ = std::thread([this] { help(); });
    }
    ~open_log() {
        ending_ = true;
        helper_.join();
        log_.reset();
        std::filesystem::remove_all(path_);
    }
    open_log(const open_log&) = delete;
    open_log& operator=(const open_log&) = delete;

    segment_ledger& log() { return *log_; }

private:
    void help() {
        while (!ending_) {
            if (log_->wants_next()) {
                must(log_->prepare_next(), "prepare");
            }
            auto more = log_->maintain();
            must(more, "maintain");
            if (!more.value()) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        }
    }

    std::string path_;
    posix_files disk_;
    std::unique_ptr<segment_ledger> log_;
    std::atomic<bool> ending_{false};
    std::thread helper_;
};

void append(const std::string& folder, std::size_t batch, std::size_t record_bytes,
            double seconds) {
    open_log opened(folder);
    made_events events(batch, record_bytes);
    bench::histogram latency;
    const double cpu = cpu_seconds();
    const std::uint64_t start = now();
    const std::uint64_t end = start + static_cast<std::uint64_t>(seconds * 1e9);
    std::uint64_t time = start;
    std::uint64_t bytes = 0;
    while (time < end) {
        const auto done = opened.log().append(events.next());
        must(done, "append");
        bytes += done.value()->bytes.size();
        const std::uint64_t after = now();
        latency.note(after - time);
        time = after;
    }
    const double took = static_cast<double>(time - start) / 1e9;
    const double used = cpu_seconds() - cpu;
    const auto count = static_cast<double>(latency.count() * batch);
    std::printf("{\"bench\": \"ledger_append\", \"batch\": %zu, \"record_bytes\": %.1f, "
                "\"per_s\": %.1f, \"cpu_us\": %.4f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
                batch, static_cast<double>(bytes) / count, count / took, used * 1e6 / count,
                static_cast<double>(latency.at(0.5)) / 1e3,
                static_cast<double>(latency.at(0.99)) / 1e3);
}

void read_all(const std::string& folder, std::size_t record_bytes, double seconds) {
    open_log opened(folder);
    made_events events(1000, record_bytes);
    std::uint64_t bytes = 0;
    const std::uint64_t stored = seconds < 0.5 ? 20'000 : 500'000;
    for (std::uint64_t number = 0; number < stored; number += 1000) {
        const auto done = opened.log().append(events.next());
        must(done, "append");
        bytes += done.value()->bytes.size();
    }
    std::uint64_t count = 0;
    std::uint64_t sum = 0;
    const double cpu = cpu_seconds();
    const std::uint64_t start = now();
    const std::uint64_t end = start + static_cast<std::uint64_t>(seconds * 1e9);
    while (now() < end) {
        const auto done = opened.log().read(1, stored, {}, [&](const recorded_event& event) {
            ++count;
            sum += event.fact.data.size();
            return read_more::go_on;
        });
        must(done, "read");
    }
    const double took = static_cast<double>(now() - start) / 1e9;
    const double used = cpu_seconds() - cpu;
    if (sum == 0) {
        throw std::runtime_error("nothing was read");
    }
    std::printf("{\"bench\": \"ledger_read\", \"record_bytes\": %.1f, \"per_s\": %.1f, "
                "\"cpu_us\": %.4f}\n",
                static_cast<double>(bytes) / static_cast<double>(stored),
                static_cast<double>(count) / took, used * 1e6 / static_cast<double>(count));
}

} // namespace

int main(int count, char** words) {
    if (count != 6 ||
        (std::strcmp(words[1], "append") != 0 && std::strcmp(words[1], "read") != 0)) {
        std::fprintf(stderr, "Usage: ledger_bench append|read FOLDER BATCH RECORD_BYTES SECONDS\n");
        return 2;
    }
    try {
        const std::size_t batch = std::strtoull(words[3], nullptr, 10);
        const std::size_t record_bytes = std::strtoull(words[4], nullptr, 10);
        const double seconds = std::strtod(words[5], nullptr);
        if (batch == 0 || batch > events_per_batch_max || record_bytes == 0 ||
            !(seconds > 0 && seconds <= 60)) {
            throw std::runtime_error("a number is out of range");
        }
        if (std::strcmp(words[1], "append") == 0) {
            append(words[2], batch, record_bytes, seconds);
        } else {
            read_all(words[2], record_bytes, seconds);
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "ledger_bench: %s\n", error.what());
        return 1;
    }
}
