// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/bytes.hpp"
#include "eventstore/segments/crc32c.hpp"
#include "eventstore/segments/format.hpp"
#include "eventstore/segments/frame.hpp"
#include "eventstore/segments/key_index.hpp"
#include "eventstore/segments/lookups.hpp"
#include "eventstore/segments/posix_files.hpp"
#include "eventstore/segments/recovery.hpp"
#include "eventstore/segments/stream_heads.hpp"
#include "tests/support/disk/small_log.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fasti {
namespace {

using namespace segments;
using sim::small_log;

TEST(crc32c, has_the_known_values_and_is_zero_over_nothing) {
    EXPECT_EQ(crc32c(""), 0U);
    EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
    EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
}

TEST(crc32c, is_the_same_with_and_without_the_instruction_and_in_pieces) {
    std::mt19937_64 random{4};
    std::string bytes(50'000, '\0');
    for (char& byte : bytes) {
        byte = static_cast<char>(random());
    }
    for (int round = 0; round < 300; ++round) {
        const std::size_t from = random() % 1000;
        const std::string_view part = std::string_view{bytes}.substr(
            from, random() % (bytes.size() - from));
        const std::size_t cut = random() % (part.size() + 1);
        EXPECT_EQ(crc32c(part), crc32c_portable(part));
        EXPECT_EQ(crc32c(part.substr(cut), crc32c(part.substr(0, cut))), crc32c(part));
    }
}

TEST(frame, is_not_seen_in_zeros_or_text) {
    frame_header header;
    EXPECT_FALSE(decode(std::string(sector_bytes, '\0'), header));
    EXPECT_FALSE(decode(std::string(sector_bytes, 'F'), header));
    segment_header segment;
    segment_footer footer;
    std::uint32_t format = 0;
    EXPECT_EQ(decode(std::string(segment_header_bytes, '\0'), segment, format),
              header_verdict::damaged);
    EXPECT_FALSE(decode(std::string(footer_bytes, '\0'), footer));
}

TEST(frame, notices_every_flipped_bit) {
    std::vector<event_draft> events(2);
    for (std::size_t i = 0; i < events.size(); ++i) {
        events[i].stream = "s";
        events[i].stream_version = i + 1;
        events[i].type = "t";
    }
    built_frame frame = encode_frame({{{{1}}, 2}, 3, 512, {}}, {events, {}, {}});
    frame_header header;
    ASSERT_TRUE(decode(frame.bytes, header));
    ASSERT_TRUE(frame_sound(frame.bytes, header));
    EXPECT_EQ(frame.bytes.size() % sector_bytes, 0U);
    for (std::size_t bit = 0; bit < frame.bytes.size() * 8; ++bit) {
        char& byte = frame.bytes[bit / 8];
        byte = static_cast<char>(byte ^ (1 << (bit % 8)));
        const bool passes = decode(frame.bytes, header) && frame_sound(frame.bytes, header);
        EXPECT_FALSE(passes) << "bit " << bit;
        byte = static_cast<char>(byte ^ (1 << (bit % 8)));
    }
}

TEST(log_file, names_both_numbers_when_the_format_is_newer) {
    const log_identity log{{{7}}, 0xab};
    ASSERT_TRUE(read_log_file(log_file_text(log)).ok());
    EXPECT_EQ(*read_log_file(log_file_text(log)), log);
    const auto newer = read_log_file("fasti log\nformat 9\nwhatever\n");
    ASSERT_FALSE(newer.ok());
    EXPECT_EQ(newer.error().code, error_code::format_newer);
    EXPECT_NE(newer.error().message.find("format 9"), std::string::npos);
    EXPECT_NE(newer.error().message.find("reads format 2"), std::string::npos);
}

//! A LOG as the program wrote it that this one replaced.
std::string log_file_of_format_1() {
    return "fasti log\nformat 1\nlog_id f00d0000000000000000000000000000\n"
           "epoch 000000000000e90c\ncrc32c b3f1cb47\n";
}

TEST(log_file, is_refused_naming_both_numbers_when_the_format_is_older) {
    const auto older = read_log_file(log_file_of_format_1());
    ASSERT_FALSE(older.ok());
    EXPECT_EQ(older.error().code, error_code::format_older) << older.error().message;
    EXPECT_NE(older.error().message.find("has format 1"), std::string::npos);
    EXPECT_NE(older.error().message.find("reads format 2"), std::string::npos);
    // Such a text with a wrong checksum is no older log but an altered one.
    std::string altered = log_file_text({{{7}}, 0xab});
    altered.replace(altered.find("format 2"), 8, "format 1");
    EXPECT_EQ(read_log_file(altered).error().code, error_code::store_damaged);
}

TEST(segment_ledger, of_an_older_format_is_refused_and_left_as_it_is) {
    small_log world;
    ASSERT_TRUE(world.open().ok());
    world.disk.put_content("data/log/LOG", log_file_of_format_1());
    const auto before = world.disk.all();
    for (const open_mode mode : {open_mode::read_only, open_mode::read_write}) {
        const auto log = world.open(mode);
        ASSERT_FALSE(log.ok());
        EXPECT_EQ(log.error().code, error_code::format_older) << log.error().message;
    }
    EXPECT_EQ(world.disk.all(), before);
}

TEST(segment_ledger, with_a_segment_of_an_older_format_is_refused) {
    small_log world;
    ASSERT_TRUE(world.open().ok());
    std::string segment = world.disk.content(small_log::segment(1));
    segment[8] = 1;
    const std::uint32_t crc = crc32c(std::string_view{segment}.substr(8, segment_header_bytes - 8));
    byte_writer{segment.data() + 4}.number(crc);
    world.disk.put_content(small_log::segment(1), segment);
    const auto log = world.open();
    ASSERT_FALSE(log.ok());
    EXPECT_EQ(log.error().code, error_code::format_older) << log.error().message;
}

TEST(stream_heads, forget_only_what_was_not_asked_for_since_two_generations) {
    stream_heads heads{100};
    for (std::uint64_t i = 0; i < 250; ++i) {
        const std::string name = "s" + std::to_string(i);
        EXPECT_EQ(heads.find(hash64(name), name), nullptr);
        heads.insert(hash64(name), name, i + 1);
        if (std::uint64_t* const first = heads.find(hash64("s0"), "s0")) {
            EXPECT_EQ(*first, 1U);
        } else {
            ADD_FAILURE() << "asked for all the time and forgotten at " << i;
        }
    }
    EXPECT_EQ(*heads.find(hash64("s249"), "s249"), 250U);
    EXPECT_EQ(heads.find(hash64("s1"), "s1"), nullptr);
    EXPECT_EQ(heads.find(hash64("s249"), "s248"), nullptr); // same hash, other text
}

TEST(key_index, finds_every_place_of_every_key_newest_first_after_any_merging) {
    sim::sim_disk disk;
    key_index index{disk, "d", {}};
    std::mt19937_64 random{8};
    std::map<std::uint64_t, std::vector<position>> expected;
    position at = 0;
    for (std::uint64_t sequence = 1; sequence <= 21; ++sequence) {
        std::vector<index_entry> entries;
        const position first = at + 1;
        for (int i = 0; i < 900; ++i) {
            const std::uint64_t key = hash64(std::to_string(random() % (i % 3 == 0 ? 5 : 5000)));
            entries.push_back({key, ++at});
            expected[key].push_back(at);
        }
        index.add(entries);
        index.freeze({sequence, sequence, first, {at, {}, {}}});
        while (random() % 3 != 0 && *index.maintain()) {}
    }
    while (*index.maintain()) {}
    EXPECT_LE(index.sealed_parts().size(), 6U); // 21 segments: one of 16, one of 4, one of 1
    for (auto& [key, places] : expected) {
        std::reverse(places.begin(), places.end());
        std::vector<position> found;
        ASSERT_TRUE(index
                        .each_newest(key,
                                     [&](position each) {
                                         found.push_back(each);
                                         return true;
                                     })
                        .ok());
        ASSERT_EQ(found, places);
    }
    std::size_t calls = 0;
    const std::uint64_t before = disk.calls();
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(index
                        .each_newest(hash64("fresh" + std::to_string(i)),
                                     [&](position) {
                                         ++calls;
                                         return true;
                                     })
                        .ok());
    }
    EXPECT_EQ(calls, 0U);
    EXPECT_LT(disk.calls() - before, 100U); // filters answer: hardly a read
}

TEST(key_index, sums_up_the_active_segment_while_it_grows) {
    sim::sim_disk disk;
    key_index index{disk, "d", {}};
    std::vector<index_entry> entries;
    entry_digest expected;
    for (position at = 1; at <= 5000; ++at) { // more than are looked at at once
        entries.push_back({hash64(std::to_string(at % 700)), at});
        if (at <= 4321) {
            expected.add(entries.back());
        }
    }
    index.add(entries);
    std::atomic<bool> done{false};
    std::thread appender{[&] {
        for (position at = 5001; at <= 12'000; ++at) {
            const index_entry fresh{hash64(std::to_string(at % 700)), at};
            index.add({&fresh, 1});
        }
        done = true;
    }};
    do {
        EXPECT_EQ(index.active_digest(4321), expected);
    } while (!done);
    appender.join();
}

//! Two keys may have one hash: the index then names places of both, and the log decides.
TEST(lookups, answer_with_what_the_log_says_where_the_index_names_places_of_others) {
    small_log world;
    {
        const auto log = world.open();
        ASSERT_TRUE(log.ok());
        for (int i = 0; i < 6; ++i) {
            ASSERT_TRUE(world.add(**log).ok());
        }
    }
    const auto found = recover(world.disk, world.options(open_mode::read_only));
    ASSERT_TRUE(found.ok());
    const std::vector<index_entry> others{{stream_key("thing/2"), 5},
                                          {receipt_key("default/test", "key-2"), 5},
                                          {claim_key("thing/2"), 5},
                                          {stream_key("nobody"), 5}};
    found->index->add(others);
    const indexed_log log{*found->set, *found->index};
    const auto positions = [&](std::string_view stream, std::uint64_t from_version) {
        std::vector<position> out;
        EXPECT_TRUE(read_one_stream(log, stream, from_version, [&](const recorded_event& event) {
                        out.push_back(event.at);
                        return read_more::go_on;
                    }).ok());
        return out;
    };
    EXPECT_EQ(positions("thing/2", 1), std::vector<position>{3});
    EXPECT_EQ(positions("thing/2", 2), std::vector<position>{});
    EXPECT_EQ(positions("nobody", 1), std::vector<position>{});
    EXPECT_EQ(*version_of(log, "thing/2"), 1U);
    EXPECT_EQ(*version_of(log, "nobody"), 0U);
    EXPECT_EQ((*receipt_of(log, "default/test", "key-2"))->first, 3U);
    EXPECT_EQ(**holder_of(log, "thing/2"), "thing/2");
}

TEST(segment_ledger, is_opened_by_one_server_only) {
    small_log world;
    auto first = world.open();
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(world.open().error().code, error_code::store_locked);
    EXPECT_TRUE(world.open(open_mode::read_only).ok());
    first = error{};
    EXPECT_TRUE(world.open().ok());
}

TEST(segment_ledger, is_locked_on_a_real_disk_too) {
    std::string pattern = (std::filesystem::temp_directory_path() / "fasti_lock_XXXXXX").string();
    const std::string path = ::mkdtemp(pattern.data());
    posix_files disk;
    {
        segment_options options;
        options.path = path + "/log";
        options.segment_bytes = 64U * 1024U;
        const auto first = open_segments(disk, options);
        ASSERT_TRUE(first.ok());
        const error second = open_segments(disk, options).error();
        EXPECT_EQ(second.code, error_code::store_locked);
        EXPECT_NE(second.message.find("Process " + std::to_string(::getpid()) + " has "),
                  std::string::npos)
            << second.message;
        // A number that a killed holder left behind names nobody.
        std::ofstream(options.path + "/LOCK") << 0x7FFF'FFFF << "\n";
        EXPECT_EQ(open_segments(disk, options).error().message.find("Another process has "), 0U);
        const auto folder = std::filesystem::status(options.path).permissions();
        EXPECT_EQ(folder & std::filesystem::perms::others_all, std::filesystem::perms::none);
    }
    EXPECT_EQ(std::filesystem::file_size(path + "/log/LOCK"), 0U) << "nobody has it any more";
    std::filesystem::remove_all(path);
}

TEST(segment_ledger, is_followed_by_a_reader_that_changes_nothing) {
    small_log world;
    auto server = world.open();
    ASSERT_TRUE(server.ok());
    ASSERT_TRUE(world.add(**server).ok());
    auto reader = world.open(open_mode::read_only);
    ASSERT_TRUE(reader.ok());
    EXPECT_EQ((*reader)->head().last, 1U);
    for (unsigned segments = 1; segments <= 6; ++segments) {
        world.fill(**server, segments);
        ASSERT_TRUE(world.add(**server).ok());
        if (segments % 2 == 0) {
            while (*(*server)->maintain()) {}
        }
        const auto before = world.disk.all();
        ASSERT_TRUE((*reader)->refresh().ok());
        auto fresh = world.open(open_mode::read_only);
        ASSERT_TRUE(fresh.ok());
        EXPECT_EQ(world.disk.all(), before);
        for (const segment_ledger* const each : {reader->get(), fresh->get()}) {
            EXPECT_EQ(each->head().last, world.written);
            EXPECT_EQ(each->head().last_hash, (*server)->head().last_hash);
            EXPECT_EQ(*each->stream_version("thing/0"), 1U);
            EXPECT_TRUE(each->find_receipt("default/test", "key-0")->has_value());
            EXPECT_EQ(*each->read(1, ~position{0}, {},
                                  [](const recorded_event&) { return read_more::go_on; }),
                      world.written + 1);
        }
    }
    EXPECT_EQ((*reader)->append({}).error().code, error_code::store_unavailable);
    EXPECT_EQ((*reader)->carry_on().error().code, error_code::store_unavailable);
}

TEST(segment_ledger, needs_no_room_for_what_ensure_room_allowed) {
    small_log world;
    auto log = world.open();
    ASSERT_TRUE(log.ok());
    for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE((*log)->ensure_room(20'000).ok());
        std::vector<std::string> before;
        for (const auto& [name, content] : world.disk.all()) {
            before.push_back(name + std::to_string(content.size()));
        }
        ASSERT_TRUE(world.add(**log, 10, 1500).ok());
        std::size_t bytes = 0;
        for (const auto& [name, content] : world.disk.all()) {
            bytes += content.size();
        }
        ASSERT_EQ(bytes % (64U * 1024U), world.disk.content("data/log/LOG").size());
        ASSERT_EQ(world.disk.all().size(), before.size()); // renamed at most, never one more
    }
}

TEST(segment_ledger, proves_the_last_append_once) {
    small_log world;
    auto log = world.open();
    ASSERT_TRUE(log.ok());
    ASSERT_TRUE((*log)->carry_on().ok()); // nothing to prove yet
    EXPECT_EQ(world.disk.content(small_log::segment(1)).substr(512, 512), std::string(512, '\0'));
    ASSERT_TRUE(world.add(**log).ok());
    ASSERT_TRUE((*log)->carry_on().ok());
    const std::string proven = world.disk.content(small_log::segment(1));
    ASSERT_TRUE((*log)->carry_on().ok());
    EXPECT_EQ(world.disk.content(small_log::segment(1)), proven);
}

//! The page cache lies after a failed sync: whoever could go on would answer for what the disk never had.
TEST(segment_ledger, takes_nothing_more_after_a_write_or_sync_that_failed) {
    for (const std::uint64_t call : {0U, 1U}) { // the write of the frame, its sync
        small_log world;
        auto log = world.open();
        ASSERT_TRUE(log.ok());
        ASSERT_TRUE(world.add(**log).ok());
        world.disk.fail_call(call, sim::fault::io_error);
        EXPECT_EQ(world.add(**log).error().code, error_code::store_unavailable);
        world.disk.heal();
        const std::string as_it_was = world.disk.content(small_log::segment(1));
        world.written = 9; // whether the failed one is there is not known: another stream
        EXPECT_EQ(world.add(**log).error().code, error_code::store_unavailable);
        EXPECT_EQ((*log)->carry_on().error().code, error_code::store_unavailable);
        EXPECT_EQ((*log)->ensure_room(100).error().code, error_code::store_unavailable);
        EXPECT_EQ(world.disk.content(small_log::segment(1)), as_it_was);
        EXPECT_EQ((*log)->head().last, 1U);
    }
}

TEST(segment_ledger, is_read_on_many_threads_while_it_grows) {
    small_log world;
    auto opened = world.open();
    ASSERT_TRUE(opened.ok());
    segment_ledger& log = **opened;
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    for (unsigned reader = 0; reader < 3; ++reader) {
        threads.emplace_back([&log, &done, reader] {
            std::mt19937_64 random{reader};
            while (!done) {
                const position head = log.head().last;
                position expected = 1 + random() % (head + 1);
                const auto next = log.read(expected, ~position{0}, {},
                                           [&](const recorded_event& event) {
                                               EXPECT_EQ(event.at, expected);
                                               ++expected;
                                               return read_more::go_on;
                                           });
                EXPECT_TRUE(next.ok()) << next.error().message;
                if (head != 0) {
                    const std::string stream = "thing/" + std::to_string(random() % head);
                    EXPECT_EQ(*log.stream_version(stream), 1U);
                    EXPECT_TRUE(log.hash_at(1 + random() % head).ok());
                }
            }
        });
    }
    threads.emplace_back([&log, &done] {
        while (!done) {
            EXPECT_TRUE(log.prepare_next().ok());
            EXPECT_TRUE(log.maintain().ok());
        }
    });
    world.fill(log, 12);
    done = true;
    for (std::thread& each : threads) {
        each.join();
    }
    EXPECT_EQ(*log.verify([](const finding&) {}, {}), 0U);
}

} // namespace
} // namespace fasti
