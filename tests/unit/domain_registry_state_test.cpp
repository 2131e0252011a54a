// SPDX-License-Identifier: Apache-2.0
//! What the state knows and how: counts, dropping leaves no trace, snapshots are canonical and safe to read.
#include "domain/registry/records.gen.hpp"
#include "tests/support/registry_samples.hpp"
#include "tests/support/samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <map>
#include <new>
#include <random>
#include <string>
#include <vector>

namespace {
std::atomic<std::int64_t> blocks_held{0}; //!< of the heap
} // namespace

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    void* const block = std::malloc(bytes);
    blocks_held += block == nullptr ? 0 : 1;
    return block;
}
void* operator new(std::size_t bytes) {
    void* const block = ::operator new(bytes, std::nothrow);
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    return block;
}
void operator delete(void* block) noexcept {
    blocks_held -= block == nullptr ? 0 : 1;
    std::free(block);
}
void operator delete(void* block, std::size_t) noexcept { ::operator delete(block); }

namespace fasti::registry {
namespace {

TEST(registry_state, counts_instances_of_a_service) {
    state now;
    test::folder fold(now);
    fold(web_1());
    EXPECT_TRUE(now.has_service("web"));
    EXPECT_FALSE(now.find_service("web")->registered);
    fold(web_service());
    EXPECT_EQ(now.find_service("web")->instances, 1U);
    fold(instance_deregistered{.service = "web", .instance = "web-1"});
    EXPECT_EQ(now.find_service("web")->instances, 0U);
    fold(service_deregistered{.service = "web"});
    EXPECT_FALSE(now.has_service("web"));
    now.drop();
    EXPECT_EQ(now.service_count() + now.instance_count(), 0U);
}

TEST(registry_state, stays_with_its_instances_when_an_old_log_deregistered_it) {
    state now;
    test::folder fold(now);
    fold(web_service());
    fold(web_1());
    now.keep();
    fold(service_deregistered{.service = "web"});
    fold(instance_deregistered{.service = "web", .instance = "web-1"});
    EXPECT_FALSE(now.has_service("web"));
    now.drop();
    EXPECT_TRUE(now.find_service("web")->registered);
    EXPECT_EQ(now.find_service("web")->instances, 1U);
}

TEST(registry_state, keeps_which_event_granted_or_ended_a_lease) {
    state now;
    test::folder fold(now);
    fold(web_1());
    fold(web_1_draining);
    now.keep();
    int seen = 0;
    const auto see = [&](std::uint64_t generation, bool expired) {
        now.for_each_instance([&](const instance_record& record) {
            ++seen;
            EXPECT_EQ(record.service(), "web");
            EXPECT_EQ(record.instance(), "web-1");
            EXPECT_EQ(record.lease(), 5000U);
            EXPECT_EQ(record.generation, generation);
            EXPECT_EQ(instant{record.since_us}, scenario_now);
            EXPECT_EQ(record.is(instance_record::expired), expired);
        });
    };
    see(1, false);
    fold(web_1_expired());
    see(3, true);
    EXPECT_EQ(seen, 2);
}

TEST(registry_state, keeps_when_a_lease_was_granted_and_when_it_ended) {
    state now;
    evolve(now, web_1(), {.recorded = scenario_now, .stream_version = 1});
    EXPECT_EQ(instant{now.find_instance("web", "web-1")->since_us}, scenario_now);
    evolve(now, web_1_expired(), {.recorded = later, .stream_version = 2});
    EXPECT_EQ(instant{now.find_instance("web", "web-1")->since_us}, later);
}

//! Only a hint, but a wrong one would be for nothing.
TEST(registry_state, foresees_the_instance_of_a_stream) {
    const state now;
    EXPECT_EQ(now.foresee(stream_of(web_1())), hash_of_instance("web", "web-1"));
    EXPECT_EQ(now.foresee(stream_of(web_service())), 0U);
    EXPECT_EQ(now.foresee("web"), 0U);
}

TEST(registry_state, keeps_texts_apart_that_look_alike) {
    state now;
    test::folder fold(now);
    for (const auto& [service, instance] : std::vector<std::pair<const char*, const char*>>{
             {"a", "b"}, {"b", "a"}, {"ab", "c"}, {"a", "bc"}}) {
        instance_registered fact = web_1();
        fact.service = service;
        fact.instance = instance;
        fold(fact);
    }
    EXPECT_EQ(now.instance_count(), 4U);
    EXPECT_FALSE(now.has_instance("ab", "bc"));
}

std::string snapshot_of(const state& now) {
    std::string bytes;
    write_snapshot(now, bytes);
    return bytes;
}

TEST(registry_state, keeps_texts_and_lists_of_any_length) {
    for (const std::size_t length : {1U, 127U, 128U, 129U, 16'383U, 16'384U, 40'000U}) {
        const std::string text(length, 'x');
        const std::string name(std::min<std::size_t>(length, 128), 'n');
        instance_updated fact = web_1_updated();
        fact.instance = name;
        fact.address = text;
        fact.tags.assign(length, "t");
        fact.weight = static_cast<std::uint32_t>(length);
        fact.lease_ms = fact.weight;
        state now;
        test::folder fold(now);
        fold(with_instance_fields<instance_registered>(fact));
        now.keep();
        state again;
        ASSERT_TRUE(read_snapshot(snapshot_of(now), again)) << length;
        for (const state* const each : {&now, &again}) {
            const instance_record* const record = each->find_instance("web", name);
            ASSERT_NE(record, nullptr) << length;
            EXPECT_TRUE(fields_of(*record) == fact) << length;
        }
    }
}

//! Whichever fields are declared: kept, compared, and there after a snapshot.
TEST(registry_state, keeps_every_field_of_an_instance) {
    fasti::test::sample_maker maker(fasti::test::sample_kind::full);
    auto what = maker.make<register_instance>();
    state now;
    test::folder fold(now);
    const auto decided = [&] { return decide(now, what, at(scenario_now)).value(); };
    fold(std::get<instance_registered>(decided().at(0)));
    const auto kept = [&what](const state& in) {
        const instance_record* record = in.find_instance(what.service, what.instance);
        return record != nullptr &&
               fields_of(*record) == with_instance_fields<instance_updated>(what);
    };
    EXPECT_TRUE(kept(now));
    EXPECT_TRUE(decided().empty()) << "it is so already";
    for (const auto text : instance_texts<register_instance>) {
        if (text == &register_instance::service || text == &register_instance::instance) {
            continue;
        }
        what.*text = "other";
        const auto facts = decided();
        ASSERT_EQ(facts.size(), 1U);
        fold(std::get<instance_updated>(facts[0]));
        EXPECT_TRUE(kept(now));
    }
    now.keep();
    state again;
    ASSERT_TRUE(read_snapshot(snapshot_of(now), again));
    EXPECT_TRUE(kept(again));
}

//! Random commands over a few names, so that they meet often.
class random_commands {
public:
    explicit random_commands(std::uint64_t seed) : random_(seed) {}

    std::uint64_t below(std::uint64_t end) { return random_() % end; }

    command next() {
        static constexpr std::array<std::string_view, 3> services = {"a", "b", "web"};
        static constexpr std::array<std::string_view, 5> instances = {"1", "2", "3", "4", "a"};
        const std::string_view service = services[below(services.size())];
        const std::string_view instance = instances[below(instances.size())];
        const instant until = scenario_now.plus_ms(static_cast<std::int64_t>(below(3)) * 1000);
        switch (below(14)) {
            case 0: return register_service{.service = service, .owner = instance};
            case 1: return deregister_service{.service = service};
            case 2:
            case 3:
            case 4: {
                register_instance what{.service = service, .instance = instance, .address = "h"};
                what.weight = static_cast<std::uint32_t>(below(2));
                what.tags.assign(below(3), "tag");
                what.metadata.assign(below(2), {"key", service});
                if (below(4) != 0) {
                    what.lease_ms = 100 + static_cast<std::uint32_t>(below(2));
                }
                return what;
            }
            case 5:
                return update_instance{
                    .service = service, .instance = instance, .version = instance};
            case 6: return deregister_instance{.service = service, .instance = instance};
            case 7: return drain_instance{.service = service, .instance = instance};
            case 8: return resume_instance{.service = service, .instance = instance};
            case 9: return start_maintenance{.service = service, .instance = instance};
            case 10: return end_maintenance{.service = service, .instance = instance};
            case 11:
                return expire_instance{
                    .service = service, .instance = instance, .generation = 1 + below(5)};
            case 12:
                return reap_instance{
                    .service = service, .instance = instance, .expired_version = 1 + below(9)};
            default:
                return below(2) == 0 ? command{raise_expiry_guard{.until = until}}
                                     : command{lift_expiry_guard{}};
        }
    }

private:
    std::mt19937_64 random_;
};

//! Stream versions as a log counts them; copied to take them back.
using versions = std::map<std::string, std::uint64_t>;

//! Decides one command and applies what it makes. True when it made something.
bool run(state& now, const command& what, versions& heads) {
    const decision_context context{.now = scenario_now.plus_ms(1500)};
    const auto decided = std::visit([&](const auto& one) { return decide(now, one, context); },
                                    what);
    if (!decided.ok()) {
        return false;
    }
    for (const event& one : decided.value()) {
        std::visit(
            [&](const auto& fact) {
                evolve(now, fact,
                       {.recorded = scenario_now, .stream_version = ++heads[stream_of(fact)]});
            },
            one);
    }
    return !decided.value().empty();
}

TEST(registry_overlay, kept_commands_alone_give_the_same_state_whatever_was_dropped_between) {
    std::size_t made = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        random_commands random(seed);
        state mixed;
        state kept_only;
        versions mixed_heads;
        versions kept_heads;
        for (int batch = 0; batch < 60; ++batch) {
            const bool keep = random.below(2) == 0;
            const versions before = mixed_heads;
            for (std::uint64_t left = 1 + random.below(8); left > 0; --left) {
                const command what = random.next();
                made += run(mixed, what, mixed_heads) ? 1U : 0U;
                if (keep) {
                    run(kept_only, what, kept_heads);
                    kept_only.keep();
                }
            }
            if (keep) {
                mixed.keep();
            } else {
                mixed.drop();
                mixed_heads = before;
            }
            ASSERT_EQ(snapshot_of(mixed), snapshot_of(kept_only))
                << "seed " << seed << " batch " << batch;
            ASSERT_EQ(mixed.service_count(), kept_only.service_count()) << "seed " << seed;
        }
    }
    EXPECT_GT(made, 1000U) << "the commands hardly ever do anything";
}

TEST(registry_overlay, gives_back_all_memory_it_took) {
    const std::int64_t before = blocks_held;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        random_commands random(seed);
        versions heads;
        state now;
        for (int batch = 0; batch < 60; ++batch) {
            for (std::uint64_t left = 1 + random.below(8); left > 0; --left) {
                run(now, random.next(), heads);
            }
            if (random.below(2) == 0) {
                now.keep();
            } else {
                now.drop();
            }
        }
        run(now, register_service{.service = "last"}, heads);
        run(now, register_instance{.service = "last", .instance = "1"}, heads);
        now.keep();
        run(now, register_service{.service = "last", .owner = "me"}, heads); // to the end neither
        run(now, register_instance{.service = "last", .instance = "1", .port = 9}, heads);
    }
    EXPECT_EQ(blocks_held, before);
}

TEST(registry_overlay, a_dropped_batch_of_ten_thousand_leaves_nothing) {
    state now;
    std::vector<std::string> names;
    for (int i = 0; i < 10'000; ++i) {
        names.push_back("i" + std::to_string(i));
    }
    versions heads;
    for (int i = 0; i < 100; ++i) {
        run(now,
            register_instance{.service = "web", .instance = names[static_cast<std::size_t>(i)]},
            heads);
    }
    now.keep();
    const std::string before = snapshot_of(now);
    for (const std::string& name : names) {
        run(now, register_instance{.service = "web", .instance = name, .port = 9}, heads);
    }
    EXPECT_EQ(now.find_service("web")->instances, 10'000U);
    now.drop();
    EXPECT_EQ(snapshot_of(now), before);
}

state& filled(state& now) {
    versions heads;
    random_commands random(7);
    for (int i = 0; i < 200; ++i) {
        run(now, random.next(), heads);
    }
    run(now, register_service{.service = "svc", .tags = {"x"}, .metadata = {{"k", "v"}}}, heads);
    run(now, raise_expiry_guard{.until = {-5}}, heads);
    now.keep();
    return now;
}

TEST(registry_snapshot, writes_back_what_it_read) {
    state now;
    const std::string bytes = snapshot_of(filled(now));
    state again;
    again.set_guard(instant{1}); // what was there before is forgotten
    ASSERT_TRUE(read_snapshot(bytes, again));
    EXPECT_EQ(snapshot_of(again), bytes);
    EXPECT_EQ(again.service_count(), now.service_count());
    EXPECT_EQ(again.instance_count(), now.instance_count());
    again.drop();
    EXPECT_EQ(snapshot_of(again), bytes) << "what a snapshot brought is kept";
    state empty;
    ASSERT_TRUE(read_snapshot(snapshot_of(empty), again));
    EXPECT_EQ(again.service_count(), 0U);
}

TEST(registry_snapshot, is_kept_whichever_part_it_has_alone) {
    for (const command& only :
         {command{register_service{.service = "svc"}}, command{raise_expiry_guard{.until = later}},
          command{register_instance{.service = "own", .instance = "one"}}}) {
        state now;
        versions heads;
        ASSERT_TRUE(run(now, only, heads));
        now.keep();
        const std::string bytes = snapshot_of(now);
        state again;
        ASSERT_TRUE(read_snapshot(bytes, again));
        again.drop();
        EXPECT_EQ(snapshot_of(again), bytes);
    }
}

TEST(registry_snapshot, what_it_brought_is_found_by_name) {
    state now;
    const std::string bytes = snapshot_of(filled(now));
    state again;
    ASSERT_TRUE(read_snapshot(bytes, again));
    ASSERT_GT(now.instance_count(), 0U);
    now.for_each_instance([&](const instance_record& record) {
        const instance_record* found = again.find_instance(record.service(), record.instance());
        ASSERT_NE(found, nullptr) << record.service() << "/" << record.instance();
        EXPECT_EQ(found->generation, record.generation);
    });
    now.for_each_service([&](const service_record& record) {
        const service_record* found = again.find_service(record.service());
        ASSERT_NE(found, nullptr) << record.service();
        EXPECT_EQ(found->instances, record.instances);
    });
}

TEST(registry_snapshot, does_not_depend_on_the_order_of_events) {
    state forth;
    state back;
    versions heads_forth;
    versions heads_back;
    for (int i = 0; i < 50; ++i) {
        const std::string up = "i" + std::to_string(i);
        const std::string down = "i" + std::to_string(49 - i);
        run(forth, register_instance{.service = "web", .instance = up}, heads_forth);
        run(back, register_instance{.service = "web", .instance = down}, heads_back);
    }
    EXPECT_EQ(snapshot_of(forth), snapshot_of(back));
}

TEST(registry_snapshot, refuses_a_service_that_comes_twice_or_late) {
    state now;
    versions heads;
    run(now, register_service{.service = "a"}, heads);
    run(now, register_service{.service = "b"}, heads);
    now.keep();
    const std::string bytes = snapshot_of(now);
    std::string twice = bytes;
    twice[twice.rfind('b')] = 'a';
    std::string late = bytes;
    std::swap(late[late.rfind("\x01"
                              "a") +
                   1],
              late[late.rfind("\x01"
                              "b") +
                   1]);
    ASSERT_NE(twice, late);
    state again;
    EXPECT_TRUE(read_snapshot(bytes, again));
    EXPECT_FALSE(read_snapshot(twice, again));
    EXPECT_FALSE(read_snapshot(late, again));
}

TEST(registry_snapshot, refuses_names_that_no_command_would_take) {
    for (const std::string name : {"\x03svc", "\x03own", "\x03one"}) {
        state now;
        versions heads;
        run(now, register_service{.service = "svc"}, heads);
        run(now, register_instance{.service = "own", .instance = "one"}, heads);
        now.keep();
        std::string bytes = snapshot_of(now);
        state again;
        ASSERT_TRUE(read_snapshot(bytes, again));
        ASSERT_NE(bytes.find(name), std::string::npos);
        bytes[bytes.find(name) + 2] = '!';
        EXPECT_FALSE(read_snapshot(bytes, again)) << name;
        EXPECT_EQ(again.service_count() + again.instance_count(), 0U);
    }
}

TEST(registry_snapshot, states_its_format_and_whether_there_is_a_guard) {
    state now;
    const std::string bytes = snapshot_of(now);
    const std::size_t format = 1 + std::string_view{"fasti registry write model"}.size();
    const std::size_t guard = format + 1;
    EXPECT_EQ(bytes[format], 1);
    EXPECT_EQ(bytes[guard], 0);
    for (const std::size_t place : {format, guard}) {
        std::string other = bytes;
        other[place] = 2;
        EXPECT_FALSE(read_snapshot(other, now)) << place;
    }
}

//! Whatever the bytes: refused and empty, or a state that writes exactly these bytes.
void expect_refused_or_same(const std::string& bytes) {
    state now;
    if (read_snapshot(bytes, now)) {
        EXPECT_EQ(snapshot_of(now), bytes);
    } else {
        EXPECT_EQ(now.service_count() + now.instance_count(), 0U);
        EXPECT_FALSE(now.guard_until().has_value());
    }
}

TEST(registry_snapshot, refuses_damaged_bytes_or_takes_them_exactly) {
    state now;
    const std::string bytes = snapshot_of(filled(now));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        state cut;
        EXPECT_FALSE(read_snapshot(std::string_view(bytes).substr(0, size), cut)) << size;
    }
    std::mt19937_64 random(11);
    for (int i = 0; i < 20'000; ++i) {
        std::string damaged = bytes;
        for (std::uint64_t hits = 1 + random() % 3; hits > 0; --hits) {
            damaged[random() % damaged.size()] = static_cast<char>(random());
        }
        expect_refused_or_same(damaged);
    }
    expect_refused_or_same(bytes + '\0');
}

} // namespace
} // namespace fasti::registry
