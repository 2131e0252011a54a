// SPDX-License-Identifier: Apache-2.0
//! Cumulative weights of a row of members (a Fenwick tree): pick, change, add and remove each cost
//! the logarithm of their number, so a changing service of thousands is as cheap as a still one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fasti {

class weight_tree {
public:
    std::size_t size() const noexcept { return sums_.size(); }
    std::uint64_t total() const noexcept { return total_; }

    void push_back(std::uint32_t weight) {
        const std::size_t number = sums_.size() + 1;
        std::uint64_t sum = weight;
        for (std::size_t below = 1; below < (number & (~number + 1)); below *= 2) {
            sum += sums_[number - below - 1];
        }
        sums_.push_back(sum);
        total_ += weight;
    }

    void pop_back(std::uint32_t weight) {
        sums_.pop_back();
        total_ -= weight;
    }

    void change(std::size_t at, std::uint32_t before, std::uint32_t after) noexcept {
        const std::uint64_t delta = std::uint64_t{after} -
                                    std::uint64_t{before}; // wraps on purpose
        for (std::size_t number = at + 1; number <= sums_.size();
             number += number & (~number + 1)) {
            sums_[number - 1] += delta;
        }
        total_ += delta;
    }

    //! The member at a point on the line of all weights; point < total().
    std::size_t member_at(std::uint64_t point) const noexcept {
        std::size_t at = 0;
        std::size_t step = 1;
        while (step * 2 <= sums_.size()) {
            step *= 2;
        }
        for (; step > 0; step /= 2) {
            if (at + step <= sums_.size() && sums_[at + step - 1] <= point) {
                at += step;
                point -= sums_[at - 1];
            }
        }
        return at;
    }

private:
    std::vector<std::uint64_t> sums_; // number n (from 1) holds the sum of its lowest bit's many
    std::uint64_t total_ = 0;
};

} // namespace fasti
