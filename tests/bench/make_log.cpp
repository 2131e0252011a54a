// SPDX-License-Identifier: Apache-2.0
// fasti_make_log: a data folder with a log of so many registry events, as a server would have left it. What start,
// memory and replay cost is measured on it. One line of JSON: what was made.
#include "eventstore/segments/posix_files.hpp"
#include "eventstore/segments/segment_ledger.hpp"
#include "tests/bench/made_events.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::bench {
namespace {

constexpr std::size_t events_per_append = 4096;

template <class Result>
void must(const Result& done, const char* what) {
    if (!done.ok()) {
        throw std::runtime_error(std::string(what) + ": " + done.error().message);
    }
}

std::uint32_t number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (bad != std::errc{} || end != text.data() + text.size()) {
        throw std::runtime_error("not a number: " + std::string(text));
    }
    return value;
}

//! Drafts that outlive the event they were made from.
class kept_drafts {
public:
    void add(const event_draft& draft) {
        event_draft& kept = drafts.emplace_back(draft);
        kept.stream = texts_.emplace_back(draft.stream);
        kept.data = texts_.emplace_back(draft.data);
    }
    void clear() {
        drafts.clear();
        texts_.clear();
    }

    std::vector<event_draft> drafts;

private:
    std::deque<std::string> texts_;
};

void append(segment_ledger& log, kept_drafts& batch) {
    if (log.wants_next()) {
        must(log.prepare_next(), "the next segment");
    }
    must(log.append({batch.drafts, {}, {}}), "append");
    for (;;) {
        const auto more = log.maintain();
        must(more, "indexes");
        if (!more.value()) {
            break;
        }
    }
    batch.clear();
}

void make(const std::string& folder, const shape& of) {
    std::filesystem::create_directories(folder + "/log");
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    posix_files disk;
    segment_options how;
    how.path = folder + "/log";
    how.fresh_log_id.bytes.fill(7);
    how.fresh_epoch = 1;
    auto opened = open_segments(disk, how);
    must(opened, "open");
    segment_ledger& log = *opened.value();
    made_events events(of);
    kept_drafts batch;
    std::uint64_t count = 0;
    while (const event_draft* draft = events.next()) {
        batch.add(*draft);
        ++count;
        if (batch.drafts.size() == events_per_append) {
            append(log, batch);
        }
    }
    if (!batch.drafts.empty()) {
        append(log, batch);
    }
    must(log.carry_on(), "the last frame");
    std::printf("{\"events\": %llu, \"instances\": %llu, \"text_bytes\": %llu}\n",
                static_cast<unsigned long long>(count),
                static_cast<unsigned long long>(of.services) * of.per_service,
                static_cast<unsigned long long>(events.text_bytes()));
}

} // namespace
} // namespace fasti::bench

int main(int argc, char** argv) {
    if (argc != 6) {
        std::fputs("usage: fasti_make_log FOLDER SERVICES INSTANCES_OF_EACH CHANGES LEASE_MS\n",
                   stderr);
        return 2;
    }
    try {
        using fasti::bench::number;
        fasti::bench::make(argv[1],
                           {number(argv[2]), number(argv[3]), number(argv[4]), number(argv[5])});
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "fasti_make_log: %s\n", failure.what());
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
