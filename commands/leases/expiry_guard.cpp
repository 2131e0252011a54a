// SPDX-License-Identifier: Apache-2.0
#include "commands/leases/expiry_guard.hpp"

namespace fasti {

expiry_guard_policy::evidence expiry_guard_policy::on_lapsed(std::size_t lapsed, std::size_t leases,
                                                             std::int64_t now_us) {
    const std::int64_t since = now_us - std::int64_t{options_.window_ms} * 1000;
    while (!counts_.empty() && counts_.front().at_us < since) {
        sum_ -= counts_.front().lapsed;
        counts_.pop_front();
    }
    if (lapsed > 0) {
        counts_.push_back({now_us, lapsed});
        sum_ += lapsed;
    }
    evidence found;
    found.lapsed = sum_;
    found.leases = leases + sum_;
    found.raise = lapsed > 0 && sum_ >= options_.lapsed_min &&
                  sum_ * 100 > found.leases * options_.ratio_percent;
    return found;
}

void expiry_guard_policy::reset() {
    counts_.clear();
    sum_ = 0;
}

} // namespace fasti
