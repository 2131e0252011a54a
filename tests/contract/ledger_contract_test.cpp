// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/ledger_contract.hpp"

#include "eventstore/memory/memory_ledger.hpp"
#include "eventstore/segments/posix_files.hpp"
#include "eventstore/segments/segment_ledger.hpp"
#include "tests/support/disk/sim_disk.hpp"

#include <cstdlib>
#include <filesystem>

namespace fasti {
namespace {

class memory_bench final : public ledger_bench {
public:
    memory_bench(const id128& log_id, std::uint64_t epoch) : log_(log_id, epoch) {}
    ledger& log() override { return log_; }
    void reopen() override {}
    void work() override {}

private:
    memory_ledger log_;
};

class segments_bench : public ledger_bench {
public:
    segments_bench(files& disk, std::string path, const id128& log_id, std::uint64_t epoch)
        : disk_(disk) {
        options_.path = std::move(path);
        options_.segment_bytes = 64U * 1024U;
        options_.fresh_log_id = log_id;
        options_.fresh_epoch = epoch;
    }
    ledger& log() override {
        if (!log_) {
            auto opened = open_segments(disk_, options_);
            EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
            log_ = std::move(opened).value();
        }
        return *log_;
    }
    void reopen() override { log_.reset(); }
    void work() override {
        log();
        EXPECT_TRUE(log_->carry_on().ok());
        EXPECT_TRUE(log_->prepare_next().ok());
        for (;;) {
            const auto more = log_->maintain();
            ASSERT_TRUE(more.ok()) << more.error().message;
            if (!*more) {
                break;
            }
        }
    }

private:
    files& disk_;
    segment_options options_;
    std::unique_ptr<segment_ledger> log_;
};

struct held_sim_disk {
    sim::sim_disk disk;
};

class simulated_bench final : held_sim_disk, public segments_bench {
public:
    simulated_bench(const id128& log_id, std::uint64_t epoch)
        : segments_bench(disk, "data/log", log_id, epoch) {}
};

struct held_folder {
    held_folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "fasti_contract_XXXXXX")
                                  .string();
        path = ::mkdtemp(pattern.data());
    }
    ~held_folder() { std::filesystem::remove_all(path); }
    held_folder(const held_folder&) = delete;
    held_folder& operator=(const held_folder&) = delete;
    std::string path;
    posix_files disk;
};

class real_bench final : held_folder, public segments_bench {
public:
    real_bench(const id128& log_id, std::uint64_t epoch)
        : segments_bench(disk, path + "/log", log_id, epoch) {}
};

template <class Bench>
ledger_kind kind_of(std::string name, std::uint64_t seeds) {
    return {std::move(name), seeds, [](const id128& log_id, std::uint64_t epoch) {
                return std::unique_ptr<ledger_bench>{std::make_unique<Bench>(log_id, epoch)};
            }};
}

INSTANTIATE_TEST_SUITE_P(every, ledger_contract,
                         testing::Values(kind_of<memory_bench>("memory", 3),
                                         kind_of<simulated_bench>("segments_on_a_simulated_disk",
                                                                  8),
                                         kind_of<real_bench>("segments_on_a_real_disk", 1)),
                         [](const auto& about) { return about.param.name; });

} // namespace
} // namespace fasti
