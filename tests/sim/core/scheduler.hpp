// SPDX-License-Identifier: Apache-2.0
//! One run of the simulation: what happens while a server lives (scheduler.cpp), and how it ends,
//! begins again and is checked (restarts.cpp).
#pragma once

#include "tests/sim/core/followers.hpp"
#include "tests/sim/core/judge.hpp"
#include "tests/sim/core/lease_book.hpp"
#include "tests/sim/core/server.hpp"
#include "tests/sim/core/simulation.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace fasti::sim {

class simulation {
public:
    explicit simulation(const run_options& how)
        : how_(how),
          on_(how.seed, how.fault),
          maker_(on_),
          knows_(said_, operations_),
          leases_(said_),
          readers_(said_, knows_, on_) {
        report_.seed = how.seed;
        if (how.fault == planted::directory_sync_left_out) {
            on_.disk.plant(omission::directory_sync);
        } else if (how.fault == planted::tail_not_zeroed) {
            on_.disk.plant(omission::zeroing);
        }
    }

    run_report run();

private:
    // --- what happens ---
    void live_until(std::uint64_t commands);
    void live_without_room(std::uint64_t steps);
    void step();
    void io_step();
    void client_step();
    void send(operation& of);
    void answered(command_answer& answer, std::uint64_t id);
    void renew_step();
    void send_renewal(std::string service, std::string instance);
    void race_step();
    void pause_step();
    void read_step();
    void commit_step();
    void housekeeping_step();
    bool answer_what_waits();
    void settle();
    void jump_clock();
    void pass(std::int64_t us);
    void pass_idle(std::int64_t us);

    // --- how it ends and begins again ---
    void arm(std::uint64_t within_calls, fault what);
    bool power_is_off() const { return off_at_.has_value() && on_.disk.calls() > *off_at_; }
    void end_server(bool power_loss);
    void start_server();
    bool try_start();
    void check_after_start();
    void check_cut_stays();
    void check_rollback();
    server_hooks hooks();
    void note(std::string what);
    bool going() const { return said_.ok() && server_ != nullptr; }

    const run_options how_;
    run_report report_;
    verdict said_;
    machine on_;
    std::deque<operation> operations_; // by id
    operation_maker maker_;
    judge knows_;
    lease_book leases_;
    followers readers_;
    std::unique_ptr<server> server_;
    std::deque<std::uint64_t> to_retry_;
    std::uint64_t renewals_ = 0;
    std::optional<std::uint64_t> off_at_; // the call of the disk at which power goes
    bool dead_ = false;                   // the server ended itself
    bool cut_ = false;                    // the last start cut a tail
    std::string kept_checkpoint_;
    std::int64_t kept_checkpoint_us_ = 0;
    std::deque<std::string> trace_;
};

} // namespace fasti::sim
