// SPDX-License-Identifier: Apache-2.0
#include "tests/support/disk/log_world.hpp"

#include <utility>
#include <vector>

namespace fasti::sim {
namespace {

constexpr id128 log_id{{9, 9}};
constexpr std::uint64_t epoch = 77;
constexpr int opens_max = 50;

std::vector<std::string> everything(const ledger& log, std::string& problem) {
    std::vector<std::string> out;
    const auto read = log.read(1, ~position{0}, {}, [&](const recorded_event& event) {
        out.emplace_back(event.canonical);
        return read_more::go_on;
    });
    if (!read.ok()) {
        problem = "cannot be read: " + read.error().message;
    }
    return out;
}

} // namespace

log_world::log_world(std::uint64_t seed, omission planted) : choose_(seed), oracle_(log_id, epoch) {
    options_.path = "data/log";
    options_.segment_bytes = 64U * 1024U;
    options_.fresh_log_id = log_id;
    options_.fresh_epoch = epoch;
    options_.report = [this](const store_note& note) {
        counts_.tails_cut += note.kind == note_kind::torn_tail_cut ? 1 : 0;
    };
    disk_.plant(planted);
}

std::string log_world::run(std::uint64_t appends) {
    std::string problem = open_again();
    while (problem.empty() && counts_.acknowledged < appends) {
        problem = step();
    }
    disk_.heal();
    return problem.empty() ? compare() : problem;
}

void log_world::choose_fault() {
    const std::uint64_t draw = choose_.below(100);
    if (draw < 12) {
        const fault how = draw < 3 ? fault::power_off : draw < 8 ? fault::full : fault::io_error;
        // Soon, or while a segment is made.
        disk_.fail_call(choose_.below(choose_.chance(70) ? 4 : 60), how);
    }
}

void log_world::background() {
    if (choose_.chance(15)) {
        static_cast<void>(log_->prepare_next().ok());
    }
    if (choose_.chance(30)) {
        static_cast<void>(log_->maintain().ok());
    }
}

std::string log_world::step() {
    choose_fault();
    background();
    if (choose_.chance(10)) {
        const auto carried = log_->carry_on();
        if (!carried.ok()) {
            return after_failure(carried.error());
        }
    }
    const append_batch batch = choose_.next(oracle_);
    const auto appended = log_->append(batch);
    if (appended.ok()) {
        ++counts_.acknowledged;
        if (!oracle_.append(batch).ok()) {
            return "an append was acknowledged that the oracle refuses";
        }
        if (choose_.chance(2)) { // the power may go at any time
            return crash_now();
        }
        return {};
    }
    if (appended.error().code == error_code::store_full) {
        ++counts_.full; // nothing was written; go on
        return choose_.chance(20) ? crash_now() : std::string{};
    }
    if (appended.error().code == error_code::store_unavailable) {
        unknown_ = batch;
        return after_failure(appended.error());
    }
    return oracle_.append(batch).ok() ? "refused what the oracle takes: " + appended.error().message
                                      : std::string{};
}

std::string log_world::crash_now() {
    disk_.crash(choose_.below(~std::uint64_t{0}));
    ++counts_.crashes;
    return open_again();
}

//! The process ends. Sometimes the machine does too.
std::string log_world::after_failure(const error& failure) {
    if (failure.code == error_code::store_full) {
        ++counts_.full;
        return {};
    }
    if (failure.code != error_code::store_unavailable) {
        return "unexpected: " + failure.message;
    }
    log_.reset();
    if (choose_.chance(60)) {
        disk_.crash(choose_.below(~std::uint64_t{0}));
        ++counts_.crashes;
    } else {
        disk_.heal();
        disk_.restart();
    }
    return open_again();
}

std::string log_world::open_again() {
    for (int attempt = 0; attempt < opens_max; ++attempt) {
        log_.reset();
        if (choose_.chance(30)) { // the start may fail too
            disk_.fail_call(choose_.below(40),
                            choose_.chance(50) ? fault::power_off : fault::io_error);
        }
        auto opened = open_segments(disk_, options_);
        if (opened.ok()) {
            disk_.heal();
            log_ = std::move(opened).value();
            return settle_unknown();
        }
        if (opened.error().code != error_code::store_unavailable &&
            opened.error().code != error_code::store_full) {
            return "does not open: " + opened.error().message;
        }
        if (choose_.chance(50)) {
            disk_.crash(choose_.below(~std::uint64_t{0}));
            ++counts_.crashes;
        } else {
            disk_.heal();
            disk_.restart();
        }
    }
    return "does not open although nothing fails";
}

std::string log_world::settle_unknown() {
    const append_batch unknown = std::exchange(unknown_, append_batch{});
    if (!unknown.events.empty()) {
        if (log_->head().last > oracle_.head().last) {
            ++counts_.unknown_kept;
            if (!oracle_.append(unknown).ok()) {
                return "an append turned up that the oracle refuses";
            }
        } else {
            ++counts_.unknown_lost;
        }
    }
    return compare();
}

std::string log_world::compare() const {
    if (log_->head().last != oracle_.head().last ||
        log_->head().last_hash != oracle_.head().last_hash) {
        return "head is " + std::to_string(log_->head().last) + ", acknowledged were " +
               std::to_string(oracle_.head().last);
    }
    std::string problem;
    if (everything(*log_, problem) != everything(oracle_, problem) && problem.empty()) {
        problem = "events differ from those acknowledged";
    }
    std::string first;
    const auto findings = log_->verify(
        [&](const finding& each) {
            if (first.empty()) {
                first = each.what + ", " + each.where;
            }
        },
        {});
    if (problem.empty() && (!findings.ok() || *findings != 0)) {
        problem = "verify: " + (findings.ok() ? first : findings.error().message);
    }
    return problem;
}

} // namespace fasti::sim
