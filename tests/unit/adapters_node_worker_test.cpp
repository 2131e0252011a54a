// SPDX-License-Identifier: Apache-2.0
//! The worker: lanes take turns, bounds hold, and what waits is dropped at the end.
#include "adapters/node/worker.hpp"

#include <gtest/gtest.h>

#include <sys/prctl.h>
#include <array>
#include <future>
#include <string>
#include <thread>

namespace fasti {
namespace {

//! A piece of work that holds the thread until the test lets it go.
struct gate {
    std::promise<void> entered;
    std::promise<void> opened;

    void hold(worker& on) {
        ASSERT_TRUE(on.run([this] {
            entered.set_value();
            opened.get_future().wait();
        }));
        entered.get_future().wait();
    }
};

TEST(worker, names_its_thread) {
    std::promise<std::string> told;
    worker on("a_name", 1);
    on.run([&told] {
        std::array<char, 16> name{};
        (void)prctl(PR_GET_NAME, name.data());
        told.set_value(name.data());
    });
    EXPECT_EQ(told.get_future().get(), "a_name");
}

TEST(worker, lets_its_lanes_take_turns) {
    gate first; // outlives the worker that may still stand in it
    worker on("test", 8, 2);
    first.hold(on);
    std::string order;
    for (const char each : {'a', 'b', 'c', 'd'}) {
        ASSERT_TRUE(on.run(0, [&order, each] { order += each; }));
    }
    std::promise<void> done;
    ASSERT_TRUE(on.run(1, [&] { order += '1'; }));
    ASSERT_TRUE(on.run(1, [&] { order += '2'; }));
    ASSERT_TRUE(on.run(0, [&] { done.set_value(); }));
    first.opened.set_value();
    done.get_future().wait();
    EXPECT_EQ(order, "1a2bcd") << "one of each, in the order of the lane";
}

TEST(worker, refuses_what_does_not_fit_in_its_lane_and_takes_it_in_another) {
    gate first; // outlives the worker that may still stand in it
    worker on("test", 2, 2);
    first.hold(on);
    EXPECT_TRUE(on.run(0, [] {}));
    EXPECT_TRUE(on.run(0, [] {}));
    EXPECT_FALSE(on.run(0, [] {}));
    EXPECT_TRUE(on.run(1, [] {}));
    first.opened.set_value();
}

TEST(worker, drops_what_waits_when_it_ends) {
    gate first; // outlives the worker that may still stand in it
    worker on("test", 1'000'000, 2);
    first.hold(on);
    bool ran = false;
    ASSERT_TRUE(on.run([&] { ran = true; }));
    std::thread stopper([&] { on.stop(); });
    while (on.run(1, [] {})) { // there is room: it is refused once the end has begun
        std::this_thread::yield();
    }
    first.opened.set_value();
    stopper.join();
    EXPECT_FALSE(ran);
}

} // namespace
} // namespace fasti
