// SPDX-License-Identifier: Apache-2.0
#include "projections/views/registry_metrics_view.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fasti {
namespace {

constexpr std::int64_t minute = 60'000'000;

struct counted {
    registry_metrics_view view;
    position at = 0;

    explicit counted(std::size_t cells = registry_metrics_view::cells_max) : view(cells) {}

    template <class Event>
    void given(const Event& what, std::int64_t minutes) {
        view.on(what, {instant{minutes * minute + 5}, 1, ++at, ""});
    }
    std::vector<std::string> rows(std::optional<std::string_view> service,
                                  std::optional<std::string_view> type = {}) const {
        std::vector<std::string> out;
        view.rows({service, type}, [&](const registry::registry_metrics_row& row) {
            out.push_back(std::string{row.type} + " " + std::to_string(row.bucket.us / minute) +
                          "/" + std::to_string(row.bucket_ms / 60'000) + " " +
                          std::to_string(row.count));
            return true;
        });
        return out;
    }
    std::string snapshot() const {
        std::string out;
        view.write_snapshot(out);
        return out;
    }
};

using rows = std::vector<std::string>;

TEST(registry_metrics_view, counts_by_service_type_and_minute) {
    counted now;
    now.given(registry::instance_registered{"web", "a"}, 100);
    now.given(registry::instance_registered{"web", "b"}, 100);
    now.given(registry::instance_expired{"web", "b"}, 101);
    now.given(registry::instance_registered{"db", "d"}, 101);
    EXPECT_EQ(now.rows("web"), (rows{"instance_expired 101/1 1", "instance_registered 100/1 2"}));
    EXPECT_EQ(now.rows("web", "instance_expired"), (rows{"instance_expired 101/1 1"}));
    EXPECT_EQ(now.rows("nobody"), rows{});
    EXPECT_EQ(now.rows({}), (rows{"instance_expired 101/1 1", "instance_expired 60/60 1",
                                  "instance_registered 100/1 2", "instance_registered 101/1 1",
                                  "instance_registered 60/60 3"}));
}

TEST(registry_metrics_view, counts_events_without_a_service_for_the_whole) {
    counted now;
    now.given(registry::expiry_guard_lifted{}, 7);
    EXPECT_EQ(now.rows({}), (rows{"expiry_guard_lifted 7/1 1", "expiry_guard_lifted 0/60 1"}));
}

TEST(registry_metrics_view, lets_go_of_old_minutes_and_of_services_without_any) {
    counted now;
    now.given(registry::instance_registered{"old", "a"}, 0);
    now.given(registry::instance_registered{"new", "a"}, 60);
    EXPECT_EQ(now.rows("old"), rows{});
    EXPECT_EQ(now.view.cell_count(), 1U);
    EXPECT_EQ(now.rows({}), (rows{"instance_registered 60/1 1", "instance_registered 0/60 1",
                                  "instance_registered 60/60 1"}));
    now.given(registry::instance_registered{"new", "a"}, 60 * 745);
    EXPECT_EQ(now.rows({}),
              (rows{"instance_registered 44700/1 1", "instance_registered 44700/60 1"}));
}

TEST(registry_metrics_view, lets_go_of_types_that_are_not_seen_any_more) {
    counted now;
    now.given(registry::instance_registered{"web", "a"}, 0);
    now.given(registry::instance_expired{"web", "a"}, 60);
    EXPECT_EQ(now.rows({}, "instance_registered"), rows{"instance_registered 0/60 1"});
    now.given(registry::instance_expired{"web", "a"}, 60 * 744);
    EXPECT_EQ(now.rows({}, "instance_registered"), rows{});
}

TEST(registry_metrics_view, stays_within_its_cells) {
    counted now(3);
    for (const char* service : {"a", "b"}) {
        now.given(registry::instance_registered{service, "i"}, 1);
    }
    for (const char* service : {"c", "d", "e", "f"}) {
        now.given(registry::instance_registered{service, "i"}, 2);
    }
    EXPECT_EQ(now.view.cell_count(), 3U);
    EXPECT_EQ(now.rows("a"), rows{});
    EXPECT_EQ(now.rows("c"), (rows{"instance_registered 2/1 1"}));
    EXPECT_EQ(now.rows("f"), rows{});
    EXPECT_EQ(now.rows({}, "instance_registered")[1], "instance_registered 2/1 4");
}

TEST(registry_metrics_view, counts_in_the_newest_minute_when_time_goes_back) {
    counted now;
    now.given(registry::instance_registered{"web", "a"}, 10);
    now.given(registry::instance_registered{"web", "a"}, 3);
    EXPECT_EQ(now.rows("web"), (rows{"instance_registered 10/1 2"}));
}

TEST(registry_metrics_view, comes_back_from_a_snapshot_and_refuses_damaged_ones) {
    counted now;
    for (std::int64_t i = 0; i < 500; ++i) {
        const std::string service = "s" + std::to_string(i * 7 % 23);
        if (i % 3 == 0) {
            now.given(registry::instance_updated{service, "i"}, i / 4);
        } else {
            now.given(registry::instance_expired{service, "i"}, i / 4);
        }
    }
    const std::string bytes = now.snapshot();
    counted other;
    ASSERT_TRUE(other.view.read_snapshot(bytes));
    EXPECT_EQ(other.snapshot(), bytes);
    now.given(registry::instance_updated{"s1", "i"}, 130);
    other.at = now.at - 1;
    other.given(registry::instance_updated{"s1", "i"}, 130);
    EXPECT_EQ(other.snapshot(), now.snapshot());
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        ASSERT_FALSE(other.view.read_snapshot(std::string_view{bytes}.substr(0, cut)));
    }
    EXPECT_EQ(other.view.cell_count(), 0U);
}

} // namespace
} // namespace fasti
