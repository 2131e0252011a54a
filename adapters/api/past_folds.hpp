// SPDX-License-Identifier: Apache-2.0
//! Questions that need whole views as they were. Each may fold millions of events, so they have a
//! worker of their own, wait in a bounded queue, and end early when their client goes away or the
//! server stops. All of them share one memory of past views.
//! Thread: the I/O thread; the work itself runs on the worker.
//! Source: docs/decisions/0043_slow_work.md
#pragma once

#include "adapters/api/call.hpp"
#include "projections/engine/past.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

namespace fasti::api {

class past_folds {
public:
    explicit past_folds(api_context& context) : context_(context) {}

    //! Before the first question.
    void start(node& live);
    //! Ends what runs and what waits: each is told that the server is shutting down.
    void drain();

    //! Runs `fold(views, progress)`, which gives a result, and then `tell(value)` on the I/O thread, or
    //! refuses the call with the error.
    template <class Fold, class Tell>
    void answer(const call& asked, Fold fold, Tell tell) {
        begin(asked, [this, asked, fold = std::move(fold),
                      tell = std::move(tell)](const progress_sink& progress) {
            auto made = std::make_shared<decltype(fold(*past_, progress))>(fold(*past_, progress));
            return [this, asked, made, tell] {
                if (made->ok()) {
                    tell(std::move(made->value()));
                } else {
                    refuse(asked, made->error());
                }
            };
        });
    }

private:
    using finish = std::function<void()>;

    void begin(const call& asked, std::function<finish(const progress_sink&)> work);
    void refuse(const call& asked, const error& why) const;

    api_context& context_;
    std::unique_ptr<past_views> past_ = {}; // the worker's alone once it began
    std::unordered_map<std::uint64_t, std::shared_ptr<std::atomic<bool>>> stops_ = {};
    std::uint64_t last_id_ = 0;
};

} // namespace fasti::api
