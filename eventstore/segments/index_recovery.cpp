// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/index_recovery.hpp"

#include "eventstore/segments/segment_open.hpp"

#include <utility>
#include <vector>

namespace fasti::segments {
namespace {

//! Every key of a sealed segment, read from its frames.
result<std::shared_ptr<const memory_table>> scan_keys(const segment& of) {
    auto table = std::make_shared<memory_table>();
    const segment_extent extent = of.extent();
    frame_scanner scanner{of, segment_header_bytes, extent.end, read_many_bytes};
    std::vector<index_entry> keys;
    chain_walk chain{of.header().before};
    for (;;) {
        const auto step = scanner.next();
        if (!step.ok()) {
            return step.error();
        }
        if (*step == scan_step::end && chain.at().last == extent.after.last) {
            return std::shared_ptr<const memory_table>{std::move(table)};
        }
        keys.clear();
        const position expected = chain.at().last + 1;
        if (*step != scan_step::frame || !chain.follow(scanner.bytes(), scanner.header()) ||
            !frame_keys(scanner.bytes(), scanner.header(), keys)) {
            return describe_damage(of, scanner.offset(), expected);
        }
        for (const index_entry& key : keys) {
            table->add(key);
        }
    }
}

} // namespace

result<void> fill_index(const index_sources& from, key_index& index) {
    const std::size_t sealed = from.segments.size() - 1;
    const auto is_true = [&](const run_range& range) {
        return range.last_sequence <= sealed &&
               range.matches({range.first_sequence, range.last_sequence,
                              from.segments[range.first_sequence - 1]->extent().first,
                              from.segments[range.last_sequence - 1]->extent().after});
    };
    auto runs = find_runs(from.disk, from.options.path, from.log, is_true);
    if (!runs.ok()) {
        return std::move(runs).error();
    }
    auto run = runs->usable.begin();
    for (std::size_t i = 0; i < sealed;) {
        if (run != runs->usable.end() && (*run)->range().first_sequence == i + 1) {
            i = static_cast<std::size_t>((*run)->range().last_sequence);
            index.adopt(*run++);
            continue;
        }
        const segment& each = *from.segments[i];
        auto table = scan_keys(each);
        if (!table.ok()) {
            return std::move(table).error();
        }
        const segment_extent extent = each.extent();
        index.adopt({i + 1, i + 1, extent.first, extent.after}, std::move(table).value());
        if (from.options.report) {
            from.options.report({note_kind::index_rebuilt,
                                 "The index of " + each.name() + " was built again from the log."});
        }
        ++i;
    }
    if (from.options.mode == open_mode::read_only) {
        return {};
    }
    for (const auto* const list : {&runs->altered, &runs->superseded}) {
        for (const std::string& path : *list) {
            if (auto removed = from.disk.remove(path); !removed.ok()) {
                return removed;
            }
        }
    }
    return {};
}

} // namespace fasti::segments
