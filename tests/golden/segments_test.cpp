// SPDX-License-Identifier: Apache-2.0
// The files of a small log, byte for byte: what was written once is read for ever.
#include "tests/support/disk/small_log.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace fasti {
namespace {

using file_map = std::map<std::string, std::string>;

//! "name size" and, for each row of 32 bytes that are not all zero, "  offset hex".
std::string as_text(const file_map& files) {
    std::string out;
    for (const auto& [name, content] : files) {
        out += name + " " + std::to_string(content.size()) + "\n";
        for (std::size_t at = 0; at < content.size(); at += 32) {
            const std::string_view row = std::string_view{content}.substr(at, 32);
            if (row.find_first_not_of('\0') != std::string_view::npos) {
                out += "  " + std::to_string(at) + " " + to_hex(row) + "\n";
            }
        }
    }
    return out;
}

char hex_digit(char c) { return static_cast<char>(c <= '9' ? c - '0' : c - 'a' + 10); }

file_map from_text(const std::string& text) {
    file_map files;
    std::istringstream in{text};
    std::string* content = nullptr;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words{line};
        std::string first;
        std::string second;
        words >> first >> second;
        if (!line.starts_with("  ")) {
            content = &files[first];
            content->assign(std::stoul(second), '\0');
            continue;
        }
        for (std::size_t i = 0; i + 1 < second.size(); i += 2) {
            (*content)[std::stoul(first) + i / 2] = static_cast<char>(hex_digit(second[i]) * 16 +
                                                                      hex_digit(second[i + 1]));
        }
    }
    return files;
}

std::string golden_text() {
    std::ifstream in{"tests/golden/segments/format_2.txt"};
    return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

TEST(golden_log, is_written_byte_for_byte) {
    sim::small_log world;
    auto log = world.open();
    ASSERT_TRUE(log.ok());
    ASSERT_TRUE(world.add(**log, 2, 20).ok());
    ASSERT_TRUE(
        world.add(**log, 2, 40'000).ok()); // does not fit beside the first: a larger segment
    ASSERT_TRUE((*log)->carry_on().ok());
    ASSERT_TRUE((*log)->maintain().ok());
    file_map files = world.disk.all();
    files.erase(sim::small_log::segment(2)); // 80 kB of the same letter
    EXPECT_EQ(as_text(files), golden_text());
}

TEST(golden_log, is_read) {
    sim::small_log world;
    const file_map files = from_text(golden_text());
    ASSERT_EQ(files.size(), 3U);
    const std::string first = sim::small_log::segment(1);
    const std::string& sealed = files.at(first);
    // Without its footer the first segment is the active one of a log that never grew further.
    world.disk.put_content(first, std::string{sealed}.replace(sealed.size() - 512, 512, 512, '\0'));
    world.disk.put_content("data/log/LOG", files.at("data/log/LOG"));
    auto log = world.open();
    ASSERT_TRUE(log.ok()) << log.error().message;
    EXPECT_EQ((*log)->head().last, 2U);
    EXPECT_EQ((*log)->head().epoch, 0xe90cU);
    EXPECT_EQ((*log)->log_id(), (id128{{0xf0, 0x0d}}));
    EXPECT_EQ(*(*log)->stream_version("thing/1"), 1U);
    EXPECT_TRUE((*log)->find_receipt("default/test", "key-0")->has_value());
    EXPECT_EQ(*(*log)->claim_holder("thing/0"), "thing/0");
    EXPECT_EQ(*(*log)->verify([](const finding&) {}, {}), 0U);
}

} // namespace
} // namespace fasti
