// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace fasti::bench {

//! Counts durations in buckets that are at most 1/64 wide in relation to their value, so that noting one
//! costs a few instructions and no percentile is off by more than 1.6 %.
//! Shape: nanoseconds, any 64-bit value.
class histogram {
public:
    void note(std::uint64_t nanoseconds) {
        ++counts_[bucket_of(nanoseconds)];
        ++count_;
        if (nanoseconds > largest_) {
            largest_ = nanoseconds;
        }
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::uint64_t largest() const { return largest_; }

    //! The value that `share` (0 to 1) of all noted values do not exceed; 0 when nothing was noted.
    [[nodiscard]] std::uint64_t at(double share) const {
        if (count_ == 0) {
            return 0;
        }
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_ - 1)) + 1;
        std::uint64_t seen = 0;
        for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
            seen += counts_[bucket];
            if (seen >= wanted) {
                const std::uint64_t upper = upper_end(bucket);
                return upper < largest_ ? upper : largest_;
            }
        }
        return largest_;
    }

private:
    static constexpr unsigned steps_bits = 6; // 64 buckets for each power of two
    static constexpr std::uint64_t steps = 1U << steps_bits;

    static std::size_t bucket_of(std::uint64_t value) {
        if (value < steps) {
            return static_cast<std::size_t>(value);
        }
        const auto shift = static_cast<unsigned>(std::bit_width(value)) - steps_bits - 1;
        return static_cast<std::size_t>((static_cast<std::uint64_t>(shift) << steps_bits) +
                                        (value >> shift));
    }

    static std::uint64_t upper_end(std::size_t bucket) {
        if (bucket < 2 * steps) {
            return bucket;
        }
        const std::size_t shift = (bucket >> steps_bits) - 1;
        const std::uint64_t mantissa = (bucket & (steps - 1)) + steps;
        return ((mantissa + 1) << shift) - 1;
    }

    std::array<std::uint64_t, (64 - steps_bits + 1) * steps> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t largest_ = 0;
};

} // namespace fasti::bench
