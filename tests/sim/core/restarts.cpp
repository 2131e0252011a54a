// SPDX-License-Identifier: Apache-2.0
#include "eventstore/port/token.hpp"
#include "tests/sim/core/folds.hpp"
#include "tests/sim/core/scheduler.hpp"

#include <utility>

namespace fasti::sim {

// --- how it ends and begins again -------------------------------------------------------------------

void simulation::arm(std::uint64_t within_calls, fault what) {
    const std::uint64_t nth = on_.pick(0, within_calls);
    on_.disk.fail_call(nth, what);
    off_at_.reset();
    if (what == fault::power_off) {
        off_at_ = on_.disk.calls() + nth;
    } else {
        ++report_.disk_errors;
    }
}

void simulation::end_server(bool power_loss) {
    note(power_loss ? "POWER LOSS" : "KILL");
    if (server_ != nullptr && !server_->checkpoint_kept().empty()) {
        kept_checkpoint_ = server_->checkpoint_kept();
        kept_checkpoint_us_ = server_->checkpoint_kept_us();
    }
    server_.reset();
    for (operation& of : operations_) {
        if (of.state == op_state::waiting) {
            of.state = op_state::unanswered;
            ++report_.unanswered;
            if (of.repeatable) {
                to_retry_.push_back(of.id);
            }
        }
    }
    if (power_loss) {
        ++report_.power_losses;
        on_.disk.crash(on_.random());
        on_.time.monotonic = static_cast<std::int64_t>(on_.pick(1, 5'000'000)); // a new boot
    } else {
        ++report_.kills;
        on_.disk.restart();
        on_.disk.heal();
    }
    off_at_.reset();
    dead_ = false;
    pass(static_cast<std::int64_t>(on_.pick(0, 60'000'000)));
    if (on_.one_in(3)) {
        jump_clock();
    }
}

//! Until one start succeeds; some are hit by another loss of power.
void simulation::start_server() {
    for (int attempt = 0; attempt < 12 && said_.ok() && server_ == nullptr; ++attempt) {
        if (attempt < 8 && on_.one_in(4)) {
            arm(120,
                on_.one_in(2) ? fault::power_off : (on_.one_in(2) ? fault::io_error : fault::full));
        }
        if (!try_start()) {
            end_server(power_is_off() || on_.one_in(4));
        }
    }
    if (said_.ok() && server_ == nullptr) {
        said_.fail("The server does not start any more.");
    }
    if (going()) {
        check_after_start();
    }
}

bool simulation::try_start() {
    cut_ = false;
    server_ = std::make_unique<server>(on_, hooks());
    const auto started = server_->start();
    if (started.ok()) {
        // Leases were armed, and that may be on disk, even if the power is gone already.
        const bool last_checkpoint = server_->checkpoint_found() == kept_checkpoint_;
        note(last_checkpoint ? "leases go on" : "leases begin anew");
        leases_.on_start({on_.up_us, last_checkpoint, kept_checkpoint_us_});
    }
    if (power_is_off()) {
        return false;
    }
    if (!started.ok()) {
        note("does not start: " + started.error().message);
        // Only what the disk itself refused may stop a start; then it is tried again.
        if (started.error().message.find("Simulated") == std::string::npos) {
            said_.fail("The server does not start: " + started.error().message);
        }
        return false;
    }
    on_.disk.heal();
    off_at_.reset();
    note("started at " + std::to_string(server_->facts().head().last));
    return true;
}

void simulation::check_after_start() {
    report_.from_snapshots += server_->recovered().from_snapshot > 0 ? 1 : 0;
    for (const std::string& ignored : server_->recovered().ignored) {
        note(ignored);
    }
    // What was durable but not told before the crash comes to light now.
    (void)server_->facts().read(knows_.head() + 1, server_->facts().head().last, {},
                                [this](const recorded_event& event) {
                                    leases_.on_event(event, on_.up_us);
                                    return read_more::go_on;
                                });
    knows_.check_log(server_->facts());
    readers_.come_back(server_->facts());
    knows_.check_tokens(server_->facts());
    knows_.check_receipts(server_->facts(), 150, on_);
    if (!said_.ok()) {
        return;
    }
    (void)server_->log().verify(
        [this](const finding& one) { said_.fail("verify: " + one.what + " at " + one.where); }, {});
    check_folds(*server_, on_, 3, said_);
    check_cut_stays();
}

//! What was cut is gone: another start, even after another loss of power, finds nothing to cut.
void simulation::check_cut_stays() {
    if (!cut_ || !said_.ok()) {
        return;
    }
    const position head = server_->facts().head().last;
    end_server(on_.one_in(2));
    if (!try_start()) {
        said_.fail("The server does not start a second time.");
        return;
    }
    if (cut_ || server_->facts().head().last != head) {
        said_.fail("A start cuts a tail that the start before had cut.");
    }
}

//! The whole disk is put back to an older state: what was shown since then is another history.
void simulation::check_rollback() {
    const position then = server_->facts().head().last;
    const auto image = on_.disk.all();
    const std::string token_then = knows_.token_at(then);
    live_until(report_.commands + 40);
    settle();
    if (!going() || dead_ || power_is_off() || server_->live().views().at() == then) {
        return;
    }
    const std::string token_now = knows_.token_at(server_->live().views().at());
    server_.reset();
    on_.disk.restart();
    for (const auto& [name, bytes] : on_.disk.all()) {
        on_.disk.take_away(name);
    }
    for (const auto& [name, bytes] : image) {
        on_.disk.put_content(name, bytes);
    }
    if (!try_start()) {
        said_.fail("The server does not start from an older image of the disk.");
        return;
    }
    if (!verify_token(*read_token(token_then), server_->facts()).ok()) {
        said_.fail("A token of the kept part of history is refused after a rollback.");
    }
    if (verify_token(*read_token(token_now), server_->facts()).ok()) {
        said_.fail("A token of the rolled-back part of history is accepted.");
    }
}

run_report simulation::run() {
    const std::uint64_t crashes = how_.crashes + on_.pick(0, 2);
    start_server();
    for (std::uint64_t crash = 1; crash <= crashes && going(); ++crash) {
        live_until(how_.commands * crash / (crashes + 1));
        if (going() && !dead_ && !power_is_off() && on_.one_in(4)) {
            live_without_room(on_.pick(20, 80));
        }
        if (going() && !dead_ && on_.one_in(3)) {
            arm(200, on_.one_in(2) ? fault::io_error : fault::full);
            live_until(report_.commands + 60);
        }
        bool power_loss = false;
        if (going() && !dead_ && on_.one_in(4)) {
            power_loss = answer_what_waits();
        } else if (going() && !dead_ && !on_.one_in(4)) {
            arm(30, fault::power_off);
            live_until(report_.commands + 200);
        }
        if (!going()) {
            break;
        }
        end_server(power_loss || power_is_off() || (dead_ && on_.one_in(2)));
        start_server();
    }
    live_until(how_.commands);
    while (going() && (dead_ || power_is_off())) {
        end_server(power_is_off());
        start_server();
        live_until(how_.commands);
    }
    settle();
    if (going() && !dead_) {
        leases_.check_dead(server_->live().views(), on_.up_us);
        check_folds(*server_, on_, 10, said_);
        end_server(false);
        start_server();
    }
    if (going()) {
        knows_.check_receipts(server_->facts(), 1'000, on_);
        check_folds(*server_, on_, 10, said_);
        check_rollback();
    }
    report_.failure = said_.failure();
    report_.events = knows_.head();
    report_.lost_tokens = knows_.tokens_lost();
    report_.last_steps.assign(trace_.begin(), trace_.end());
    return report_;
}

run_report run(const run_options& how) { return simulation{how}.run(); }

std::string to_text(const run_report& report) {
    std::string out = "seed " + std::to_string(report.seed) + ": ";
    out += report.ok() ? "holds" : "FAILS: " + report.failure;
    const std::pair<std::string_view, std::uint64_t> counts[] = {
        {"commands", report.commands},
        {"events", report.events},
        {"power losses", report.power_losses},
        {"kills", report.kills},
        {"disk errors", report.disk_errors},
        {"tails cut", report.cut_tails},
        {"unanswered", report.unanswered},
        {"retries", report.retries},
        {"starts from snapshots", report.from_snapshots},
        {"lost tokens", report.lost_tokens},
        {"expiries", report.expiries},
        {"guards", report.guards}};
    out += " (";
    for (const auto& [what, count] : counts) {
        out += std::to_string(count) + " " + std::string{what} + ", ";
    }
    out += std::to_string(report.steps) + " steps)";
    return out;
}

} // namespace fasti::sim
