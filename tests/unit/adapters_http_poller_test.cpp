// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/poller.hpp"

#include <gtest/gtest.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fasti::http {
namespace {

struct bell final : watched {
    explicit bell(poller& by, std::function<void()> work = {})
        : watched(by, ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), EPOLLIN), told(std::move(work)) {}
    void ring() const { ASSERT_EQ(::eventfd_write(descriptor(), 1), 0); }
    void on_ready(std::uint32_t) override {
        ++heard;
        if (told) {
            told();
        }
    }
    std::function<void()> told;
    int heard = 0;
};

TEST(poller, tells_in_the_order_of_what_happened_and_once_for_each_change) {
    poller watching;
    std::string order;
    bell a(watching, [&] { order += 'a'; });
    bell b(watching, [&] { order += 'b'; });
    bell c(watching, [&] { order += 'c'; });
    b.ring();
    c.ring();
    a.ring();
    b.ring();
    watching.round();
    EXPECT_EQ(order, "bca");
    watching.round();
    EXPECT_EQ(order, "bca") << "nobody read, and nothing is told again";
    b.ring();
    watching.round();
    EXPECT_EQ(order, "bcab");
}

TEST(poller, leaves_what_a_round_does_not_hold_in_front) {
    poller watching;
    std::vector<std::unique_ptr<bell>> many(poller::round_events_max + 10);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < many.size(); ++i) {
        many[i] = std::make_unique<bell>(watching, [&order, i] { order.push_back(i); });
        many[i]->ring();
    }
    watching.round();
    EXPECT_EQ(order.size(), poller::round_events_max);
    many[0]->ring();
    watching.round();
    ASSERT_EQ(order.size(), many.size() + 1);
    EXPECT_EQ(order[poller::round_events_max], poller::round_events_max);
    EXPECT_EQ(order.back(), 0U);
}

TEST(poller, strikes_who_is_closed_within_a_round_even_when_the_number_is_used_again) {
    poller watching;
    std::unique_ptr<bell> second;
    std::unique_ptr<bell> third;
    int number = -1;
    bell first(watching, [&] {
        number = second->descriptor();
        second.reset();
        third = std::make_unique<bell>(watching);
    });
    second = std::make_unique<bell>(watching);
    first.ring();
    second->ring();
    watching.round();
    ASSERT_EQ(third->descriptor(), number) << "the lowest free number is taken";
    EXPECT_EQ(third->heard, 0) << "what was told of the former owner";
    watching.round();
    EXPECT_EQ(third->heard, 0);
    third->ring();
    watching.round();
    EXPECT_EQ(third->heard, 1);
}

TEST(poller, lets_one_end_itself_while_it_is_told) {
    poller watching;
    std::unique_ptr<bell> one;
    one = std::make_unique<bell>(watching, [&] { std::exchange(one, nullptr); });
    bell other(watching);
    one->ring();
    other.ring();
    watching.round();
    EXPECT_EQ(one, nullptr);
    EXPECT_EQ(other.heard, 1);
}

TEST(poller, forgets_a_closed_descriptor_that_is_open_elsewhere) {
    poller watching;
    auto one = std::make_unique<bell>(watching);
    const int copy = ::dup(one->descriptor()); // as a child process holds it
    one.reset();
    ASSERT_EQ(::eventfd_write(copy, 1), 0);
    watching.round(); // would tell the dead
    ::close(copy);
}

TEST(poller, closes_what_it_cannot_watch) {
    poller watching;
    const int plain_file = ::memfd_create("plain", MFD_CLOEXEC);
    struct silent final : watched {
        using watched::watched;
        void on_ready(std::uint32_t) override {}
    } one(watching, plain_file, EPOLLIN);
    EXPECT_TRUE(one.closed());
    EXPECT_EQ(::close(plain_file), -1);
}

} // namespace
} // namespace fasti::http
