// SPDX-License-Identifier: Apache-2.0
#include "domain/registry/records.gen.hpp"
#include "projections/views/registry_view.hpp"
#include "tests/support/registry_history.hpp"
#include "tests/support/samples.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <tuple>

namespace fasti {
namespace {

using registry::instance_status;

//! A view and the log position, version and time that events get one after the other.
struct folded {
    registry_view view;
    position at = 0;
    std::map<std::string, std::uint64_t> versions;

    template <class Event>
    position given(const Event& what) {
        ++at;
        view.on(what, {instant{static_cast<std::int64_t>(at) * 1'000'000},
                       ++versions[stream_of(what)], at, "token/1"});
        return at;
    }
    position registered(std::string_view service, std::string_view instance,
                        std::uint32_t weight = 100) {
        registry::instance_registered what;
        what.service = service;
        what.instance = instance;
        what.address = "10.1.2.3";
        what.port = 80;
        what.protocol = "http";
        what.version = "1.0";
        what.weight = weight;
        what.zone = "a";
        what.lease_ms = 5000;
        return given(what);
    }
    registry::instance_row row(std::string_view service, std::string_view instance) {
        registry::instance_row out;
        view.fill(view.slot_of(service, instance).value(), out);
        return out;
    }
    registry::service_row service_row(std::string_view service) {
        registry::service_row out;
        view.fill(view.find_service(service).value(), out);
        return out;
    }
    service_changes changes(std::string_view service) {
        return view.changes(view.find_service(service).value());
    }
    std::string snapshot() const {
        std::string out;
        view.write_snapshot(out);
        return out;
    }
};

void fold(registry_view& into, const test::owned_event& one) {
    event_scratch scratch;
    const event_context context{one.recorded, one.stream_version, one.at, one.actor};
    const auto status = visit_event(one.type, one.revision, one.data, scratch,
                                    [&](const auto& what) {
                                        if constexpr (requires { into.on(what, context); }) {
                                            into.on(what, context);
                                        }
                                    });
    ASSERT_EQ(status, decode_status::ok);
}

TEST(registry_view, shows_what_was_registered) {
    folded now;
    registry::instance_registered what;
    what.service = "web";
    what.instance = "web-1";
    what.address = "10.0.0.1";
    what.port = 8080;
    what.protocol = "grpc";
    what.version = "2.1";
    what.weight = 7;
    what.zone = "eu-1";
    what.tags = {"blue", "canary"};
    what.metadata = {{"build", "41"}, {"team", "core"}};
    what.lease_ms = 3000;
    now.given(what);

    const auto row = now.row("web", "web-1");
    EXPECT_EQ(row.address, "10.0.0.1");
    EXPECT_EQ(row.port, 8080);
    EXPECT_EQ(row.protocol, "grpc");
    EXPECT_EQ(row.version, "2.1");
    EXPECT_EQ(row.weight, 7U);
    EXPECT_EQ(row.zone, "eu-1");
    EXPECT_EQ(row.tags, what.tags);
    EXPECT_EQ(row.metadata, what.metadata);
    EXPECT_EQ(row.lease_ms, 3000U);
    EXPECT_EQ(row.status, instance_status::up);
    EXPECT_EQ(row.registered_at, instant{1'000'000});
    EXPECT_EQ(row.stream_version, 1U);
    EXPECT_EQ(row.changed_position, 1U);
}

//! Whichever fields are declared.
TEST(registry_view, shows_every_field_that_is_kept) {
    test::sample_maker maker(test::sample_kind::full);
    folded now;
    auto service = maker.make<registry::service_updated>();
    auto instance = maker.make<registry::instance_updated>();
    const auto shown = [&](folded& in) {
        return registry::with_service_fields<registry::service_updated>(
                   in.service_row(service.service)) == service &&
               registry::with_instance_fields<registry::instance_updated>(
                   in.row(instance.service, instance.instance)) == instance;
    };
    now.given(registry::with_service_fields<registry::service_registered>(service));
    now.given(registry::with_instance_fields<registry::instance_registered>(instance));
    EXPECT_TRUE(shown(now));
    for (const auto text : registry::service_texts<registry::service_updated>) {
        service.*text = text == &registry::service_updated::service ? service.service : "other";
    }
    for (const auto text : registry::instance_texts<registry::instance_updated>) {
        if (text != &registry::instance_updated::service &&
            text != &registry::instance_updated::instance) {
            instance.*text = instance.*text == "tcp" ? "udp" : "tcp";
            now.given(service);
            now.given(instance);
            EXPECT_TRUE(shown(now));
        }
    }
    folded again;
    ASSERT_TRUE(again.view.read_snapshot(now.snapshot()));
    EXPECT_TRUE(shown(again));
}

TEST(registry_view, lists_a_service_that_only_its_instances_made_known) {
    folded now;
    now.registered("web", "web-1");
    const auto row = now.service_row("web");
    EXPECT_FALSE(row.registered);
    EXPECT_EQ(row.stream_version, 0U);
    EXPECT_EQ(row.instances, 1U);
    EXPECT_EQ(row.healthy, 1U);
}

TEST(registry_view, forgets_a_service_with_its_last_instance_unless_it_is_registered) {
    folded now;
    now.registered("web", "web-1");
    now.given(registry::service_registered{"kept", "d", "o", {}, {}});
    now.registered("kept", "k-1");
    now.given(registry::instance_deregistered{"web", "web-1"});
    now.given(registry::instance_deregistered{"kept", "k-1"});
    EXPECT_FALSE(now.view.find_service("web"));
    EXPECT_EQ(now.service_row("kept").description, "d");
    now.given(registry::service_deregistered{"kept"});
    EXPECT_EQ(now.view.service_count(), 0U);
}

TEST(registry_view, orders_status_expired_maintenance_draining) {
    folded now;
    now.registered("web", "w");
    now.given(registry::instance_drain_started{"web", "w"});
    EXPECT_EQ(now.row("web", "w").status, instance_status::draining);
    now.given(registry::instance_maintenance_started{"web", "w"});
    EXPECT_EQ(now.row("web", "w").status, instance_status::maintenance);
    now.given(registry::instance_expired{"web", "w", 5000, {}});
    EXPECT_EQ(now.row("web", "w").status, instance_status::expired);
    EXPECT_EQ(now.view.healthy_count(), 0U);
    now.registered("web", "w");
    EXPECT_EQ(now.row("web", "w").status, instance_status::maintenance);
    now.given(registry::instance_maintenance_ended{"web", "w"});
    EXPECT_EQ(now.row("web", "w").status, instance_status::up);
    EXPECT_EQ(now.view.healthy_count(), 1U);
}

TEST(registry_view, keeps_slots_while_an_instance_lives_and_reuses_them_after) {
    folded now;
    now.registered("web", "a");
    now.registered("web", "b");
    const auto slot = now.view.slot_of("web", "b");
    now.given(registry::instance_deregistered{"web", "a"});
    EXPECT_EQ(now.view.slot_of("web", "b"), slot);
    EXPECT_FALSE(now.view.slot_of("web", "a"));
    now.registered("web", "c");
    EXPECT_EQ(now.view.slot_of("web", "c"), 0U);
    EXPECT_EQ(now.view.at(0).instance, "c");
}

TEST(registry_view, changes_the_healthy_position_only_for_healthy_members) {
    folded now;
    now.registered("web", "a");
    now.registered("web", "b");
    const position drained = now.given(registry::instance_drain_started{"web", "b"});
    EXPECT_EQ(now.changes("web").healthy, drained);
    EXPECT_EQ(now.changes("web").row, drained);
    const position hidden = now.given(registry::instance_maintenance_started{"web", "b"});
    EXPECT_EQ(now.changes("web").healthy, drained);
    EXPECT_EQ(now.changes("web").row, drained);
    EXPECT_EQ(now.changes("web").set, hidden);
}

TEST(registry_view, moves_change_positions_when_something_goes) {
    folded now;
    now.registered("web", "a");
    now.registered("web", "b");
    now.registered("db", "d");
    EXPECT_EQ(now.changes("web").removed, 0U);
    const position gone = now.given(registry::instance_deregistered{"web", "a"});
    EXPECT_EQ(now.changes("web").removed, gone);
    EXPECT_EQ(now.changes("web").set, gone);
    EXPECT_EQ(now.changes("web").healthy, gone);
    EXPECT_EQ(now.changes("db").set, 3U);
    const position last = now.given(registry::instance_reaped{"web", "b"});
    EXPECT_EQ(now.view.services_removed(), last);
    EXPECT_EQ(now.view.services_changed(), last);
    now.registered("web", "a");
    EXPECT_EQ(now.changes("web").removed, last);
}

TEST(registry_view, leaves_other_services_positions_alone) {
    folded now;
    now.registered("db", "d");
    now.registered("web", "a");
    const service_changes before = now.changes("db");
    now.given(registry::instance_expired{"web", "a", 5000, {}});
    EXPECT_EQ(now.changes("db").set, before.set);
    EXPECT_EQ(now.changes("db").row, before.row);
    EXPECT_EQ(now.changes("db").healthy, before.healthy);
}

TEST(registry_view, picks_by_weight) {
    folded now;
    now.registered("web", "none", 0);
    now.registered("web", "one", 10);
    now.registered("web", "three", 30);
    const service_id web = now.view.find_service("web").value();
    std::map<std::string, int> seen;
    for (std::uint64_t number = 0; number < 400; ++number) {
        ++seen[std::string{now.view.instance_name(*now.view.pick_weighted(web, number))}];
    }
    EXPECT_EQ(seen, (std::map<std::string, int>{{"one", 100}, {"three", 300}}));
    now.given(registry::instance_drain_started{"web", "three"});
    seen.clear();
    for (std::uint64_t number = 0; number < 400; ++number) {
        ++seen[std::string{now.view.instance_name(*now.view.pick_weighted(web, number))}];
    }
    EXPECT_EQ(seen, (std::map<std::string, int>{{"one", 400}}));
    now.given(registry::instance_deregistered{"web", "one"});
    EXPECT_FALSE(now.view.pick_weighted(web, 1));
}

TEST(registry_view, keeps_weights_right_under_any_changes) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        test::random_history history(seed, 2, 40);
        registry_view view;
        for (const auto& one : history.make(400)) {
            ASSERT_NO_FATAL_FAILURE(fold(view, one));
            for (const char* named : {"service-0", "service-1"}) {
                const auto id = view.find_service(named);
                if (!id) {
                    continue;
                }
                std::uint64_t total = 0;
                for (const instance_slot slot : view.healthy(*id)) {
                    total += view.weight_of(slot);
                }
                std::uint64_t point = 0;
                for (const instance_slot slot : view.healthy(*id)) {
                    if (view.weight_of(slot) != 0) {
                        ASSERT_EQ(view.pick_weighted(*id, point), slot) << "seed " << seed;
                        point += view.weight_of(slot);
                        ASSERT_EQ(view.pick_weighted(*id, point - 1), slot) << "seed " << seed;
                    }
                }
                if (total == 0) {
                    ASSERT_FALSE(view.pick_weighted(*id, 0)) << "seed " << seed;
                }
            }
        }
    }
}

TEST(registry_view, filters_by_tags_zone_version_and_metadata) {
    folded now;
    registry::instance_registered what;
    what.service = "web";
    what.instance = "w";
    what.version = "1.0";
    what.zone = "a";
    what.tags = {"blue", "green"};
    what.metadata = {{"k", "v"}};
    now.given(what);
    const auto matches = [&](const instance_filter& filter) { return now.view.matches(0, filter); };
    const std::vector<std::string_view> both{"green", "blue"};
    const std::vector<std::string_view> other{"green", "red"};
    const std::vector<label> kv{{"k", "v"}};
    const std::vector<label> kw{{"k", "w"}};
    EXPECT_TRUE(matches({}));
    EXPECT_TRUE(matches({both, "a", "1.0", kv, instance_status::up}));
    EXPECT_FALSE(matches({other}));
    EXPECT_FALSE(matches({.zone = "b"}));
    EXPECT_FALSE(matches({.version = "1"}));
    EXPECT_FALSE(matches({.metadata = kw}));
    EXPECT_FALSE(matches({.status = instance_status::expired}));
}

TEST(registry_view, lists_by_name_whatever_the_changes_between) {
    test::random_history history(7, 40, 900);
    registry_view view;
    std::size_t seen = 0;
    for (const auto& one : history.make(8'000)) {
        ASSERT_NO_FATAL_FAILURE(fold(view, one));
        if (++seen % 997 != 0) {
            continue;
        }
        std::string before;
        std::size_t services = 0;
        view.services_from("", [&](service_id id) {
            EXPECT_LT(before, view.service_name(id));
            before = view.service_name(id);
            ++services;
            std::string instance_before;
            std::size_t instances = 0;
            view.instances_from(id, "", [&](instance_slot slot) {
                EXPECT_LT(instance_before, view.instance_name(slot));
                instance_before = view.instance_name(slot);
                ++instances;
                return true;
            });
            EXPECT_EQ(instances, view.members(id).size());
            return true;
        });
        EXPECT_EQ(services, view.service_count());
    }
    std::vector<std::string> page;
    view.services_from("service-2", [&](service_id id) {
        page.emplace_back(view.service_name(id));
        return page.size() < 3;
    });
    EXPECT_EQ(page, (std::vector<std::string>{"service-2", "service-20", "service-21"}));
}

TEST(registry_view, gives_the_same_bytes_through_a_snapshot_anywhere) {
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
        test::random_history history(seed, 6, 12);
        const auto& events = history.make(400);
        registry_view whole;
        for (const auto& one : events) {
            ASSERT_NO_FATAL_FAILURE(fold(whole, one));
        }
        std::string wanted;
        whole.write_snapshot(wanted);
        const std::size_t cut = seed * 7919 % events.size();
        registry_view first;
        for (std::size_t i = 0; i < cut; ++i) {
            fold(first, events[i]);
        }
        std::string middle;
        first.write_snapshot(middle);
        registry_view second;
        ASSERT_TRUE(second.read_snapshot(middle));
        EXPECT_EQ(first.healthy_count(), second.healthy_count());
        EXPECT_EQ(first.text_memory_bytes(), second.text_memory_bytes());
        for (std::size_t i = cut; i < events.size(); ++i) {
            fold(second, events[i]);
        }
        std::string got;
        second.write_snapshot(got);
        EXPECT_EQ(got, wanted) << "seed " << seed << " cut " << cut;
    }
}

TEST(registry_view, survives_any_damage_to_a_snapshot) {
    test::random_history history(3, 5, 10);
    registry_view view;
    for (const auto& one : history.make(200)) {
        fold(view, one);
    }
    std::string bytes;
    view.write_snapshot(bytes);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        registry_view other;
        EXPECT_FALSE(other.read_snapshot(std::string_view{bytes}.substr(0, cut))) << cut;
        EXPECT_EQ(other.service_count(), 0U);
    }
    std::mt19937_64 random(11);
    for (int round = 0; round < 3'000; ++round) {
        std::string damaged = bytes;
        for (std::uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
            damaged[random() % damaged.size()] = static_cast<char>(random());
        }
        registry_view other;
        if (other.read_snapshot(damaged)) {
            std::string again;
            other.write_snapshot(again);
            registry_view third;
            EXPECT_TRUE(third.read_snapshot(again));
        } else {
            EXPECT_EQ(other.instance_count(), 0U);
        }
    }
}

struct lease_log final : lease_observer {
    std::vector<std::string> lines;

    void instance_granted(std::uint32_t slot, std::uint32_t lease_ms,
                          std::uint64_t generation) override {
        lines.push_back("granted " + std::to_string(slot) + " " + std::to_string(lease_ms) + " " +
                        std::to_string(generation));
    }
    void instance_expired(std::uint32_t slot, instant recorded, std::uint64_t version) override {
        lines.push_back("expired " + std::to_string(slot) + " " + std::to_string(recorded.us) +
                        " " + std::to_string(version));
    }
    void instance_removed(std::uint32_t slot) override {
        lines.push_back("removed " + std::to_string(slot));
    }
    void guard_raised(instant until) override {
        lines.push_back("raised " + std::to_string(until.us));
    }
    void guard_lifted() override { lines.push_back("lifted"); }
};

TEST(registry_view, tells_the_lease_table_what_concerns_it) {
    folded now;
    lease_log log;
    now.view.observe(&log);
    now.registered("web", "a");
    now.given(registry::instance_drain_started{"web", "a"});
    now.given(registry::instance_expired{"web", "a", 5000, {}});
    now.given(registry::expiry_guard_raised{1, 2, 3, instant{9}});

    lease_log all;
    now.view.tell_all(all);
    EXPECT_EQ(all.lines, (std::vector<std::string>{"expired 0 3000000 3", "raised 9"}));

    now.given(registry::expiry_guard_lifted{instant{9}});
    now.registered("web", "a");
    now.given(registry::instance_deregistered{"web", "a"});
    EXPECT_EQ(log.lines,
              (std::vector<std::string>{"granted 0 5000 1", "expired 0 3000000 3", "raised 9",
                                        "lifted", "granted 0 5000 4", "removed 0"}));
}

TEST(registry_view, keeps_structures_within_the_budget_of_memory) {
    folded now;
    for (int i = 0; i < 20'000; ++i) {
        now.registered("service-" + std::to_string(i % 200), "instance-" + std::to_string(i));
    }
    EXPECT_LT(now.view.structure_bytes() / now.view.instance_count(), 200U);
}

} // namespace
} // namespace fasti
