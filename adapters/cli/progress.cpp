// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/progress.hpp"

#include <algorithm>
#include <ostream>

namespace fasti::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds redraw_every{100};
constexpr milliseconds line_every{10'000}; // where nobody watches
constexpr std::size_t bar_width = 30;

} // namespace

progress_bar::progress_bar(std::string what, std::string unit, std::ostream& err, bool terminal)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      err_(err),
      terminal_(terminal),
      started_(steady_clock::now()),
      last_(started_) {}

progress_bar::~progress_bar() {
    if (drawn_) {
        err_ << "\r\x1b[K" << std::flush;
    }
}

void progress_bar::show(std::uint64_t done, std::uint64_t total) {
    const auto now = steady_clock::now();
    if (now - last_ < (terminal_ ? redraw_every : line_every)) {
        return;
    }
    last_ = now;
    const double seconds = std::chrono::duration<double>(now - started_).count();
    const auto rate = static_cast<std::uint64_t>(static_cast<double>(done) /
                                                 std::max(seconds, 0.001));
    std::string text = what_ + "  ";
    if (total > 0) {
        const std::uint64_t part = std::min(done, total);
        if (terminal_) {
            const std::size_t filled = static_cast<std::size_t>(
                static_cast<double>(part) / static_cast<double>(total) * bar_width);
            text += "[" + std::string(filled, '#') + std::string(bar_width - filled, '.') + "] ";
        }
        text += std::to_string(static_cast<int>(100.0 * static_cast<double>(part) /
                                                static_cast<double>(total))) +
                " %  ";
    }
    text += std::to_string(done) + " " + unit_ + "  " + std::to_string(rate) + "/s";
    if (total > done && rate > 0) {
        text += "  " + std::to_string((total - done) / rate + 1) + " s left";
    }
    if (terminal_) {
        err_ << "\r" << text << "\x1b[K" << std::flush;
        drawn_ = true;
    } else {
        err_ << text << "\n" << std::flush;
    }
}

} // namespace fasti::cli
