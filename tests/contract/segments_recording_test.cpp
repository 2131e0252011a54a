// SPDX-License-Identifier: Apache-2.0
// A record of what passed through the door gives disks on which the log opens with all that was durable.
#include "eventstore/segments/posix_files.hpp"
#include "eventstore/segments/recording.hpp"
#include "eventstore/segments/segment_ledger.hpp"
#include "tests/support/disk/crash_image.hpp"
#include "tests/support/disk/small_log.hpp"

#include <gtest/gtest.h>

namespace fasti {
namespace {

TEST(recording, gives_a_disk_for_every_moment_of_a_run) {
    sim::small_log world;
    std::vector<std::pair<std::uint64_t, position>> acknowledged; // operations so far, head then
    std::string last_bytes;
    {
        auto recorder = make_recording_files(world.disk, "record");
        ASSERT_TRUE(recorder.ok());
        auto log = open_segments(**recorder, world.options());
        ASSERT_TRUE(log.ok());
        for (int i = 0; i < 60; ++i) {
            ASSERT_TRUE(world.add(**log, 4, 900).ok());
            acknowledged.emplace_back(sim::summarise(world.disk.content("record")).operations,
                                      world.written);
            if (i % 9 == 0) {
                ASSERT_TRUE((*log)->prepare_next().ok());
                ASSERT_TRUE((*log)->maintain().ok());
            }
        }
    }
    const std::string record = world.disk.content("record");
    const std::uint64_t operations = sim::summarise(record).operations;
    EXPECT_GT(sim::summarise(record).syncs, 60U);
    std::size_t next = 0;
    for (std::uint64_t after = 0; after <= operations; ++after) {
        const sim::crash_image image = sim::image_after(record, after, after * 7 + 1);
        while (next < acknowledged.size() && acknowledged[next].first <= after) {
            ++next;
        }
        const position told = next == 0 ? 0 : acknowledged[next - 1].second;
        ASSERT_GE(image.must_have, told) << "after " << after;
        sim::small_log revived;
        for (const auto& [name, content] : image.files) {
            revived.disk.put_content(name, content);
        }
        // Only read before a start mends anything: a sealing that was cut short is no finding.
        if (auto seen = revived.open(open_mode::read_only); seen.ok()) {
            ASSERT_EQ(*(*seen)->verify([](const finding&) {}, {}), 0U) << "after " << after;
        } else {
            ASSERT_EQ(image.must_have, 0U) << "after " << after << ": " << seen.error().message;
        }
        auto log = revived.open();
        ASSERT_TRUE(log.ok()) << "after " << after << ": " << log.error().message;
        ASSERT_GE((*log)->head().last, image.must_have) << "after " << after;
        ASSERT_EQ(*(*log)->verify([](const finding&) {}, {}), 0U);
    }
    EXPECT_EQ(next, acknowledged.size());
}

} // namespace
} // namespace fasti
