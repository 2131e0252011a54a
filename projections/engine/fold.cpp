// SPDX-License-Identifier: Apache-2.0
#include "projections/engine/fold.hpp"

#include "domain/base/check.hpp"
#include "eventstore/port/record.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace fasti {
namespace {

constexpr std::uint64_t progress_events = 32'768;

//! Collects events of a reader, whose text lives for one call only, and applies them in runs.
class run_buffer {
public:
    explicit run_buffer(view_set& views) : views_(views) {}

    void add(const recorded_event& event) {
        ends_.push_back(bytes_.append(event.canonical).size());
        if (ends_.size() == run_events) {
            flush();
        }
    }

    void flush() {
        events_.resize(ends_.size());
        std::size_t begin = 0;
        for (std::size_t i = 0; i < ends_.size(); ++i) {
            const std::string_view canonical{bytes_.data() + begin, ends_[i] - begin};
            check(decode_record(canonical, events_[i]), "a ledger hands out canonical events");
            begin = ends_[i];
        }
        views_.apply_run(events_);
        bytes_.clear();
        ends_.clear();
    }

private:
    static constexpr std::size_t run_events = 512;

    view_set& views_;
    std::string bytes_;
    std::vector<std::size_t> ends_;
    std::vector<recorded_event> events_;
};

} // namespace

result<void> catch_up(const fold_target& into, const ledger& facts, position to,
                      const progress_sink& progress) {
    const position first = into.views.at() + 1;
    const position last = std::min(to, facts.head().last);
    if (first > last) {
        return {};
    }
    run_buffer run(into.views);
    std::optional<error> failure;
    const auto visit = [&](const recorded_event& event) {
        for (extra_fold* const extra : into.extras) {
            if (auto folded = extra->fold(event); !folded) {
                failure = std::move(folded).error();
                return read_more::stop;
            }
        }
        run.add(event);
        const std::uint64_t done = event.at - first + 1;
        if (progress && (done % progress_events == 0 || event.at == last) &&
            !progress(done, last - first + 1)) {
            failure = error{error_code::not_ready, "The fold was stopped before its end."};
            return read_more::stop;
        }
        return read_more::go_on;
    };
    const auto end = facts.read(first, last, {}, visit);
    run.flush();
    if (failure) {
        return std::move(*failure);
    }
    if (!end) {
        return end.error();
    }
    if (into.views.at() != last) {
        return error{error_code::store_damaged,
                     "The log ended at position " + std::to_string(into.views.at()) +
                         " before its head " + std::to_string(last) + "."};
    }
    return {};
}

result<std::unique_ptr<view_set>> rebuild(const ledger& facts, position to,
                                          const progress_sink& progress) {
    auto views = std::make_unique<view_set>();
    if (auto done = catch_up({*views}, facts, to, progress); !done) {
        return std::move(done).error();
    }
    return views;
}

std::string bytes_of(const view_set& views, std::string_view view) {
    std::string out;
    views.each_view([&](const auto& one) {
        if (one.name == view) {
            one.write_snapshot(out);
        }
    });
    return out;
}

std::vector<view_comparison> compare(const view_set& one, const view_set& other) {
    std::vector<view_comparison> out;
    one.each_view([&](const auto& view) {
        std::string bytes;
        view.write_snapshot(bytes);
        out.push_back({view.name, bytes.size(), bytes == bytes_of(other, view.name)});
    });
    return out;
}

} // namespace fasti
