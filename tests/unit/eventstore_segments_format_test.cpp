// SPDX-License-Identifier: Apache-2.0
// Bytes with a right checksum that are no log of ours all the same: each bound of each part, on both sides.
#include "eventstore/segments/bytes.hpp"
#include "eventstore/segments/crc32c.hpp"
#include "eventstore/segments/format.hpp"
#include "eventstore/segments/frame.hpp"
#include "eventstore/segments/run_file.hpp"
#include "eventstore/segments/segment.hpp"
#include "tests/support/disk/small_log.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

namespace fasti {
namespace {

using namespace segments;
using sim::small_log;

std::string with_checksum(const std::string& lines) {
    std::array<char, 9> digits{};
    std::snprintf(digits.data(), digits.size(), "%08x", crc32c(lines));
    return lines + "crc32c " + digits.data() + "\n";
}

TEST(byte_reader, gives_zeros_behind_the_end_and_says_so) {
    byte_reader numbers{"abc"};
    EXPECT_EQ(numbers.number<std::uint16_t>(), 0x6261U);
    EXPECT_FALSE(numbers.bad);
    EXPECT_EQ(numbers.number<std::uint16_t>(), 0U);
    EXPECT_TRUE(numbers.bad);
    EXPECT_EQ(numbers.number<std::uint8_t>(), std::uint8_t{'c'}) << "what there is stays";
    EXPECT_TRUE(numbers.bad) << "and so does the verdict";
    byte_reader texts{"abc"};
    EXPECT_EQ(texts.bytes(3), "abc");
    EXPECT_FALSE(texts.bad) << "all of it, and no more";
    EXPECT_EQ(texts.bytes(1), "");
    EXPECT_TRUE(texts.bad);
}

//! A frame with a right checksum that states sizes which its bytes do not have.
TEST(frame, has_no_parts_that_reach_behind_its_end) {
    std::string bytes(sector_bytes, '\0');
    frame_header header;
    header.first = 1;
    const auto of_length = [&](std::size_t parts) {
        header.length = static_cast<std::uint32_t>(frame_header_bytes + parts);
        return frame_parts{bytes, header};
    };
    std::string_view record;
    stored_receipt receipt;
    claim_draft claim;
    EXPECT_TRUE(of_length(4).next_record(record)) << "empty";
    EXPECT_FALSE(of_length(3).next_record(record));
    EXPECT_TRUE(of_length(36).next_receipt(receipt)) << "empty";
    EXPECT_FALSE(of_length(35).next_receipt(receipt));
    EXPECT_TRUE(of_length(4).next_claim(claim)) << "empty";
    EXPECT_FALSE(of_length(3).next_claim(claim));
    bytes[frame_header_bytes] = 2; // of a record, a scope or a name
    EXPECT_TRUE(of_length(6).next_record(record));
    EXPECT_FALSE(of_length(5).next_record(record));
    EXPECT_TRUE(of_length(38).next_receipt(receipt));
    EXPECT_FALSE(of_length(37).next_receipt(receipt));
    EXPECT_TRUE(of_length(6).next_claim(claim));
    EXPECT_FALSE(of_length(5).next_claim(claim));
}

TEST(log_file, is_read_only_as_it_is_written) {
    const std::string id = "log_id f00d0000000000000000000000000000\n";
    const std::string good = "fasti log\nformat 2\n" + id + "epoch 000000000000e90c\n";
    ASSERT_TRUE(read_log_file(with_checksum(good)).ok());
    EXPECT_EQ(read_log_file(with_checksum(good))->epoch, 0xe90cU);
    for (const std::string& other : std::vector<std::string>{
             "fasti logs\nformat 2\n" + id + "epoch 000000000000e90c\n",
             "fasti log\nformat \n" + id + "epoch 000000000000e90c\n",
             "fasti log\nformat 0\n" + id + "epoch 000000000000e90c\n",
             "fasti log\nformat 2x\n" + id + "epoch 000000000000e90c\n",
             "fasti log\nformat 99999999999\n" + id + "epoch 000000000000e90c\n",
             "fasti log\nformat 2\n" + id + "epoch \n",
             "fasti log\nformat 2\n" + id + "epoch e90g\n",
             "fasti log\nformat 2\n" + id + "epoch 1000000000000e90c0\n",
             "fasti log\nformat 2\nlog_id f00d\nepoch 000000000000e90c\n",
             "fasti log\nformat 2\nepoch 000000000000e90c\n", "fasti log\nformat 2\n" + id,
             good + "more\n"}) {
        const auto read = read_log_file(with_checksum(other));
        ASSERT_FALSE(read.ok()) << other;
        EXPECT_EQ(read.error().code, error_code::store_damaged) << other;
    }
    for (const std::string& other :
         {good, with_checksum(good) + "more\n", with_checksum(good) + "\n",
          with_checksum(good).substr(0, good.size() + 12), std::string{}}) {
        ASSERT_FALSE(read_log_file(other).ok()) << other;
        EXPECT_EQ(read_log_file(other).error().code, error_code::store_damaged) << other;
    }
}

TEST(segment_ledger, takes_sizes_that_are_powers_of_two_within_bounds) {
    for (const std::uint64_t size : {0ULL, 1ULL, 32ULL << 10U, (64ULL << 10U) - 1,
                                     (64ULL << 10U) + 1, 96ULL << 10U, 2ULL << 30U}) {
        small_log world;
        segment_options options = world.options();
        options.segment_bytes = size;
        const auto opened = open_segments(world.disk, options);
        ASSERT_FALSE(opened.ok()) << size;
        EXPECT_EQ(opened.error().code, error_code::configuration_invalid) << size;
    }
    for (const std::uint64_t size : {64ULL << 10U, 128ULL << 10U}) {
        small_log world;
        segment_options options = world.options();
        options.segment_bytes = size;
        EXPECT_TRUE(open_segments(world.disk, options).ok()) << size;
        EXPECT_EQ(world.disk.content(small_log::segment(1)).size(), size);
    }
}

TEST(frame, has_a_header_within_its_bounds) {
    frame_header header;
    header.length = frame_header_bytes;
    header.first = 1;
    std::string bytes(sector_bytes, '\0');
    const auto passes = [&](const frame_header& one) {
        write_frame_header(one, bytes.data());
        frame_header out;
        return decode(bytes, out);
    };
    EXPECT_TRUE(passes(header));
    header.length = frame_bytes_max;
    EXPECT_TRUE(passes(header));
    ++header.length;
    EXPECT_FALSE(passes(header)) << "longer than any";
    header.length = frame_header_bytes - 1;
    EXPECT_FALSE(passes(header)) << "shorter than its header";
    header.length = frame_header_bytes;
    header.first = 0;
    EXPECT_FALSE(passes(header)) << "positions begin at 1";
    header.first = 1;
    ASSERT_TRUE(passes(header));
    bytes[12] = 1; // flags
    frame_header out;
    EXPECT_FALSE(decode(bytes, out)) << "says something that this format does not know";
    EXPECT_FALSE(decode(bytes.substr(0, frame_header_bytes - 1), out));
}

TEST(segment_footer, counts_the_events_it_spans) {
    segment_footer footer;
    footer.sequence = 3;
    footer.first = 11;
    footer.after.last = 20;
    footer.sums.events = 10;
    segment_footer out;
    ASSERT_TRUE(decode(encode(footer), out));
    EXPECT_EQ(out.first, 11U);
    EXPECT_EQ(out.sums, footer.sums);
    footer.sums.events = 11;
    EXPECT_FALSE(decode(encode(footer), out));
    footer.sums.events = 0;
    footer.after.last = 10;
    EXPECT_TRUE(decode(encode(footer), out)) << "empty";
    footer.after.last = 9;
    footer.sums.events = ~std::uint64_t{0};
    EXPECT_FALSE(decode(encode(footer), out)) << "ends before it begins";
    footer.first = 0;
    footer.after.last = 9;
    footer.sums.events = 10;
    EXPECT_FALSE(decode(encode(footer), out)) << "positions begin at 1";
}

TEST(file_names, are_read_as_they_are_written) {
    EXPECT_EQ(segment_name(7), "00000000000000000007.seg");
    EXPECT_EQ(segment_sequence(segment_name(7)), 7U);
    EXPECT_EQ(segment_sequence(segment_name(~std::uint64_t{0})), ~std::uint64_t{0});
    for (const char* const other :
         {"", ".seg", "7.seg", "0000000000000000000x.seg", "x0000000000000000007.seg",
          "00000000000000000000.seg", "00000000000000000007.run", "000000000000000000007.seg",
          "99999999999999999999.seg"}) {
        EXPECT_EQ(segment_sequence(other), 0U) << other;
    }
    EXPECT_EQ(run_name(1, 4), "00000000000000000001-00000000000000000004.run");
    ASSERT_TRUE(run_name_range(run_name(1, 4)));
    EXPECT_EQ(run_name_range(run_name(1, 4))->first_sequence, 1U);
    EXPECT_EQ(run_name_range(run_name(1, 4))->last_sequence, 4U);
    EXPECT_TRUE(run_name_range(run_name(4, 4)));
    for (const std::string& other :
         {run_name(4, 3), run_name(0, 4), run_name(1, 4) + "x", run_name(1, 4).substr(1),
          std::string{"00000000000000000001+00000000000000000004.run"},
          std::string{"0000000000000000000x-00000000000000000004.run"},
          std::string{"00000000000000000001-0000000000000000000x.run"},
          std::string{"00000000000000000001-00000000000000000004.seg"}}) {
        EXPECT_FALSE(run_name_range(other)) << other;
    }
}

TEST(run_range, matches_only_where_everything_does) {
    const run_range one{3, 4, 50, {99, {{7}}, {}}};
    EXPECT_TRUE(one.matches(one));
    const std::vector<run_range> others{{2, 4, 50, {99, {{7}}, {}}},
                                        {3, 5, 50, {99, {{7}}, {}}},
                                        {3, 4, 51, {99, {{7}}, {}}},
                                        {3, 4, 50, {98, {{7}}, {}}},
                                        {3, 4, 50, {99, {{8}}, {}}}};
    for (const run_range& other : others) {
        EXPECT_FALSE(one.matches(other));
        EXPECT_FALSE(other.matches(one));
    }
}

TEST(run_file, reads_one_block_for_a_key_that_it_has_and_none_for_most_others) {
    sim::sim_disk disk;
    ASSERT_TRUE(disk.make_directory("data").ok());
    const log_identity log{{{7}}, 0xab};
    constexpr std::uint64_t keys = 3000; // twelve blocks
    constexpr std::uint64_t apart = ~std::uint64_t{0} / keys;
    run_writer writer{disk, "data", log, keys};
    ASSERT_TRUE(writer.begin().ok());
    for (std::uint64_t i = 0; i < keys; ++i) {
        ASSERT_TRUE(writer.add({i * apart, i + 1}).ok());
    }
    ASSERT_TRUE(writer.finish({1, 1, 1, {keys, {}, {}}}).ok());
    const auto run = run_file::open(disk, "data/" + run_name(1, 1), log);
    ASSERT_TRUE(run.ok());
    ASSERT_EQ((*run)->block_count(), 12U);
    EXPECT_EQ((*run)->keys(), keys);
    const auto visited = [&](std::uint64_t hash, std::uint64_t& reads) {
        std::vector<position> out;
        const std::uint64_t before = disk.calls();
        const auto keep = [&](position at) {
            out.push_back(at);
            return true;
        };
        EXPECT_TRUE((*run)->each_newest(hash, keep).ok());
        reads += disk.calls() - before;
        return out;
    };
    std::uint64_t for_others = 0;
    for (std::uint64_t i = 0; i < keys; ++i) {
        std::uint64_t reads = 0;
        ASSERT_EQ(visited(i * apart, reads), (std::vector<position>{i + 1}));
        ASSERT_LE(reads, 2U) << "and the one before when it is the first of its block";
        ASSERT_EQ(visited(i * apart + 1 + i, for_others), std::vector<position>{});
    }
    EXPECT_LT(for_others, keys / 20) << "twelve bits a key: one in a hundred passes";
}

TEST(crc32c, is_that_of_the_bytes_whatever_their_length_and_place) {
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        bytes += static_cast<char>(i * 7 + 1);
    }
    const auto bit_by_bit = [](std::string_view of) {
        std::uint32_t crc = ~0U;
        for (const char byte : of) {
            crc ^= static_cast<unsigned char>(byte);
            for (int i = 0; i < 8; ++i) {
                crc = crc & 1U ? (crc >> 1U) ^ 0x82f63b78U : crc >> 1U;
            }
        }
        return ~crc;
    };
    for (std::size_t from = 0; from < 9; ++from) {
        for (std::size_t size = 0; size <= 280; ++size) {
            const std::string_view part = std::string_view{bytes}.substr(from, size);
            ASSERT_EQ(crc32c(part), bit_by_bit(part)) << from << " " << size;
            ASSERT_EQ(crc32c_portable(part), bit_by_bit(part)) << from << " " << size;
        }
    }
}

} // namespace
} // namespace fasti
