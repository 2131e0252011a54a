// SPDX-License-Identifier: Apache-2.0
// The door to a real disk: what it says when a file is not there, not one, full or held by another.
#include "eventstore/segments/posix_files.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
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

//! The number of pages of a file that the kernel keeps in memory.
std::size_t kept_pages(const std::string& path) {
    const auto size = static_cast<std::size_t>(std::filesystem::file_size(path));
    const int number = ::open(path.c_str(), O_RDONLY);
    void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, number, 0);
    ::close(number);
    std::vector<unsigned char> kept((size + 4095) / 4096);
    EXPECT_EQ(::mincore(mapped, size, kept.data()), 0);
    ::munmap(mapped, size);
    return static_cast<std::size_t>(
        std::count_if(kept.begin(), kept.end(), [](unsigned char page) { return page & 1U; }));
}

bool takes_direct_sectors(const std::string& path) {
    struct statx about {};
    return ::statx(AT_FDCWD, path.c_str(), 0, STATX_DIOALIGN, &about) == 0 &&
           (about.stx_mask & STATX_DIOALIGN) != 0 && about.stx_dio_offset_align != 0 &&
           sector_bytes % about.stx_dio_offset_align == 0;
}

std::string content(file& of) {
    std::string got(static_cast<std::size_t>(*of.size()), '-');
    EXPECT_EQ(*of.read_at(0, got.data(), got.size()), got.size());
    return got;
}

TEST_F(real_disk, takes_sectors_that_were_begun_once_it_is_synced) {
    const auto held = opened(at("a"), file_mode::create);
    constexpr std::size_t size = 256 * sector_bytes;
    ASSERT_TRUE(held->write_zeros(0, size).ok());
    ASSERT_TRUE(held->sync().ok());
    if (takes_direct_sectors(at("a"))) {
        EXPECT_EQ(kept_pages(at("a")), 0U) << "past the page cache";
    }
    std::string expected(size, '\0');
    EXPECT_EQ(content(*held), expected); // and now the page cache has them all
    const auto reader = opened(at("a"), file_mode::read);
    const auto begin = [&](std::size_t sector, std::size_t sectors, char what) {
        const std::string bytes(sectors * sector_bytes, what);
        expected.replace(sector * sector_bytes, bytes.size(), bytes);
        return held->begin_write(sector * sector_bytes, bytes).ok();
    };
    ASSERT_TRUE(begin(1, 1, 'a'));
    ASSERT_TRUE(held->sync().ok());
    EXPECT_EQ(content(*reader), expected);
    ASSERT_TRUE(begin(2, 100, 'b'));
    ASSERT_TRUE(begin(102, 3, 'c')) << "one behind the other";
    ASSERT_TRUE(held->write_at(3, "head").ok()) << "whatever is under way";
    expected.replace(3, 4, "head");
    ASSERT_TRUE(held->sync().ok());
    EXPECT_EQ(content(*reader), expected);
    ASSERT_TRUE(disk.rename(at("a"), at("b")).ok());
    ASSERT_TRUE(begin(105, 150, 'd')) << "under its new name";
    ASSERT_TRUE(held->write_zeros(5 * sector_bytes, sector_bytes).ok());
    expected.replace(5 * sector_bytes, sector_bytes, sector_bytes, '\0');
    ASSERT_TRUE(held->sync().ok());
    EXPECT_EQ(content(*reader), expected);
}

//! Where the page cache is the only way: a file system that knows no direct writes.
TEST(disk_in_memory, takes_sectors_that_were_begun) {
    std::string folder = "/dev/shm/fasti_disk_XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    posix_files disk;
    {
        const auto held = std::move(*disk.open(folder + "/a", file_mode::create));
        ASSERT_TRUE(held->write_zeros(0, 64 * sector_bytes).ok());
        std::string expected(64 * sector_bytes, '\0');
        for (const std::size_t sectors : {1U, 40U}) {
            const std::string bytes(sectors * sector_bytes, 'x');
            ASSERT_TRUE(held->begin_write(sectors / 2 * sector_bytes, bytes).ok());
            expected.replace(sectors / 2 * sector_bytes, bytes.size(), bytes);
            ASSERT_TRUE(held->sync().ok());
            EXPECT_EQ(content(*held), expected);
        }
    }
    std::filesystem::remove_all(folder);
}

//! Without a queue, as where the system gives none: the writer waits.
TEST_F(real_disk, takes_sectors_without_a_queue) {
    opened(at("a"), file_mode::create);
    const int number = ::open(at("a").c_str(), O_RDWR);
    const auto writer = direct_writer::make(number, sector_bytes, nullptr);
    EXPECT_EQ(writer != nullptr, takes_direct_sectors(at("a")));
    if (writer) {
        EXPECT_EQ(writer->begin(0, {}), 0) << "nothing to write";
        EXPECT_EQ(writer->begin(0, std::string(3 * sector_bytes, 'x')), 0);
        EXPECT_EQ(writer->write_zeros(sector_bytes, sector_bytes), 0);
        EXPECT_EQ(writer->finish(), 0);
        EXPECT_EQ(content(*opened(at("a"), file_mode::read)), std::string(sector_bytes, 'x') +
                                                                  std::string(sector_bytes, '\0') +
                                                                  std::string(sector_bytes, 'x'));
    }
    EXPECT_EQ(direct_writer::make(number, 100, nullptr), nullptr) << "no disk has such blocks";
    ::close(number);
}

TEST_F(real_disk, lets_several_write_at_once) {
    constexpr std::size_t writers = 4;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < writers; ++i) {
        threads.emplace_back([this, i] {
            const auto held = opened(at(std::to_string(i)), file_mode::create);
            ASSERT_TRUE(held->write_zeros(0, 64 * sector_bytes).ok());
            std::string expected;
            for (std::size_t sector = 0; sector < 64; ++sector) {
                const std::string bytes(sector_bytes, static_cast<char>('a' + (i + sector) % 26));
                ASSERT_TRUE(held->begin_write(sector * sector_bytes, bytes).ok());
                ASSERT_TRUE(held->sync().ok());
                expected += bytes;
            }
            EXPECT_EQ(content(*held), expected);
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
}

TEST_F(real_disk, finishes_what_is_under_way_before_it_closes) {
    const std::string bytes(64 * sector_bytes, 'x');
    {
        const auto held = opened(at("a"), file_mode::create);
        ASSERT_TRUE(held->write_zeros(0, bytes.size()).ok());
        ASSERT_TRUE(held->begin_write(0, bytes).ok());
    }
    EXPECT_EQ(content(*opened(at("a"), file_mode::read)), bytes);
}

TEST_F(real_disk, begins_no_write_in_a_file_that_is_only_read) {
    opened(at("a"), file_mode::create);
    const std::string sector(sector_bytes, 'x');
    const auto held = opened(at("a"), file_mode::read);
    expect_failed(held->begin_write(0, sector).error(), error_code::store_unavailable, "Writing");
    expect_failed(held->write_zeros(0, sector_bytes).error(), error_code::store_unavailable, "");
    EXPECT_EQ(*held->size(), 0U);
}

TEST_F(real_disk, says_at_the_latest_with_the_sync_what_it_could_not_take) {
    const auto held = opened(at("a"), file_mode::create);
    ASSERT_TRUE(held->write_zeros(0, 8 * sector_bytes).ok());
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit bounded{8 * sector_bytes, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &bounded), 0);
    const auto begun = held->begin_write(8 * sector_bytes, std::string(sector_bytes, 'x'));
    const auto synced = held->sync();
    const auto zeroed = held->write_zeros(8 * sector_bytes, sector_bytes);
    const auto inside = held->begin_write(0, std::string(8 * sector_bytes, 'y'));
    const auto inside_synced = held->sync();
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    EXPECT_NE(begun.ok(), synced.ok()) << "one of them, and only once";
    expect_failed(zeroed.error(), error_code::store_full, "Writing " + at("a"));
    EXPECT_TRUE(inside.ok() && inside_synced.ok());
    EXPECT_EQ(content(*held), std::string(8 * sector_bytes, 'y'));
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
