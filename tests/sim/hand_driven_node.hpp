// SPDX-License-Identifier: Apache-2.0
//! A whole node in one thread: commands wait until the test lets the sequencer run.
#pragma once

#include "adapters/node/node.hpp"
#include "commands/pipeline/sequencer.hpp"
#include "tests/support/fake_time.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace fasti {

class hand_driven_node final : private command_entry {
public:
    //! The model and views are folded from the ledger, as a start does.
    hand_driven_node(ledger& facts, fake_clock& time, fake_ids& ids, node_options options)
        : facts_(facts), time_(time) {
        auto views = std::make_unique<view_set>();
        (void)facts.read(1, facts.head().last, {}, [&](const recorded_event& event) {
            check(model_.fold(event).ok(), "a test's log can be folded");
            views->apply(event);
            return read_more::go_on;
        });
        decides_ = std::make_unique<sequencer>(facts, model_, time, ids);
        node_ = std::make_unique<node>(facts, std::move(views), time, options);
        node_->connect(*this);
    }

    node& operator*() noexcept { return *node_; }
    node* operator->() noexcept { return node_.get(); }
    write_model& model() noexcept { return model_; }
    sequencer& decides() noexcept { return *decides_; }
    std::size_t waiting() const noexcept { return queue_.size(); }

    //! Lets the sequencer take up to `count` requests, oldest first, and commit them.
    //! False: the batch could not be made durable; the node is dead.
    bool pump(std::size_t count = SIZE_MAX) {
        std::size_t taken = 0;
        while (taken < queue_.size() && taken < count && !decides_->full()) {
            decides_->stage(std::move(queue_[taken++]));
        }
        queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(taken));
        auto notice = decides_->commit();
        if (!notice.ok()) {
            failure = notice.error();
            return false;
        }
        node_->on_notice(std::move(notice).value());
        return true;
    }

    //! Submits one command and returns its outcome.
    item_outcome run(command what, std::shared_ptr<const principal> caller) {
        auto request = std::make_unique<command_request>();
        request->caller = std::move(caller);
        request->items.push_back({.what = std::move(what)});
        item_outcome outcome;
        request->done = [&](command_answer& answer) { outcome = answer.outcomes.at(0); };
        check(node_->submit(request), "a test's queue takes its commands");
        (void)pump();
        return outcome;
    }

    //! A look at the leases by a node that has heard all that was said.
    void tick() { node_->tick(time_.monotonic); }

    //! Time passes in steps of 5 ms, each with a tick and a commit.
    void pass_ms(std::int64_t ms) {
        for (std::int64_t passed = 0; passed < ms; passed += 5) {
            time_.pass_ms(5);
            tick();
            (void)pump();
        }
    }

    std::size_t queue_max = 10'000;
    std::optional<error> failure;

private:
    bool offer(std::unique_ptr<command_request>& request) override {
        if (queue_.size() >= queue_max) {
            return false;
        }
        queue_.push_back(std::move(request));
        return true;
    }

    ledger& facts_;
    fake_clock& time_;
    write_model model_;
    std::unique_ptr<sequencer> decides_;
    std::unique_ptr<node> node_;
    std::vector<std::unique_ptr<command_request>> queue_;
};

} // namespace fasti
