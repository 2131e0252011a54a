// SPDX-License-Identifier: Apache-2.0
//! given(events).when(command).then(events) over the decide and evolve that production links.
//! Every scenario is decided again: at once (deciding is pure), after dropping what it made (nothing
//! is left behind) and after keeping it (repeating decides nothing, or refuses by name).
#pragma once

#include "domain/base/context.hpp"
#include "domain/base/result.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace fasti::test {

//! When scenarios happen, unless they say otherwise.
inline constexpr instant scenario_now{1'700'000'000'000'000};

inline std::string names_of(const auto& events) {
    std::string out;
    for (const auto& event : events) {
        std::visit([&](const auto& fact) { out.append(" ").append(fact.type_name); }, event);
    }
    return out.empty() ? " nothing" : out;
}

//! Folds events into a state as a log would: versions by stream, positions dense.
template <class State>
class folder {
public:
    explicit folder(State& state) : state_(state) {}

    template <class Event>
    void operator()(const Event& event) {
        const event_context context{scenario_now, ++versions_[stream_of(event)], ++at_,
                                    "token/test"};
        evolve(state_, event, context);
    }
    template <class... Events>
    void operator()(const std::variant<Events...>& event) {
        std::visit(*this, event);
    }

private:
    State& state_;
    std::map<std::string, std::uint64_t> versions_;
    position at_ = 0;
};

template <class State, class Event, class Command>
class decided_scenario {
public:
    decided_scenario(const std::vector<Event>& history, Command command, decision_context context)
        : command_(std::move(command)), context_(context), fold_(state_) {
        for (const Event& event : history) {
            fold_(event);
            state_.keep();
        }
    }

    void then(const std::vector<Event>& expected) {
        const auto decided = decide(state_, command_, context_);
        ASSERT_TRUE(decided.ok()) << "refused: " << decided.error().message;
        EXPECT_TRUE(decided.value() == expected)
            << "decided" << names_of(decided.value()) << ", expected" << names_of(expected);
        expect_same_again(decided.value());
        apply(decided.value());
        state_.drop();
        const auto after_drop = decide(state_, command_, context_);
        ASSERT_TRUE(after_drop.ok());
        EXPECT_TRUE(after_drop.value() == expected) << "a drop left something behind";
        apply(after_drop.value());
        state_.keep();
        const auto repeated = decide(state_, command_, context_);
        if (repeated.ok()) {
            EXPECT_EQ(names_of(repeated.value()), " nothing") << "repeating decided more";
        } else {
            EXPECT_FALSE(repeated.error().message.empty());
        }
    }

    void then_nothing() {
        const auto decided = decide(state_, command_, context_);
        ASSERT_TRUE(decided.ok()) << "refused: " << decided.error().message;
        EXPECT_EQ(names_of(decided.value()), " nothing");
        expect_same_again(decided.value());
    }

    void then_refused(error_code code) {
        for (int i = 0; i < 2; ++i) {
            const auto decided = decide(state_, command_, context_);
            ASSERT_FALSE(decided.ok()) << "decided" << names_of(decided.value());
            EXPECT_EQ(to_name(decided.error().code), to_name(code));
            EXPECT_TRUE(decided.error().message.ends_with('.')) << decided.error().message;
        }
    }

private:
    void apply(const std::vector<Event>& events) {
        for (const Event& event : events) {
            fold_(event);
        }
    }

    void expect_same_again(const std::vector<Event>& first) {
        const auto again = decide(state_, command_, context_);
        ASSERT_TRUE(again.ok());
        EXPECT_TRUE(again.value() == first) << "deciding is not pure";
    }

    Command command_;
    decision_context context_;
    State state_;
    folder<State> fold_;
};

template <class State, class Event>
class scenario {
public:
    explicit scenario(std::vector<Event> history) : history_(std::move(history)) {}

    template <class Command>
    decided_scenario<State, Event, Command> when(Command command, decision_context context = {
                                                                      .now = scenario_now}) const {
        return {history_, std::move(command), context};
    }

private:
    std::vector<Event> history_;
};

} // namespace fasti::test
