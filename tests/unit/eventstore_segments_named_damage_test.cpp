// SPDX-License-Identifier: Apache-2.0
// Which positions are lost: what the errors name must be exactly what an operator has to look for elsewhere.
#include "tests/support/disk/altered_log.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace fasti {
namespace {

using segments::footer_bytes;
using segments::frame_header;
using segments::segment_footer;
using sim::altered_log;
using sim::name_of;
using sim::small_log;

using named_damage = altered_log;

TEST_F(named_damage, of_a_missing_segment_is_its_range) {
    make(4);
    for (unsigned sequence = 1; sequence <= 3; ++sequence) {
        const segment_footer footer = footer_of(sequence);
        const std::string content = world.disk.content(small_log::segment(sequence));
        world.disk.take_away(small_log::segment(sequence));
        expect_begins(world.open().error(), "Positions from " + std::to_string(footer.first) +
                                                " to " + std::to_string(footer.after.last) +
                                                " are missing: there is no file " +
                                                name_of(sequence) + ".");
        world.disk.put_content(small_log::segment(sequence), content);
    }
    const position last = footer_of(3).after.last;
    world.disk.take_away(small_log::segment(4));
    expect_begins(world.open().error(), "Positions from " + std::to_string(last + 1) +
                                            " on are missing: there is no file " + name_of(4));
}

TEST_F(named_damage, of_a_segment_from_a_history_that_forked_is_all_from_it_on) {
    make(4);
    small_log forked; // the same log id and epoch, other events
    auto other = forked.open();
    ASSERT_TRUE(other.ok());
    ASSERT_TRUE(forked.add(**other, 2, 33).ok());
    forked.fill(**other, 4);
    for (const unsigned sequence : {2U, 3U}) {
        const std::string content = world.disk.content(small_log::segment(sequence));
        world.disk.put_content(small_log::segment(sequence),
                               forked.disk.content(small_log::segment(sequence)));
        const error why = world.open().error();
        EXPECT_EQ(why.code, error_code::store_damaged);
        EXPECT_NE(why.message.find(name_of(sequence) + " does not go on where " +
                                   name_of(sequence - 1) + " ends"),
                  std::string::npos)
            << why.message;
        world.disk.put_content(small_log::segment(sequence), content);
    }
    EXPECT_TRUE(world.open().ok());
}

TEST_F(named_damage, found_while_an_index_is_built_again_is_that_of_the_altered_frame) {
    make(3);
    for (const auto& [name, content] : world.disk.all()) {
        if (name.ends_with(".run")) {
            world.disk.take_away(name);
        }
    }
    const auto frames = frames_of(2);
    const frame_header& altered = frames[frames.size() / 2];
    alter(2, altered.offset + 200);
    expect_begins(world.open().error(), range(altered.first, altered.last()));
}

TEST_F(named_damage, of_a_footer_is_the_segment_that_it_ends) {
    make(4);
    for (const unsigned sequence : {1U, 2U, 3U}) {
        const segment_footer footer = footer_of(sequence);
        alter(sequence, 64U * 1024U - footer_bytes + 20);
        const std::string lost = range(footer.first, footer.after.last) + ": " + name_of(sequence);
        expect_begins(world.open().error(), lost);
        if (sequence == 3) { // its successor was used, though its first frame cannot say so
            alter(4, frames_of(4).front().offset + 200);
            expect_begins(world.open().error(), lost);
        }
        alter(sequence, 64U * 1024U - footer_bytes + 20); // back
    }
}

//! The power went after the next segment was made and before this one was sealed.
TEST_F(named_damage, found_while_a_segment_is_sealed_is_from_the_altered_frame_to_its_end) {
    make(3);
    const segment_footer footer = footer_of(2);
    const auto frames = frames_of(2);
    const std::size_t table = footer_bytes + footer.table_count * segments::table_entry_bytes;
    write(2, 64U * 1024U - table, std::string(table, '\0'));
    write(3, 512, std::string(63U * 1024U + 512, '\0'));
    for (const frame_header& altered : {frames.front(), frames[frames.size() / 2]}) {
        alter(2, altered.offset + 200);
        expect_begins(world.open().error(),
                      range(altered.first, footer.after.last) + ": " + name_of(2));
        alter(2, altered.offset + 200); // back
    }
    const auto log = world.open();
    ASSERT_TRUE(log.ok()) << log.error().message;
    EXPECT_EQ((*log)->head().last, footer.after.last);
    EXPECT_EQ(footer_of(2).sums, footer.sums);
}

struct followed_damage : altered_log {
    //! A server in the middle of segment 1, and a reader beside it that has seen all of that.
    void SetUp() override {
        server = *world.open();
        ASSERT_TRUE(world.add(*server, 5, 400).ok());
        reader = *world.open(open_mode::read_only);
        seen = reader->head().last;
    }
    std::unique_ptr<segment_ledger> server;
    std::unique_ptr<segment_ledger> reader;
    position seen = 0;
};

TEST_F(followed_damage, of_a_frame_in_a_segment_sealed_meanwhile_is_all_behind_it) {
    world.fill(*server, 2);
    const auto frames = frames_of(1);
    const frame_header& altered = frames[frames.size() / 2];
    ASSERT_GT(altered.first, seen + 1);
    alter(1, altered.offset + 200);
    const error why = reader->refresh().error();
    expect_begins(why, range(altered.first, footer_of(1).after.last) + ": " + name_of(1));
    EXPECT_EQ(reader->head().last, altered.first - 1) << "what is before it is served";
}

//! What a power cut can leave there: a sound frame of this log that goes on elsewhere. The server will write over it.
TEST_F(followed_damage, is_none_where_a_frame_does_not_go_on_from_what_was_seen) {
    small_log forked;
    auto other = forked.open();
    ASSERT_TRUE(other.ok());
    ASSERT_TRUE(forked.add(**other, 4, 500).ok()); // as long as five of 400 bytes, when padded
    ASSERT_TRUE(forked.add(**other, 2).ok());
    const std::string residue = forked.disk.content(small_log::segment(1));
    const auto end = segments::padded(frames_of(1).front().length) + 512;
    frame_header frame;
    ASSERT_TRUE(segments::decode(std::string_view{residue}.substr(end), frame));
    ASSERT_NE(frame.first, seen + 1);
    write(1, end, std::string_view{residue}.substr(end, segments::padded(frame.length)));
    EXPECT_TRUE(reader->refresh().ok());
    EXPECT_EQ(reader->head().last, seen);
    ASSERT_TRUE(world.add(*server).ok());
    ASSERT_TRUE(reader->refresh().ok());
    EXPECT_EQ(reader->head().last, seen + 1);
}

TEST_F(followed_damage, of_a_footer_with_another_end_is_the_segment) {
    world.fill(*server, 2);
    segment_footer footer = footer_of(1);
    const position last = footer.after.last;
    const std::size_t place = 64U * 1024U - footer_bytes;
    footer.after.last = last - 1;
    --footer.sums.events;
    write(1, place, encode(footer));
    expect_begins(reader->refresh().error(), range(1, last - 1) + ": " + name_of(1));
    footer.after.last = last;
    ++footer.sums.events;
    footer.after.hash.bytes[0] ^= 1;
    write(1, place, encode(footer));
    expect_begins(reader->refresh().error(), range(1, last) + ": " + name_of(1));
}

TEST_F(followed_damage, of_a_next_segment_of_another_history_is_all_from_it_on) {
    small_log forked;
    auto other = forked.open();
    ASSERT_TRUE(other.ok());
    forked.fill(**other, 2);
    world.fill(*server, 2);
    world.disk.put_content(small_log::segment(2), forked.disk.content(small_log::segment(2)));
    expect_begins(reader->refresh().error(), "Positions from " +
                                                 std::to_string(footer_of(1).after.last + 1) +
                                                 " on cannot be read: " + name_of(2) +
                                                 " does not go on where " + name_of(1) + " ends.");
}

} // namespace
} // namespace fasti
