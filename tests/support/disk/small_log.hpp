// SPDX-License-Identifier: Apache-2.0
//! A log of 64 KiB segments on a simulated disk, for tests that look at its files.
#pragma once

#include "eventstore/segments/segment_ledger.hpp"
#include "tests/support/disk/sim_disk.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fasti::sim {

struct small_log {
    sim_disk disk;
    std::vector<store_note> notes;
    std::uint64_t written = 0; //!< events appended by fill()

    segment_options options(open_mode mode = open_mode::read_write) {
        segment_options out;
        out.path = "data/log";
        out.segment_bytes = 64U * 1024U;
        out.mode = mode;
        out.fresh_log_id = {{0xf0, 0x0d}};
        out.fresh_epoch = 0xe90c;
        out.report = [this](const store_note& note) { notes.push_back(note); };
        return out;
    }
    result<std::unique_ptr<segment_ledger>> open(open_mode mode = open_mode::read_write) {
        return open_segments(disk, options(mode));
    }
    static std::string segment(unsigned sequence) {
        const std::string digits = std::to_string(sequence);
        return "data/log/" + std::string(20 - digits.size(), '0') + digits + ".seg";
    }

    //! One append of `count` events on one stream each, with a receipt and a claim.
    result<std::shared_ptr<const committed_batch>> add(segment_ledger& log, std::size_t count = 1,
                                                       std::size_t data_bytes = 100) {
        std::vector<std::string> names(count);
        std::vector<event_draft> events(count);
        const std::string data(data_bytes, 'd');
        for (std::size_t i = 0; i < count; ++i) {
            names[i] = "thing/" + std::to_string(written + i);
            events[i].stream = names[i];
            events[i].stream_version = 1;
            events[i].type = "thing_happened";
            events[i].recorded = {static_cast<std::int64_t>(1000 + written + i)};
            events[i].data = data;
        }
        const std::string key = "key-" + std::to_string(written);
        receipt_draft receipt;
        receipt.scope = "default/test";
        receipt.key = key;
        receipt.count = static_cast<std::uint32_t>(count);
        const claim_draft claim{names[0], names[0]};
        auto committed = log.append({events, {&receipt, 1}, {&claim, 1}});
        if (committed.ok()) {
            written += count;
        }
        return committed;
    }
    //! Appends until `segments` files are in use.
    void fill(segment_ledger& log, unsigned segments) {
        while (!disk.has(segment(segments))) {
            if (!add(log, 1 + written % 5, 400).ok()) {
                return;
            }
        }
    }
};

} // namespace fasti::sim
