// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/past_folds.hpp"

#include "adapters/api/refusals.hpp"

namespace fasti::api {

void past_folds::start(node& live) {
    past_ = std::make_unique<past_views>(live.facts(), context_.snapshots,
                                         context_.options.past_bytes_max);
}

void past_folds::drain() {
    for (const auto& [id, stop] : stops_) {
        stop->store(true);
    }
}

void past_folds::begin(const call& asked, std::function<finish(const progress_sink&)> work) {
    if (context_.now == phase::draining) {
        asked.refuse(shutting_down());
        return;
    }
    const std::uint64_t id = ++last_id_;
    const auto stop = std::make_shared<std::atomic<bool>>(false);
    const auto turn = [this, id, stop, work = std::move(work)] {
        const finish told = work([stop](std::uint64_t, std::uint64_t) { return !stop->load(); });
        context_.post([this, id, told] {
            stops_.erase(id);
            told();
        });
    };
    if (!context_.folds.run(turn)) {
        asked.refuse(past_full());
        return;
    }
    stops_.emplace(id, stop);
    asked.to.on_cancel([stop] { stop->store(true); });
}

//! What was stopped while the server drains is told as just that.
void past_folds::refuse(const call& asked, const error& why) const {
    const bool stopped = why.code == error_code::not_ready && context_.now == phase::draining;
    asked.refuse(stopped ? shutting_down() : why);
}

} // namespace fasti::api
