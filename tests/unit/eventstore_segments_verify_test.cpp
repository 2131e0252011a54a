// SPDX-License-Identifier: Apache-2.0
// What verify says of a log that was altered while it was open: every finding, its place and its positions.
#include "eventstore/segments/frame.hpp"
#include "eventstore/segments/run_file.hpp"
#include "tests/support/disk/altered_log.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace fasti {
namespace {

using segments::footer_bytes;
using segments::frame_header;
using segments::table_entry_bytes;
using sim::name_of;
using sim::small_log;

struct verified_log : sim::altered_log {
    void SetUp() override {
        log = *world.open();
        world.fill(*log, 4);
        ASSERT_TRUE(world.add(*log, 3).ok());
        while (*log->maintain()) {}
        ASSERT_EQ(told(), std::vector<std::string>{});
    }
    static std::string told(const finding& one) {
        return one.where + ": " + one.what + ", " + std::to_string(one.first) + " to " +
               std::to_string(one.last);
    }
    std::vector<std::string> told() {
        std::vector<std::string> out;
        const auto count = log->verify([&](const finding& one) { out.push_back(told(one)); }, {});
        EXPECT_TRUE(count.ok());
        EXPECT_EQ(*count, out.size());
        return out;
    }
    static std::string text(const std::string& where, const std::string& what, position first,
                            position last) {
        return told(finding{what, where, first, last});
    }
    std::string at(unsigned sequence, std::size_t offset) {
        return name_of(sequence) + " at byte " + std::to_string(offset);
    }
    std::vector<std::string> only(const std::string& one) { return {one}; }

    std::unique_ptr<segment_ledger> log;
};

TEST_F(verified_log, names_the_frame_that_was_altered_and_nothing_that_follows_from_it) {
    for (const unsigned sequence : {1U, 2U, 4U}) {
        const auto frames = frames_of(sequence);
        for (const frame_header& frame :
             {frames.front(), frames[frames.size() / 2], frames.back()}) {
            alter(sequence, frame.offset + 130);
            EXPECT_EQ(told(), only(text(at(sequence, frame.offset), "checksum or place wrong",
                                        frame.first, frame.last())));
            alter(sequence, frame.offset + 130); // back
        }
    }
    EXPECT_EQ(told(), std::vector<std::string>{});
}

TEST_F(verified_log, names_each_of_several_places) {
    const auto second = frames_of(2);
    const auto third = frames_of(3);
    alter(2, second[3].offset + 130);
    alter(2, second[4].offset + 130); // beside it: one gap
    alter(3, third[1].offset + 130);
    EXPECT_EQ(told(), (std::vector{text(at(2, second[3].offset), "checksum or place wrong",
                                        second[3].first, second[4].last()),
                                   text(at(3, third[1].offset), "checksum or place wrong",
                                        third[1].first, third[1].last())}));
}

//! Behind a gap the chain is not known; from the next sound frame on it is.
TEST_F(verified_log, follows_the_chain_again_behind_what_cannot_be_read) {
    const auto frames = frames_of(2);
    ASSERT_GT(frames.size(), 5U);
    alter(2, frames[1].offset + 130);
    const frame_header& forged = frames[3]; // a letter of its data, and its checksum put right
    std::string bytes = world.disk.content(small_log::segment(2))
                            .substr(forged.offset, segments::padded(forged.length));
    bytes[300] = static_cast<char>(bytes[300] ^ 1);
    segments::seal_frame(bytes.data(), bytes.size());
    write(2, forged.offset, bytes);
    EXPECT_EQ(
        told(),
        (std::vector{text(at(2, frames[1].offset), "checksum or place wrong", frames[1].first,
                          frames[1].last()),
                     text(at(2, forged.offset), "chain broken", forged.first, forged.last())}));
}

//! An event that states another position than its own, under a checksum that was put right.
TEST_F(verified_log, names_an_event_that_is_not_as_it_was_written) {
    auto frames = frames_of(2);
    std::erase_if(frames, [](const frame_header& one) { return one.events < 3; });
    ASSERT_FALSE(frames.empty());
    const frame_header& frame = frames[frames.size() / 2];
    const std::string sound = world.disk.content(small_log::segment(2))
                                  .substr(frame.offset, segments::padded(frame.length));
    for (position which = 0; which < frame.events; ++which) {
        std::string altered = sound;
        segments::frame_parts parts{altered, frame};
        std::string_view record;
        for (position i = 0; i <= which; ++i) {
            ASSERT_TRUE(parts.next_record(record));
        }
        ++altered[static_cast<std::size_t>(record.data() - altered.data()) + 1]; // behind its tag
        segments::seal_frame(altered.data(), altered.size());
        write(2, frame.offset, altered);
        const auto findings = told();
        ASSERT_FALSE(findings.empty());
        EXPECT_EQ(findings[0], text(at(2, frame.offset), "event is not as we write it",
                                    frame.first + which, frame.first + which));
        position reached = 0;
        const auto read = log->read(frame.first, frame.last(), {},
                                    [&](const recorded_event& event) {
                                        reached = event.at;
                                        return read_more::go_on;
                                    });
        ASSERT_FALSE(read.ok());
        EXPECT_EQ(read.error().code, error_code::store_damaged);
        EXPECT_EQ(reached, which == 0 ? 0 : frame.first + which - 1) << "served up to there";
    }
    write(2, frame.offset, sound);
    EXPECT_EQ(told(), std::vector<std::string>{});
}

TEST_F(verified_log, names_a_header_and_all_that_lies_behind_it) {
    const auto footer = footer_of(2);
    for (const std::size_t offset : {std::size_t{0}, std::size_t{40}, std::size_t{511}}) {
        alter(2, offset);
        EXPECT_EQ(told(), only(text(name_of(2), "segment header altered", footer.first,
                                    footer.after.last)));
        alter(2, offset);
    }
}

TEST_F(verified_log, names_a_table_or_footer) {
    const auto footer = footer_of(2);
    const std::size_t table = 64U * 1024U - footer_bytes - footer.table_count * table_entry_bytes;
    ASSERT_GT(footer.table_count, 1U);
    for (const std::size_t offset : {table, 64U * 1024U - footer_bytes - 1,
                                     64U * 1024U - footer_bytes, std::size_t{64U * 1024U - 1}}) {
        alter(2, offset);
        EXPECT_EQ(told(), only(text(at(2, table), "table or footer differs from the frames",
                                    footer.first, footer.after.last)))
            << offset;
        alter(2, offset);
    }
}

TEST_F(verified_log, names_bytes_where_none_should_be) {
    const auto footer = footer_of(2);
    const std::size_t table = 64U * 1024U - footer_bytes - footer.table_count * table_entry_bytes;
    ASSERT_LT(footer.sums.end, table);
    for (const std::size_t offset : {std::size_t{footer.sums.end}, table - 1}) {
        alter(2, offset);
        EXPECT_EQ(told(), only(text(at(2, footer.sums.end),
                                    "bytes behind the last frame are not zero", 0, 0)));
        alter(2, offset);
    }
}

TEST_F(verified_log, names_an_index_and_the_segments_it_stands_for) {
    const auto footer = footer_of(2);
    const std::string path = "data/log/" + segments::run_name(2, 2);
    ASSERT_TRUE(world.disk.has(path));
    const std::string content = world.disk.content(path);
    const std::string flipped(1, static_cast<char>(content[4096 + 20] ^ 1));
    ASSERT_TRUE((*world.disk.open(path, file_mode::write))->write_at(4096 + 20, flipped).ok());
    EXPECT_EQ(told(), only(text(path,
                                "The index " + path +
                                    " is altered. It is derived: remove it, and the next start "
                                    "builds it again from the log.",
                                footer.first, footer.after.last)));
}

TEST_F(verified_log, compares_indexes_that_are_in_memory_only) {
    world.fill(*log, 5); // no maintenance: segment 4 has no run yet
    ASSERT_FALSE(world.disk.has("data/log/" + segments::run_name(4, 4)));
    EXPECT_EQ(told(), std::vector<std::string>{});
    const auto frames = frames_of(4);
    alter(4, frames[1].offset + 130);
    EXPECT_EQ(told(), only(text(at(4, frames[1].offset), "checksum or place wrong", frames[1].first,
                                frames[1].last())));
}

TEST_F(verified_log, tells_how_far_it_is_and_stops_when_it_is_told_to) {
    position reached = 0;
    std::size_t calls = 0;
    const auto all = log->verify([](const finding&) {},
                                 [&](position now, position head) {
                                     EXPECT_GE(now, reached);
                                     EXPECT_EQ(head, world.written);
                                     reached = now;
                                     ++calls;
                                     return true;
                                 });
    ASSERT_TRUE(all.ok());
    EXPECT_EQ(reached, world.written);
    ASSERT_GT(calls, 10U);
    alter(2, frames_of(2)[0].offset + 130); // behind the place where it stops
    std::size_t asked = 0;
    const auto some = log->verify([](const finding& one) { ADD_FAILURE() << one.what; },
                                  [&](position, position) { return ++asked < 3; });
    ASSERT_TRUE(some.ok());
    EXPECT_EQ(*some, 0U);
    EXPECT_EQ(asked, 3U);
}

//! Ten frames that each take a place in the table, and one more that ends just before or behind the last sector.
TEST(a_sealed_segment, has_room_for_its_table_however_full_it_is) {
    for (std::size_t last_bytes = 23'500; last_bytes <= 26'500; last_bytes += 100) {
        small_log world;
        segment_options options = world.options();
        options.segment_bytes = 256U * 1024U;
        auto log = open_segments(world.disk, options);
        ASSERT_TRUE(log.ok());
        for (int i = 0; i < 10; ++i) {
            ASSERT_TRUE(world.add(**log, 1, 46 * sector_bytes - 400).ok());
        }
        ASSERT_TRUE(world.add(**log, 1, last_bytes).ok());
        while (!world.disk.has(small_log::segment(2))) {
            ASSERT_TRUE(world.add(**log).ok());
        }
        const auto findings = (*log)->verify(
            [&](const finding& one) { ADD_FAILURE() << last_bytes << ": " << one.what; }, {});
        ASSERT_TRUE(findings.ok());
        log = error{};
        log = open_segments(world.disk, options);
        ASSERT_TRUE(log.ok()) << log.error().message;
        EXPECT_EQ((*log)->head().last, world.written);
    }
}

} // namespace
} // namespace fasti
