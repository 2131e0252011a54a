// SPDX-License-Identifier: Apache-2.0
#include "adapters/daemon/lease_checkpoints.hpp"

#include "adapters/daemon/private_files.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace fasti {
namespace {

constexpr std::size_t leases_per_second = 100'000; // larger tables are kept less often

} // namespace

lease_checkpoints::lease_checkpoints(std::string path, node& live, telemetry::logger& log,
                                     std::function<void(std::function<void()>)> post)
    : path_(std::move(path)), live_(live), log_(log), post_(std::move(post)) {}

void lease_checkpoints::start() {
    if (const auto trouble = live_.start_leases(read_small_file(path_))) {
        log_.warn(*trouble);
    }
    checkpoint()();
    kept_us_ = live_.time().monotonic_us();
}

void lease_checkpoints::tick() {
    const std::int64_t now = live_.time().monotonic_us();
    if (now - kept_us_ < period_ms() * 1'000 - 500'000) {
        return;
    }
    kept_us_ = now;
    // When one is being written and one waits, the disk is too slow for more: the next period's will do.
    if (under_way_ < 2 && !writer_.run(checkpoint())) {
        --under_way_; // refused: nothing will be written that could tell
    }
}

void lease_checkpoints::stop() {
    writer_.stop();
    checkpoint()();
}

//! Remaining times until the next checkpoint, as work for whichever thread writes them down.
std::function<void()> lease_checkpoints::checkpoint() {
    auto bytes = std::make_shared<std::string>(std::exchange(room_, {}));
    bytes->clear();
    live_.write_lease_checkpoint(period_ms(), *bytes);
    ++under_way_;
    return [bytes, this] {
        if (auto written = replace_small_file(path_, *bytes); !written.ok()) {
            log_.warn("The remaining times of leases could not be kept. " +
                      written.error().message);
        }
        post_([bytes, this] {
            room_ = std::move(*bytes);
            --under_way_;
        });
    };
}

std::int64_t lease_checkpoints::period_ms() const {
    return static_cast<std::int64_t>(std::max<std::size_t>(1, live_.leases() / leases_per_second)) *
           1'000;
}

} // namespace fasti
