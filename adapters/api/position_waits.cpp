// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/position_waits.hpp"

#include "adapters/api/authentication.hpp"
#include "adapters/api/read_place.hpp"

#include <utility>
#include <vector>

namespace fasti::api {
namespace {

constexpr std::uint64_t wait_ms_default = 10'000;

} // namespace

void position_waits::pass(const call& asked, const common_params& with,
                          std::function<void()> go_on) {
    if (with.after.empty()) {
        go_on();
        return;
    }
    const auto place = read_place(with.after, context_.live->facts());
    if (!place.ok()) {
        asked.refuse(place.error());
    } else if (place.value() <= context_.live->views().at()) {
        go_on();
    } else if (context_.now == phase::draining) {
        give_up(place.value(), asked);
    } else {
        const auto wait_us = static_cast<std::int64_t>(with.wait_ms.value_or(wait_ms_default)) *
                             1'000;
        waiting_.emplace(place.value(),
                         waiter{asked, context_.time.monotonic_us() + wait_us, std::move(go_on)});
    }
}

void position_waits::on_committed(const std::shared_ptr<const committed_batch>&) {
    const auto reached = waiting_.upper_bound(context_.live->views().at());
    std::vector<waiter> some; // an answer may lead to another wait
    for (auto one = waiting_.begin(); one != reached; ++one) {
        some.push_back(std::move(one->second));
    }
    waiting_.erase(waiting_.begin(), reached);
    for (const waiter& one : some) {
        if (!refused_by_now(one.asked, context_)) {
            one.go_on();
        }
    }
}

void position_waits::give_up(position wanted, const call& asked) const {
    if (!refused_by_now(asked, context_)) {
        asked.refuse(
            error{error_code::wait_timeout, "Position " + std::to_string(wanted) +
                                                " was not reached in time; the views stand at " +
                                                std::to_string(context_.live->views().at()) + "."});
    }
}

void position_waits::drain() {
    for (const auto& [wanted, one] : std::exchange(waiting_, {})) {
        give_up(wanted, one.asked);
    }
}

void position_waits::tick() {
    const std::int64_t now = context_.time.monotonic_us();
    for (auto one = waiting_.begin(); one != waiting_.end();) {
        const auto next = std::next(one);
        if (one->second.until_us <= now || one->second.asked.to.client_gone()) {
            const auto over = waiting_.extract(one);
            give_up(over.key(), over.mapped().asked);
        }
        one = next;
    }
}

} // namespace fasti::api
