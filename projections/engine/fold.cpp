// SPDX-License-Identifier: Apache-2.0
#include "projections/engine/fold.hpp"

#include "domain/base/check.hpp"
#include "eventstore/port/record.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace fasti {
namespace {

constexpr std::uint64_t progress_events = 32'768;
constexpr std::size_t run_events = 512;
//! From here on a second thread saves more than it costs.
constexpr std::uint64_t beside_events = 65'536;

//! Events that follow each other, with their bytes: those of a reader live for one call only.
struct event_run {
    std::string bytes;
    std::vector<std::size_t> ends;
    std::vector<recorded_event> events;

    void add(const recorded_event& event) { ends.push_back(bytes.append(event.canonical).size()); }
    void decode() {
        events.resize(ends.size());
        std::size_t begin = 0;
        for (std::size_t i = 0; i < ends.size(); ++i) {
            const std::string_view canonical{bytes.data() + begin, ends[i] - begin};
            check(decode_record(canonical, events[i]), "a ledger hands out canonical events");
            begin = ends[i];
        }
    }
    void clear() {
        bytes.clear();
        ends.clear();
        events.clear();
    }
};

//! Applies runs to the views: at once, or on a thread of its own while the caller fills the next.
class run_applier {
public:
    run_applier(view_set& views, bool beside) : views_(views) {
        if (beside) {
            thread_ = std::thread([this] { work(); });
        }
    }
    run_applier(const run_applier&) = delete;
    run_applier& operator=(const run_applier&) = delete;
    ~run_applier() { finish(); }

    //! The run that is being filled.
    event_run& open() noexcept { return runs_[filled_ % runs_.size()]; }

    //! Its events are applied, now or soon; the next one is open and empty.
    void hand_over() {
        if (!thread_.joinable()) {
            views_.apply_run(open().events);
        } else {
            std::unique_lock lock(mutex_);
            ++filled_;
            changed_.notify_one();
            changed_.wait(lock, [this] { return filled_ - applied_ < runs_.size(); });
        }
        open().clear();
    }

    //! Returns when all is applied.
    void finish() {
        if (thread_.joinable()) {
            {
                const std::lock_guard lock(mutex_);
                ended_ = true;
            }
            changed_.notify_one();
            thread_.join();
        }
    }

private:
    void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return applied_ < filled_ || ended_; });
            if (applied_ == filled_) {
                return;
            }
            lock.unlock();
            views_.apply_run(runs_[applied_ % runs_.size()].events);
            lock.lock();
            ++applied_;
            changed_.notify_one();
        }
    }

    view_set& views_;
    std::array<event_run, 4> runs_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t filled_ = 0;
    std::uint64_t applied_ = 0;
    bool ended_ = false;
    std::thread thread_;
};

//! Folds a run event by event; what follows an error is taken out of it.
result<void> fold_extras(extra_folds extras, event_run& run) {
    for (std::size_t at = 0; at < run.events.size(); ++at) {
        for (extra_fold* const extra : extras) {
            extra->look_ahead(run.events, at);
            if (auto folded = extra->fold(run.events[at]); !folded) {
                run.events.resize(at);
                return folded;
            }
        }
    }
    return {};
}

} // namespace

result<void> catch_up(const fold_target& into, const ledger& facts, position to,
                      const progress_sink& progress) {
    const position first = into.views.at() + 1;
    const position last = std::min(to, facts.head().last);
    if (first > last) {
        return {};
    }
    run_applier views(into.views, !into.extras.empty() && last - first >= beside_events);
    std::optional<error> failure;
    bool refused = false; // by an extra fold: then nothing behind that event is folded
    const auto fold_run = [&] {
        views.open().decode();
        if (auto folded = fold_extras(into.extras, views.open()); !folded) {
            failure = std::move(folded).error();
            refused = true;
        }
        views.hand_over();
    };
    const auto visit = [&](const recorded_event& event) {
        views.open().add(event);
        if (views.open().ends.size() == run_events) {
            fold_run();
        }
        const std::uint64_t done = event.at - first + 1;
        if (!failure && progress && (done % progress_events == 0 || event.at == last) &&
            !progress(done, last - first + 1)) {
            failure = error{error_code::not_ready, "The fold was stopped before its end."};
        }
        return failure ? read_more::stop : read_more::go_on;
    };
    const auto end = facts.read(first, last, {}, visit);
    if (!refused) {
        fold_run();
    }
    views.finish();
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
