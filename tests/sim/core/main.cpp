// SPDX-License-Identifier: Apache-2.0
//! fasti_sim: runs seeds of the simulation and prints those that found something.
#include "tests/sim/core/simulation.hpp"

#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view help =
    "usage: fasti_sim [--seed N | --seeds A-B] [--commands N] [--fault NAME] [--verbose]\n"
    "  --seed N      one seed (default 1)\n"
    "  --seeds A-B   all of these; ends at the first that finds something\n"
    "  --commands N  commands for each seed (default 2000)\n"
    "  --fault NAME  a planted mistake, which the checks must find: answer_before_sync,\n"
    "                directory_sync_left_out, tail_not_zeroed, receipt_forgotten, view_above_mark,\n"
    "                reader_steps_over, expiry_ignores_renewal, expiry_before_reading, snapshot_at_wrong_position\n"
    "  --verbose     on a finding, print what the last steps were\n"
    "Ends with 0 when everything held, 1 on a finding, 2 on a wrong option.\n";

struct arguments {
    std::uint64_t first = 1;
    std::uint64_t last = 1;
    fasti::sim::run_options how;
};

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = problem == std::errc{} && end == text.data() + text.size();
    return whole ? std::optional{value} : std::nullopt;
}

bool read_value(std::string_view name, std::string_view value, arguments& out) {
    const std::size_t dash = value.find('-');
    if (name == "--fault") {
        const auto fault = fasti::sim::planted_from_name(value);
        out.how.fault = fault.value_or(out.how.fault);
        return fault.has_value();
    }
    if (name == "--seeds" && dash != std::string_view::npos) {
        const auto first = number(value.substr(0, dash));
        const auto last = number(value.substr(dash + 1));
        out.first = first.value_or(1);
        out.last = last.value_or(0);
        return first.has_value() && last.has_value();
    }
    const auto one = number(value);
    if (!one.has_value()) {
        return false;
    }
    if (name == "--seed") {
        out.first = out.last = *one;
    } else if (name == "--commands") {
        out.how.commands = *one;
    } else {
        return false;
    }
    return true;
}

std::optional<arguments> read_arguments(int count, char** values) {
    arguments out;
    for (int i = 1; i < count; ++i) {
        const std::string_view name = values[i];
        if (name == "--verbose") {
            out.how.trace = true;
        } else if (i + 1 >= count || !read_value(name, values[++i], out)) {
            return std::nullopt;
        }
    }
    return out;
}

} // namespace

int main(int count, char** values) {
    if (count > 1 &&
        (std::string_view{values[1]} == "--help" || std::string_view{values[1]} == "-h")) {
        std::fputs(help.data(), stdout);
        return 0;
    }
    auto given = read_arguments(count, values);
    if (!given.has_value()) {
        std::fputs(help.data(), stderr);
        return 2;
    }
    for (std::uint64_t seed = given->first; seed <= given->last; ++seed) {
        given->how.seed = seed;
        // Said beforehand too: a broken invariant ends the process.
        std::fprintf(stderr, "seed %llu ...\r", static_cast<unsigned long long>(seed));
        const auto report = fasti::sim::run(given->how);
        std::printf("%s\n", fasti::sim::to_text(report).c_str());
        if (!report.ok()) {
            for (const std::string& step : report.last_steps) {
                std::printf("  %s\n", step.c_str());
            }
            return 1;
        }
    }
    return 0;
}
