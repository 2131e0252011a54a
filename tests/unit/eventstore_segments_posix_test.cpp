// SPDX-License-Identifier: Apache-2.0
// The door to a real disk: what it says when a file is not there, not one, full or held by another.
#include "eventstore/segments/posix_files.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace fasti {
namespace {

struct real_disk : testing::Test {
    real_disk() {
        std::string pattern = (std::filesystem::temp_directory_path() / "fasti_disk_XXXXXX")
                                  .string();
        folder = ::mkdtemp(pattern.data());
    }
    ~real_disk() override { std::filesystem::remove_all(folder); }

    std::string at(const std::string& name) const { return folder + "/" + name; }

    std::unique_ptr<file> opened(const std::string& path, file_mode mode) {
        auto out = disk.open(path, mode);
        EXPECT_TRUE(out.ok()) << out.error().message;
        return std::move(*out);
    }

    static void expect_failed(const error& why, error_code code, const std::string& naming) {
        EXPECT_EQ(why.code, code) << why.message;
        EXPECT_NE(why.message.find(naming), std::string::npos) << why.message;
    }

    std::string folder;
    posix_files disk;
};

TEST_F(real_disk, gives_what_was_written_and_no_more_than_there_is) {
    const auto held = opened(at("a"), file_mode::create);
    ASSERT_TRUE(held->write_at(0, "0123456789").ok());
    ASSERT_TRUE(held->write_at(4, "xy").ok());
    ASSERT_TRUE(held->write_at(12, "z").ok());
    ASSERT_TRUE(held->sync().ok());
    EXPECT_EQ(*held->size(), 13U);
    std::string got(20, '-');
    EXPECT_EQ(*held->read_at(3, got.data(), got.size()), 10U);
    EXPECT_EQ(got, std::string("3xy6789\0\0z----------", 20));
    EXPECT_EQ(*held->read_at(3, got.data(), 2), 2U);
    EXPECT_EQ(*held->read_at(13, got.data(), 1), 0U);
    EXPECT_EQ(*opened(at("a"), file_mode::write)->size(), 13U) << "only create empties it";
    EXPECT_EQ(*opened(at("a"), file_mode::create)->size(), 0U);
}

TEST_F(real_disk, lets_nobody_else_in) {
    opened(at("a"), file_mode::create);
    ASSERT_TRUE(disk.make_directory(at("b")).ok());
    using std::filesystem::perms;
    constexpr perms others = perms::group_all | perms::others_all;
    EXPECT_EQ(std::filesystem::status(at("a")).permissions() & others, perms::none);
    EXPECT_EQ(std::filesystem::status(at("b")).permissions() & others, perms::none);
}

TEST_F(real_disk, says_what_is_not_there) {
    expect_failed(disk.open(at("none"), file_mode::read).error(), error_code::store_unavailable,
                  "Opening " + at("none") + " failed: No such file");
    expect_failed(disk.open(at("none"), file_mode::write).error(), error_code::store_unavailable,
                  "");
    expect_failed(disk.rename(at("none"), at("b")).error(), error_code::store_unavailable,
                  "Renaming " + at("none"));
    expect_failed(disk.sync_directory(at("none")).error(), error_code::store_unavailable,
                  at("none"));
    expect_failed(disk.make_directory(at("none/deep")).error(), error_code::store_unavailable,
                  at("none/deep"));
    expect_failed(disk.lock(at("none/LOCK")).error(), error_code::store_unavailable, "Opening");
    EXPECT_TRUE(disk.remove(at("none")).ok()) << "it is gone, as was asked";
    EXPECT_EQ(*disk.list(at("none")), std::vector<std::string>{});
}

TEST_F(real_disk, says_what_is_no_file_or_no_folder) {
    opened(at("a"), file_mode::create);
    ASSERT_TRUE(disk.make_directory(at("d")).ok());
    EXPECT_TRUE(disk.make_directory(at("d")).ok()) << "it is there, as was asked";
    char byte = 0;
    expect_failed(opened(at("d"), file_mode::read)->read_at(0, &byte, 1).error(),
                  error_code::store_unavailable, "Reading " + at("d") + " at byte 0");
    expect_failed(disk.remove(at("d")).error(), error_code::store_unavailable, "Removing");
    expect_failed(disk.list(at("a")).error(), error_code::store_unavailable, "Listing");
    expect_failed(disk.sync_directory(at("a")).error(), error_code::store_unavailable, at("a"));
    expect_failed(opened(at("a"), file_mode::read)->write_at(0, "x").error(),
                  error_code::store_unavailable, "Writing " + at("a"));
}

TEST_F(real_disk, tells_a_full_one_from_a_broken_one) {
    expect_failed(opened("/dev/full", file_mode::write)->write_at(0, "x").error(),
                  error_code::store_full, "Writing /dev/full failed: No space");
    expect_failed(opened("/dev/null", file_mode::write)->sync().error(),
                  error_code::store_unavailable, "Syncing /dev/null");
}

//! To be asked for less is the answer to both: the disk's end, and that of what this process may write.
TEST_F(real_disk, is_full_where_files_may_grow_no_more) {
    const auto held = opened(at("a"), file_mode::create);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit bounded{4096, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &bounded), 0);
    const auto inside = held->write_at(4095, "x");
    const auto outside = held->write_at(4096, "x");
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    EXPECT_TRUE(inside.ok());
    expect_failed(outside.error(), error_code::store_full, "Writing " + at("a"));
}

TEST_F(real_disk, lists_a_folder_in_order) {
    for (const char* const name : {"c", "a", "b"}) {
        opened(at(name), file_mode::create);
    }
    ASSERT_TRUE(disk.rename(at("b"), at("d")).ok());
    ASSERT_TRUE(disk.remove(at("a")).ok());
    ASSERT_TRUE(disk.sync_directory(folder).ok());
    EXPECT_EQ(*disk.list(folder), (std::vector<std::string>{"c", "d"}));
}

//! What the lock file may hold when somebody else has it, and whom that names.
TEST_F(real_disk, names_the_process_that_holds_a_lock_only_when_it_is_sure) {
    const auto held = disk.lock(at("LOCK"));
    ASSERT_TRUE(held.ok());
    const std::string mine = std::to_string(::getpid());
    const auto named = [&](const std::string& text) {
        std::ofstream(at("LOCK")) << text;
        const error why = disk.lock(at("LOCK")).error();
        EXPECT_EQ(why.code, error_code::store_locked);
        return why.message.substr(0, why.message.find(" has "));
    };
    EXPECT_EQ(named(mine + "\n"), "Process " + mine);
    EXPECT_EQ(named(mine + "\nmore"), "Process " + mine);
    EXPECT_EQ(named("1\n"), "Process 1") << "there, though it may be another user's";
    for (const std::string& text :
         {std::string{}, std::string{"\n"}, mine, mine + "x\n", "-" + mine + "\n",
          std::string{"0\n"}, std::string{"2147483647\n"}, std::string{"99999999999999999999\n"}}) {
        EXPECT_EQ(named(text), "Another process") << text;
    }
}

} // namespace
} // namespace fasti
