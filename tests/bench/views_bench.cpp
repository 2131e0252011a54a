// SPDX-License-Identifier: Apache-2.0
// Figures of the projections: how fast views are rebuilt, what an instance takes in memory, and that
// discovery costs the same whatever the numbers. Prints one JSON line for each figure.
// The raw limit beside a rebuild is decoding the same events without any view.
#include "domain/wire/events.gen.hpp"
#include "eventstore/memory/memory_ledger.hpp"
#include "eventstore/port/record.hpp"
#include "projections/engine/fold.hpp"
#include "projections/engine/past.hpp"
#include "projections/engine/view_set.hpp"
#include "tests/bench/made_events.hpp"

#include <time.h>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace fasti; // NOLINT: one program

//! Time of this thread on a core: all of it is computing, and others may share the machine.
double seconds_now() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void print(std::string_view path, double value, std::string_view unit, std::string_view of) {
    std::printf("{\"path\": \"%.*s\", \"value\": %.1f, \"unit\": \"%.*s\", \"of\": \"%.*s\"}\n",
                static_cast<int>(path.size()), path.data(), value, static_cast<int>(unit.size()),
                unit.data(), static_cast<int>(of.size()), of.data());
    std::fflush(stdout);
}

using bench::made_events;
using bench::shape;

//! A log in memory, in batches as the store would hand them out.
class made_log {
public:
    explicit made_log(const shape& of) : events_(of) {
        while (const event_draft* draft = events_.next()) {
            add(*draft);
        }
        close();
    }

    std::vector<std::unique_ptr<committed_batch>> batches;
    std::uint64_t count = 0;

    const std::vector<std::string>& services() const { return events_.services(); }
    const std::vector<std::string>& instances() const { return events_.instances(); }

private:
    void add(const event_draft& draft) {
        if (open_ == nullptr || open_->slices.size() == 256) {
            close();
            open_ = std::make_unique<committed_batch>();
            open_->first = count + 1;
        }
        const auto offset = static_cast<std::uint32_t>(open_->bytes.size());
        const auto size = static_cast<std::uint32_t>(encode_record(draft, ++count, open_->bytes));
        open_->slices.push_back({offset, size});
    }

    void close() {
        if (open_ != nullptr) {
            batches.push_back(std::move(open_));
        }
    }

    made_events events_;
    std::unique_ptr<committed_batch> open_;
};

double decode_only(const made_log& log) {
    event_scratch scratch;
    recorded_event event;
    std::uint64_t seen = 0;
    const double begin = seconds_now();
    for (const auto& batch : log.batches) {
        for (std::size_t i = 0; i < batch->slices.size(); ++i) {
            if (decode_record(batch->canonical(i), event)) {
                visit_event(event.fact.type, event.fact.revision, event.fact.data, scratch,
                            [&](const auto&) { ++seen; });
            }
        }
    }
    return static_cast<double>(seen) / (seconds_now() - begin);
}

std::string describe(const shape& of) {
    return std::to_string(of.services) + " services x " + std::to_string(of.per_service) +
           " instances, " + std::to_string(of.changes) + " changes";
}

void rebuild_figures(const shape& of) {
    const made_log log(of);
    const std::string what = describe(of);
    print("decode only", decode_only(log), "events/s", what);
    const auto views = std::make_unique<view_set>();
    const double begin = seconds_now();
    for (const auto& batch : log.batches) {
        views->apply(*batch);
    }
    const double took = seconds_now() - begin;
    print("view rebuild", static_cast<double>(log.count) / took, "events/s", what);
    const auto instances = static_cast<double>(views->registry().instance_count());
    print("registry view memory",
          static_cast<double>(views->registry().structure_bytes()) / instances,
          "bytes/instance beside text", what);
    std::string bytes;
    const double write_begin = seconds_now();
    views->registry().write_snapshot(bytes);
    print("registry snapshot write", (seconds_now() - write_begin) * 1e3, "ms", what);
    registry_view again;
    const double read_begin = seconds_now();
    const bool good = again.read_snapshot(bytes);
    print("registry snapshot read", good ? (seconds_now() - read_begin) * 1e3 : -1.0, "ms", what);
}

void lookup_figures(const shape& of) {
    const made_log log(of);
    const auto views = std::make_unique<view_set>();
    for (const auto& batch : log.batches) {
        views->apply(*batch);
    }
    const registry_view& view = views->registry();
    const std::string what = describe(of);
    std::mt19937_64 random(7);
    // The same number of distinct names in every shape, so that caches are as warm.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> wanted(1024);
    for (auto& one : wanted) {
        one = {static_cast<std::uint32_t>(random() % of.services),
               static_cast<std::uint32_t>(random() % of.per_service)};
    }
    constexpr int rounds = 400;
    registry::instance_row row;
    std::uint64_t sink = 0;
    double best_get = 1e9;
    double best_pick = 1e9;
    double best_weighted = 1e9;
    for (int repeat = 0; repeat < 5; ++repeat) {
        double begin = seconds_now();
        for (int round = 0; round < rounds; ++round) {
            for (const auto& [service, instance] : wanted) {
                view.fill(*view.slot_of(log.services()[service], log.instances()[instance]), row);
                sink += row.port;
            }
        }
        const double each = rounds * static_cast<double>(wanted.size());
        best_get = std::min(best_get, (seconds_now() - begin) / each);
        begin = seconds_now();
        for (int round = 0; round < rounds; ++round) {
            for (const auto& [service, instance] : wanted) {
                const auto healthy = view.healthy(*view.find_service(log.services()[service]));
                view.fill(healthy[instance * 31U % healthy.size()], row);
                sink += row.port;
            }
        }
        best_pick = std::min(best_pick, (seconds_now() - begin) / each);
        begin = seconds_now();
        for (int round = 0; round < rounds; ++round) {
            for (const auto& [service, instance] : wanted) {
                sink += *view.pick_weighted(*view.find_service(log.services()[service]), instance);
            }
        }
        best_weighted = std::min(best_weighted, (seconds_now() - begin) / each);
    }
    print("get instance row", best_get * 1e9, "ns", what);
    print("discover one, random", best_pick * 1e9, "ns", what);
    print("pick weighted", best_weighted * 1e9, sink == 0 ? "ns!" : "ns", what);
}

//! The past of a log of a million events without any snapshot: the worst case of the ladder.
void past_figures(const shape& of) {
    const made_log log(of);
    const std::string what = describe(of);
    id128 id;
    id.bytes.fill(1);
    memory_ledger facts(id, 1);
    std::vector<event_draft> drafts;
    recorded_event event;
    for (const auto& batch : log.batches) {
        drafts.clear();
        for (std::size_t i = 0; i < batch->slices.size(); ++i) {
            if (decode_record(batch->canonical(i), event)) {
                drafts.push_back(event.fact);
            }
        }
        if (!facts.append({drafts, {}, {}})) {
            std::fputs("the ledger refused a batch\n", stderr);
            std::exit(EXIT_FAILURE);
        }
    }
    std::mt19937_64 random(3);
    std::vector<double> took;
    for (int i = 0; i < 1000; ++i) {
        const std::string stream = registry::instance_stream(
            log.services()[random() % of.services], log.instances()[random() % of.per_service]);
        const double begin = seconds_now();
        const auto views = stream_as_of(facts, stream, 1 + random() % log.count, {});
        took.push_back(views ? seconds_now() - begin : 1e9);
    }
    std::sort(took.begin(), took.end());
    print("one key in the past, p99", took[took.size() * 99 / 100] * 1e3, "ms", what);
    const double begin = seconds_now();
    const auto views = rebuild(facts, log.count, {});
    print("whole view in the past, no snapshot", views ? (seconds_now() - begin) * 1e3 : -1.0, "ms",
          what);
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view which = argc > 1 ? argv[1] : "all";
    const std::string_view size = argc > 2 ? argv[2] : "";
    const bool small = size == "small";
    const bool all = which == "all";
    if (all || which == "rebuild") {
        if (small) {
            rebuild_figures({100, 20, 8'000});
        } else if (size == "middle") { // long enough to tell, short enough to repeat often
            rebuild_figures({1000, 20, 180'000});
        } else {
            rebuild_figures({10'000, 20, 800'000});
            rebuild_figures({1000, 1000, 0});
            rebuild_figures({100'000, 10, 0});
        }
    }
    if (all || which == "lookup") {
        for (const shape& of : small ? std::vector<shape>{{10, 10, 0}}
                                     : std::vector<shape>{{10, 10, 0},
                                                          {10, 3000, 0},
                                                          {1000, 100, 0},
                                                          {100'000, 1, 0},
                                                          {100'000, 10, 0}}) {
            lookup_figures(of);
        }
    }
    if (all || which == "past") {
        past_figures(small ? shape{100, 20, 8'000} : shape{10'000, 20, 800'000});
    }
    if (!all && which != "rebuild" && which != "lookup" && which != "past") {
        std::fputs(
            "usage: views_bench [rebuild [small | middle] | lookup [small] | past [small]]\n",
            stderr);
        return 2;
    }
    return EXIT_SUCCESS;
}
