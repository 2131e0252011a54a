// SPDX-License-Identifier: Apache-2.0
//! A sound log whose files are altered behind everybody's back, for tests that look at what is said of it.
#pragma once

#include "eventstore/segments/format.hpp"
#include "tests/support/disk/small_log.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fasti::sim {

inline std::string name_of(unsigned sequence) { return small_log::segment(sequence).substr(9); }

struct altered_log : testing::Test {
    //! A sound log of that many segments, closed.
    void make(unsigned segments) {
        auto log = world.open();
        ASSERT_TRUE(log.ok());
        world.fill(**log, segments);
        ASSERT_TRUE(world.add(**log, 3).ok());
    }

    segments::segment_footer footer_of(unsigned sequence) const {
        const std::string content = world.disk.content(small_log::segment(sequence));
        segments::segment_footer footer;
        EXPECT_TRUE(segments::decode(
            std::string_view{content}.substr(content.size() - segments::footer_bytes), footer));
        return footer;
    }

    //! For those too who have the file open.
    void write(unsigned sequence, std::size_t at, std::string_view bytes) {
        ASSERT_TRUE((*world.disk.open(small_log::segment(sequence), file_mode::write))
                        ->write_at(at, bytes)
                        .ok());
    }
    void alter(unsigned sequence, std::size_t at) {
        const std::string content = world.disk.content(small_log::segment(sequence));
        write(sequence, at, std::string(1, static_cast<char>(content[at] ^ 1)));
    }

    //! The frames with events of a segment, by their headers.
    std::vector<segments::frame_header> frames_of(unsigned sequence) const {
        const std::string content = world.disk.content(small_log::segment(sequence));
        std::vector<segments::frame_header> out;
        segments::frame_header frame;
        for (std::size_t at = 512;
             segments::decode(std::string_view{content}.substr(at, 512), frame);
             at += segments::padded(frame.length)) {
            if (frame.events != 0) {
                out.push_back(frame);
            }
        }
        return out;
    }

    static std::string range(position first, position last) {
        return first == last ? "Position " + std::to_string(first) + " cannot be read"
                             : "Positions " + std::to_string(first) + " to " +
                                   std::to_string(last) + " cannot be read";
    }

    static void expect_begins(const error& why, const std::string& text) {
        EXPECT_EQ(why.code, error_code::store_damaged);
        EXPECT_EQ(why.message.find(text), 0U) << why.message << "\nnot: " << text;
    }

    small_log world;
};

} // namespace fasti::sim
