// SPDX-License-Identifier: Apache-2.0
// What the log asks of the disk: which calls, in which order.
#include "tests/support/disk/passing_files.hpp"
#include "tests/support/disk/small_log.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fasti {
namespace {

using sim::passing_files;
using sim::small_log;

//! Writes down what segments are asked to do.
class told_file final : public file {
public:
    told_file(std::unique_ptr<file> inner, std::vector<std::string>& told)
        : inner_(std::move(inner)), told_(told) {}

    result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) override {
        return inner_->read_at(offset, out, size);
    }
    result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
        told_.push_back("write " + std::to_string(offset) + " " + std::to_string(bytes.size()));
        return inner_->write_at(offset, bytes);
    }
    result<void> begin_write(std::uint64_t offset, std::string_view bytes) override {
        told_.push_back("begin " + std::to_string(offset) + " " + std::to_string(bytes.size()));
        return inner_->begin_write(offset, bytes);
    }
    result<void> write_zeros(std::uint64_t offset, std::size_t size) override {
        told_.push_back("zeros " + std::to_string(offset) + " " + std::to_string(size));
        return inner_->write_zeros(offset, size);
    }
    result<void> sync() override {
        told_.emplace_back("sync");
        return inner_->sync();
    }
    result<std::uint64_t> size() override { return inner_->size(); }

private:
    const std::unique_ptr<file> inner_;
    std::vector<std::string>& told_;
};

class told_files final : public passing_files {
public:
    using passing_files::passing_files;
    std::vector<std::string> told;

private:
    std::unique_ptr<file> face(const std::string&, std::unique_ptr<file> opened) override {
        return std::make_unique<told_file>(std::move(opened), told);
    }
};

TEST(segment_ledger, has_the_disk_begin_with_a_frame_and_waits_for_it_at_the_sync) {
    small_log world;
    told_files disk{world.disk};
    auto log = open_segments(disk, world.options());
    ASSERT_TRUE(log.ok());
    disk.told.clear();
    ASSERT_TRUE(world.add(**log, 2).ok());
    EXPECT_EQ(disk.told, (std::vector<std::string>{"begin 512 512", "sync"}));
    disk.told.clear();
    ASSERT_TRUE(world.add(**log, 20, 1000).ok());
    EXPECT_EQ(disk.told, (std::vector<std::string>{"begin 1024 21504", "sync"}));
}

TEST(segment_ledger, writes_what_nothing_behind_it_proves_again_and_syncs_it_at_a_start) {
    small_log world;
    {
        auto log = world.open();
        ASSERT_TRUE(log.ok());
        ASSERT_TRUE(world.add(**log).ok());
        ASSERT_TRUE((*log)->carry_on().ok());
    }
    told_files disk{world.disk};
    ASSERT_TRUE(open_segments(disk, world.options()).ok());
    EXPECT_EQ(disk.told, (std::vector<std::string>{"write 1024 512", "sync"}));
    disk.told.clear();
    ASSERT_TRUE(open_segments(disk, world.options(open_mode::read_only)).ok());
    EXPECT_EQ(disk.told, std::vector<std::string>{}) << "a reader changes nothing";
}

TEST(segment_ledger, zeroes_the_next_segment_in_pieces_and_syncs_it_once) {
    small_log world;
    told_files disk{world.disk};
    segment_options options = world.options();
    options.segment_bytes = 4U * 1024U * 1024U;
    auto log = open_segments(disk, options);
    ASSERT_TRUE(log.ok());
    disk.told.clear();
    ASSERT_TRUE((*log)->prepare_next().ok());
    std::vector<std::string> expected{"zeros 4193792 512"};
    for (std::size_t at = 0; at < options.segment_bytes; at += 262'144) {
        expected.push_back("zeros " + std::to_string(at) + " 262144");
    }
    expected.emplace_back("sync");
    EXPECT_EQ(disk.told, expected);
}

} // namespace
} // namespace fasti
