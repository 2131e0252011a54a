// SPDX-License-Identifier: Apache-2.0
// What happens to a log whose files were altered, taken away, mixed up or torn.
#include "eventstore/segments/format.hpp"
#include "tests/support/disk/small_log.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace fasti {
namespace {

using sim::small_log;
using file_map = std::map<std::string, std::string>;

//! Three full segments with one merged or single indexes, a fourth in use; all proven.
struct damaged_log : testing::Test {
    damaged_log() {
        auto log = world.open();
        EXPECT_TRUE(log.ok());
        world.fill(**log, 4);
        EXPECT_TRUE(world.add(**log, 3).ok());
        EXPECT_TRUE((*log)->carry_on().ok());
        while (*(*log)->maintain()) {}
        head = (*log)->head();
        log = error{};
        sound = world.disk.all();
    }

    void put_back(const file_map& files) {
        for (const auto& [name, content] : world.disk.all()) {
            if (!files.contains(name)) {
                world.disk.take_away(name);
            }
        }
        for (const auto& [name, content] : files) {
            world.disk.put_content(name, content);
        }
        world.notes.clear();
    }

    //! Whether opening, reading or verifying says that something is wrong, without losing anything
    //! in silence.
    bool noticed() {
        auto log = world.open();
        if (!log.ok()) {
            EXPECT_TRUE(log.error().code == error_code::store_damaged ||
                        log.error().code == error_code::format_newer)
                << log.error().message;
            return true;
        }
        if ((*log)->head().last != head.last) {
            ADD_FAILURE() << "opened with head " << (*log)->head().last;
        }
        bool found = !world.notes.empty();
        const auto read = (*log)->read(1, ~position{0}, {},
                                       [](const recorded_event&) { return read_more::go_on; });
        found = found || !read.ok();
        const auto findings = (*log)->verify([](const finding&) {}, {});
        return found || !findings.ok() || *findings != 0;
    }

    error open_error() {
        const file_map before = world.disk.all();
        auto log = world.open();
        EXPECT_FALSE(log.ok());
        if (log.ok()) {
            return {};
        }
        file_map after = world.disk.all();
        EXPECT_EQ(after, before) << "a refused log is left as it is";
        return log.error();
    }

    void expect_refused(const std::string& naming) {
        const error refused = open_error();
        EXPECT_EQ(refused.code, error_code::store_damaged) << refused.message;
        EXPECT_NE(refused.message.find(naming), std::string::npos) << refused.message;
    }

    small_log world;
    ledger_head head;
    file_map sound;
};

TEST_F(damaged_log, is_noticed_whichever_byte_was_flipped) {
    std::size_t tried = 0;
    for (const auto& [name, content] : sound) {
        for (std::size_t at = 0; at < content.size();) {
            put_back(sound);
            std::string altered = content;
            altered[at] = static_cast<char>(altered[at] ^ (1 << (at % 8)));
            world.disk.put_content(name, altered);
            EXPECT_TRUE(noticed()) << name << " byte " << at;
            ++tried;
            const bool dense = at < 700 || at + 300 > content.size();
            at += dense ? 7 : 499;
        }
    }
    EXPECT_GT(tried, 1000U);
    put_back(sound);
    EXPECT_FALSE(noticed());
}

TEST_F(damaged_log, is_noticed_whichever_sector_was_zeroed) {
    for (const auto& [name, content] : sound) {
        for (std::size_t at = 0; at < content.size(); at += 512) {
            const std::string zeros(std::min<std::size_t>(512, content.size() - at), '\0');
            if (content.compare(at, zeros.size(), zeros) == 0) {
                continue;
            }
            put_back(sound);
            std::string altered = content;
            altered.replace(at, zeros.size(), zeros);
            world.disk.put_content(name, altered);
            // The last, empty frame proves the one before and holds nothing itself: without it,
            // and without one bit of residue, the log is what it was.
            if (!noticed()) {
                EXPECT_EQ(name, small_log::segment(4)) << at;
            }
        }
    }
}

TEST_F(damaged_log, is_refused_when_a_file_is_missing) {
    for (unsigned sequence = 1; sequence <= 4; ++sequence) {
        put_back(sound);
        world.disk.take_away(small_log::segment(sequence));
        expect_refused("missing");
        EXPECT_EQ(world.open(open_mode::read_only).ok(), sequence == 4);
    }
    put_back(sound);
    world.disk.take_away("data/log/LOG");
    expect_refused("LOG");
}

TEST_F(damaged_log, is_refused_when_a_file_is_cut_short) {
    for (unsigned sequence = 1; sequence <= 4; ++sequence) {
        for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{512},
                                       std::size_t{30'000}, std::size_t{65'535}}) {
            put_back(sound);
            world.disk.put_content(small_log::segment(sequence),
                                   sound[small_log::segment(sequence)].substr(0, size));
            EXPECT_EQ(open_error().code, error_code::store_damaged);
        }
    }
}

TEST_F(damaged_log, is_refused_when_files_are_exchanged) {
    for (const auto& [a, b] : {std::pair{1U, 2U}, std::pair{2U, 4U}, std::pair{3U, 4U}}) {
        put_back(sound);
        world.disk.put_content(small_log::segment(a), sound[small_log::segment(b)]);
        world.disk.put_content(small_log::segment(b), sound[small_log::segment(a)]);
        EXPECT_EQ(open_error().code, error_code::store_damaged);
    }
}

TEST_F(damaged_log, is_refused_when_a_segment_of_another_log_is_put_in) {
    small_log other;
    segment_options options = other.options();
    options.fresh_epoch = 1; // a fork: same log id, other epoch
    auto forked = open_segments(other.disk, options);
    ASSERT_TRUE(forked.ok());
    other.fill(**forked, 4);
    for (unsigned sequence = 1; sequence <= 4; ++sequence) {
        put_back(sound);
        world.disk.put_content(small_log::segment(sequence),
                               other.disk.content(small_log::segment(sequence)));
        expect_refused("another log or epoch");
    }
    put_back(sound);
    world.disk.put_content("data/log/LOG", other.disk.content("data/log/LOG"));
    expect_refused("another log or epoch");
}

TEST_F(damaged_log, is_refused_when_an_older_copy_of_a_sealed_segment_is_put_back) {
    small_log again; // writes the same events to the same log, as far as the middle of segment 2
    auto log = again.open();
    ASSERT_TRUE(log.ok());
    again.fill(**log, 2);
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(again.add(**log).ok());
    }
    put_back(sound);
    world.disk.put_content(small_log::segment(2), again.disk.content(small_log::segment(2)));
    expect_refused("00000000000000000002.seg");
}

TEST_F(damaged_log, names_the_positions_that_cannot_be_read) {
    auto log = world.open();
    ASSERT_TRUE(log.ok());
    // A frame in the middle of the second, sealed segment.
    std::string altered = world.disk.content(small_log::segment(2));
    segments::frame_header frame;
    std::size_t at = 20'480;
    while (!segments::decode(std::string_view{altered}.substr(at, 512), frame) ||
           frame.events == 0) {
        at += 512;
    }
    altered[at + 200] ^= 1;
    world.disk.put_content(small_log::segment(2), altered);
    log = error{};
    log = world.open(); // sealed content is checked when it is read
    ASSERT_TRUE(log.ok());
    position reached = 0;
    const auto read = (*log)->read(1, ~position{0}, {}, [&](const recorded_event& event) {
        reached = event.at;
        return read_more::go_on;
    });
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, error_code::store_damaged);
    EXPECT_EQ(reached, frame.first - 1);
    const std::string range = frame.events == 1 ? "Position " + std::to_string(frame.first)
                                                : "Positions " + std::to_string(frame.first) +
                                                      " to " + std::to_string(frame.last());
    EXPECT_EQ(read.error().message.find(range), 0U) << read.error().message;
    EXPECT_TRUE((*log)
                    ->read(frame.last() + 1, ~position{0}, {},
                           [](const recorded_event&) { return read_more::go_on; })
                    .ok());
    std::vector<finding> findings;
    ASSERT_TRUE((*log)->verify([&](const finding& each) { findings.push_back(each); }, {}).ok());
    ASSERT_EQ(findings.size(), 1U)
        << "what follows from it is not told as damage: " << findings[1].what;
    EXPECT_EQ(findings[0].first, frame.first);
    EXPECT_EQ(findings[0].last, frame.last());
}

TEST_F(damaged_log, is_refused_when_an_acknowledged_frame_of_the_active_segment_is_altered) {
    std::string altered = sound[small_log::segment(4)];
    segments::frame_header frame;
    std::size_t at = 512;
    std::size_t next = at;
    while (segments::decode(std::string_view{altered}.substr(next, 512), frame) &&
           frame.events != 0) {
        at = next;
        next += segments::padded(frame.length);
    }
    ASSERT_TRUE(segments::decode(std::string_view{altered}.substr(at, 512), frame));
    ASSERT_EQ(frame.last(), head.last); // the last one with events, proven by an empty one
    altered[at + 250] ^= 4;
    world.disk.put_content(small_log::segment(4), altered);
    expect_refused("Positions " + std::to_string(frame.first) + " to " +
                   std::to_string(frame.last()));
}

//! The frames of a segment that hold events.
std::vector<segments::frame_header> frames_of(const std::string& content) {
    std::vector<segments::frame_header> out;
    segments::frame_header frame;
    for (std::size_t at = 512; segments::decode(std::string_view{content}.substr(at, 512), frame);
         at += segments::padded(frame.length)) {
        if (frame.events != 0) {
            out.push_back(frame);
        }
    }
    return out;
}

//! Changes a letter of the first event's data and puts the checksum of its frame right.
std::string with_event_altered(std::string content, const segments::frame_header& frame) {
    content[frame.offset + 300] ^= 1;
    segments::seal_frame(content.data() + frame.offset, segments::padded(frame.length));
    return content;
}

TEST_F(damaged_log, tells_an_event_that_was_altered_with_its_checksum_by_the_chain) {
    const std::string& content = sound[small_log::segment(2)];
    const auto frames = frames_of(content);
    ASSERT_GT(frames.size(), 4U);
    for (const auto& frame : {frames.front(), frames[2], frames.back()}) {
        put_back(sound);
        world.disk.put_content(small_log::segment(2), with_event_altered(content, frame));
        auto log = world.open(); // sealed content is checked when it is read
        ASSERT_TRUE(log.ok()) << log.error().message;
        std::vector<finding> findings;
        ASSERT_TRUE(
            (*log)->verify([&](const finding& each) { findings.push_back(each); }, {}).ok());
        ASSERT_FALSE(findings.empty());
        std::vector<std::pair<position, position>> broken;
        for (const finding& each : findings) {
            if (each.what == "chain broken") {
                broken.emplace_back(each.first, each.last);
            }
        }
        EXPECT_EQ(broken, (std::vector{std::pair{frame.first, frame.last()}}));
    }
}

TEST_F(damaged_log, is_refused_when_the_chain_of_the_active_segment_is_broken) {
    const std::string& content = sound[small_log::segment(4)];
    const auto frames = frames_of(content);
    ASSERT_GT(frames.size(), 1U);
    for (const auto& frame : frames) { // the last of them is proven by an empty one
        put_back(sound);
        world.disk.put_content(small_log::segment(4), with_event_altered(content, frame));
        expect_refused("Position" +
                       (frame.events == 1 ? " " + std::to_string(frame.first)
                                          : "s " + std::to_string(frame.first) + " to " +
                                                std::to_string(frame.last())) +
                       " cannot be read");
    }
}

TEST_F(damaged_log, builds_an_altered_or_missing_index_again) {
    std::vector<std::string> runs;
    for (const auto& [name, content] : sound) {
        if (name.ends_with(".run")) {
            runs.push_back(name);
        }
    }
    ASSERT_EQ(runs.size(), 3U);
    for (const bool missing : {false, true}) {
        put_back(sound);
        std::string altered = sound[runs[1]];
        altered[100] ^= 1;
        world.disk.put_content(runs[1], altered);
        if (missing) {
            world.disk.take_away(runs[1]);
        }
        auto log = world.open();
        ASSERT_TRUE(log.ok());
        ASSERT_EQ(world.notes.size(), 1U);
        EXPECT_EQ(world.notes[0].kind, note_kind::index_rebuilt);
        EXPECT_FALSE(world.disk.has(runs[1]));
        EXPECT_EQ(*(*log)->verify([](const finding&) {}, {}), 0U);
        for (position at = 0; at < world.written; at += 7) {
            EXPECT_EQ(*(*log)->stream_version("thing/" + std::to_string(at)), 1U);
        }
        while (*(*log)->maintain()) {}
        EXPECT_EQ(world.disk.content(runs[1]), sound[runs[1]]);
    }
}

TEST_F(damaged_log, prefers_the_wider_index_after_a_merge_that_did_not_clean_up) {
    auto log = world.open();
    ASSERT_TRUE(log.ok());
    const file_map before = world.disk.all();
    world.fill(**log, 5);
    while (*(*log)->maintain()) { // four of one segment each become one
    }
    log = error{};
    for (const auto& [name, content] : before) {
        if (name.ends_with(".run")) {
            world.disk.put_content(name, content);
        }
    }
    log = world.open();
    ASSERT_TRUE(log.ok());
    std::size_t runs = 0;
    for (const auto& [name, content] : world.disk.all()) {
        runs += name.ends_with(".run") ? 1 : 0;
    }
    EXPECT_EQ(runs, 1U);
    EXPECT_EQ(*(*log)->verify([](const finding&) {}, {}), 0U);
}

TEST(torn_tail, is_cut_and_reported_and_never_read_again) {
    std::size_t sectors = 1;
    for (std::size_t lost = 0; lost < sectors; ++lost) {
        small_log world;
        auto log = world.open();
        ASSERT_TRUE(log.ok());
        ASSERT_TRUE(world.add(**log).ok());
        const std::string before = world.disk.content(small_log::segment(1));
        ASSERT_TRUE(world.add(**log, 15, 400).ok());
        const std::string after = world.disk.content(small_log::segment(1));
        std::string torn = before;
        const std::size_t frame_at = 1024;
        segments::frame_header frame;
        ASSERT_TRUE(segments::decode(std::string_view{after}.substr(frame_at, 512), frame));
        sectors = segments::padded(frame.length) / 512;
        ASSERT_GT(sectors, 10U);
        for (std::size_t sector = 0; sector < sectors; ++sector) {
            if (sector != lost) { // all but one sector reached the disk
                torn.replace(frame_at + sector * 512, 512, after, frame_at + sector * 512, 512);
            }
        }
        log = error{};
        world.disk.put_content(small_log::segment(1), torn);
        log = world.open();
        ASSERT_TRUE(log.ok()) << log.error().message;
        EXPECT_EQ((*log)->head().last, 1U);
        ASSERT_EQ(world.notes.size(), 1U);
        EXPECT_EQ(world.notes[0].kind, note_kind::torn_tail_cut);
        const std::string clean = world.disk.content(small_log::segment(1));
        EXPECT_EQ(clean.find_first_not_of('\0', frame_at + 512),
                  std::string::npos); // behind the proof
        world.written = 1;
        ASSERT_TRUE(world.add(**log).ok());
        log = error{};
        log = world.open();
        ASSERT_TRUE(log.ok());
        EXPECT_EQ((*log)->head().last, 2U);
        EXPECT_EQ(*(*log)->verify([](const finding&) {}, {}), 0U);
    }
}

//! Plays the same history with one fault at each call in turn.
void at_every_call(sim::fault how,
                   const std::function<void(small_log&, std::uint64_t acknowledged)>& afterwards) {
    std::uint64_t faults = 0;
    for (std::uint64_t nth = 0; faults == nth; ++nth) {
        SCOPED_TRACE("call " + std::to_string(nth));
        small_log world;
        world.disk.fail_call(nth, how);
        std::uint64_t acknowledged = 0;
        {
            auto log = world.open();
            for (int i = 0; log.ok() && i < 14; ++i) {
                static_cast<void>((*log)->maintain().ok());
                // About 20 sectors in one write, or 50 in two, of which the disk may have any part.
                const auto added = world.add(**log, 6, i % 3 == 2 ? 4000 : 1500);
                if (added.ok()) {
                    acknowledged = world.written;
                } else if (added.error().code == error_code::store_unavailable) {
                    break;
                } else {
                    ASSERT_EQ(added.error().code, error_code::store_full);
                    ASSERT_EQ((*log)->head().last, acknowledged); // nothing by half; goes on
                }
            }
        }
        faults += world.disk.calls() > nth ? 1 : 0;
        ASSERT_NO_FATAL_FAILURE(afterwards(world, acknowledged));
    }
    EXPECT_GT(faults, 60U);
}

void expect_sound(small_log& world, std::uint64_t acknowledged) {
    auto log = world.open();
    ASSERT_TRUE(log.ok()) << log.error().message;
    ASSERT_GE((*log)->head().last, acknowledged);
    ASSERT_LE((*log)->head().last, acknowledged + 6);
    ASSERT_EQ(*(*log)->verify([](const finding&) {}, {}), 0U);
    world.written = (*log)->head().last;
    ASSERT_TRUE(world.add(**log).ok());
}

TEST(a_full_disk, at_any_call_loses_nothing_and_stops_nothing_for_good) {
    at_every_call(sim::fault::full, [](small_log& world, std::uint64_t acknowledged) {
        world.disk.heal();
        world.disk.restart();
        expect_sound(world, acknowledged);
    });
}

TEST(a_full_disk, never_brings_a_refused_append_back) {
    std::uint64_t refused = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        small_log world;
        auto log = world.open();
        ASSERT_TRUE(log.ok());
        ASSERT_TRUE(world.add(**log).ok());
        world.disk.fail_call(seed % 2, sim::fault::full); // the write, or the sync behind it
        const auto added = world.add(**log, 3);
        ASSERT_FALSE(added.ok());
        const bool unknown = added.error().code == error_code::store_unavailable;
        refused += unknown ? 0 : 1;
        world.disk.crash(seed);
        log = error{};
        log = world.open();
        ASSERT_TRUE(log.ok());
        const position last = (*log)->head().last;
        ASSERT_TRUE(last == 1 || (unknown && last == 4)) << "seed " << seed << " head " << last;
    }
    EXPECT_GT(refused, 10U);
}

TEST(an_input_output_error, at_any_call_loses_nothing) {
    at_every_call(sim::fault::io_error, [](small_log& world, std::uint64_t acknowledged) {
        world.disk.heal();
        world.disk.restart(); // the page cache still shows what a failed sync lost
        expect_sound(world, acknowledged);
        world.disk.crash(acknowledged);
        const std::uint64_t now = world.written;
        auto log = world.open();
        ASSERT_TRUE(log.ok()) << log.error().message;
        ASSERT_EQ((*log)->head().last, now);
    });
}

//! A process ends at some call, the next one starts, then the power goes: how often the log is refused.
std::uint64_t refused_after_restart_and_power_cut(sim::omission planted) {
    std::uint64_t refused = 0;
    for (std::uint64_t run = 0; run < 4 * 120; ++run) {
        const std::uint64_t nth = run / 4; // with four mixtures of what survives the power cut
        small_log world;
        world.disk.plant(planted);
        world.disk.fail_call(nth, sim::fault::io_error);
        if (auto log = world.open(); log.ok()) {
            for (int i = 0; i < 14 && world.add(**log, 6, 1500).ok(); ++i) {}
        }
        world.disk.heal();
        world.disk.restart(); // names in memory only are still to be seen
        { auto log = world.open(); }
        world.disk.crash(run);
        refused += world.open().ok() ? 0 : 1;
    }
    return refused;
}

TEST(a_power_cut, is_survived_because_a_start_syncs_the_folder_it_finds) {
    EXPECT_EQ(refused_after_restart_and_power_cut(sim::omission::nothing), 0U);
    EXPECT_GT(refused_after_restart_and_power_cut(sim::omission::directory_sync_at_start), 0U);
}

TEST(a_power_cut, at_any_call_loses_nothing) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        at_every_call(sim::fault::power_off, [seed](small_log& world, std::uint64_t acknowledged) {
            world.disk.crash(seed * 1000 + acknowledged);
            expect_sound(world, acknowledged);
        });
    }
}

} // namespace
} // namespace fasti
