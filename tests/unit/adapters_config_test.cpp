// SPDX-License-Identifier: Apache-2.0
#include "adapters/config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace fasti {
namespace {

using testing::HasSubstr;

config_inputs person() {
    config_inputs inputs;
    inputs.environment = {{"HOME", "/home/ada"}};
    return inputs;
}

const config_source& source_of(const loaded_config& loaded, std::string_view key) {
    for (std::size_t i = 0; i < config_key_count; ++i) {
        if (config_keys[i].name == key) {
            return loaded.sources[i];
        }
    }
    ADD_FAILURE() << "no key " << key;
    return loaded.sources[0];
}

std::string refusal_of(const config_inputs& inputs, std::string_view file) {
    const result<loaded_config> loaded = load_config(inputs, file, "f.toml");
    if (loaded) {
        return "accepted";
    }
    EXPECT_EQ(loaded.error().code, error_code::configuration_invalid);
    return describe(loaded.error());
}

TEST(config, takes_a_flag_over_the_environment_over_the_file_over_the_default) {
    const std::string_view file = "[http]\nlisten = '127.0.0.1:3'\n";
    config_inputs inputs = person();
    result<loaded_config> loaded = load_config(inputs, {}, {});
    ASSERT_TRUE(loaded) << describe(loaded.error());
    EXPECT_EQ(loaded->values.http.listen, "127.0.0.1:8400");
    EXPECT_EQ(source_of(*loaded, "http.listen").origin, config_origin::standard);

    loaded = load_config(inputs, file, "f.toml");
    ASSERT_TRUE(loaded) << describe(loaded.error());
    EXPECT_EQ(loaded->values.http.listen, "127.0.0.1:3");
    EXPECT_EQ(source_of(*loaded, "http.listen").where, "f.toml:2");

    inputs.environment.emplace_back("FASTI_HTTP__LISTEN", "127.0.0.1:2");
    loaded = load_config(inputs, file, "f.toml");
    ASSERT_TRUE(loaded) << describe(loaded.error());
    EXPECT_EQ(loaded->values.http.listen, "127.0.0.1:2");
    EXPECT_EQ(source_of(*loaded, "http.listen").where, "FASTI_HTTP__LISTEN");

    inputs.flags.emplace_back("listen", "127.0.0.1:1");
    loaded = load_config(inputs, file, "f.toml");
    ASSERT_TRUE(loaded) << describe(loaded.error());
    EXPECT_EQ(loaded->values.http.listen, "127.0.0.1:1");
    EXPECT_EQ(source_of(*loaded, "http.listen").where, "--listen");
}

TEST(config, refuses_an_unknown_key_with_its_line_and_the_nearest_name) {
    const std::string refused = refusal_of(person(), "[http]\n\nlissten = '127.0.0.1:3'\n");
    EXPECT_THAT(refused, HasSubstr("f.toml:3"));
    EXPECT_THAT(refused, HasSubstr("http.lissten"));
    EXPECT_THAT(refused, HasSubstr("did you mean `http.listen`?"));
    EXPECT_THAT(refusal_of(person(), "[storage]\nfoo = 1\n"), HasSubstr("storage"));
    EXPECT_THAT(refusal_of(person(), "[regsitry]\nreap_ms = 1\n"),
                HasSubstr("did you mean `registry`?"));
    EXPECT_THAT(refusal_of(person(), "listen = '127.0.0.1:3'\n"),
                HasSubstr("did you mean `http.listen`?"));
    EXPECT_THAT(refusal_of(person(), "[http]\nlevel = 'debug'\n"),
                HasSubstr("did you mean `log.level`?"));
    EXPECT_THAT(refusal_of(person(), "top = 1\n"), HasSubstr("top"));
    EXPECT_THAT(refusal_of(person(), "http = 1\n"), HasSubstr("http"));
}

TEST(config, only_warns_of_unknown_variables) {
    config_inputs inputs = person();
    inputs.environment.emplace_back("FASTI_PORT", "tcp://10.0.0.1:8400");
    inputs.environment.emplace_back("FASTI_HTTP__LISTN", "127.0.0.1:2");
    inputs.environment.emplace_back("FASTI_TOKEN", "fasti_x");
    const result<loaded_config> loaded = load_config(inputs, {}, {});
    ASSERT_TRUE(loaded) << describe(loaded.error());
    ASSERT_EQ(loaded->warnings.size(), 2U);
    EXPECT_THAT(loaded->warnings[0], HasSubstr("FASTI_PORT"));
    EXPECT_THAT(loaded->warnings[1], HasSubstr("did you mean FASTI_HTTP__LISTEN?"));
}

TEST(config, names_key_source_and_reason_of_every_bad_value_at_once) {
    config_inputs inputs = person();
    inputs.environment.emplace_back("FASTI_LOG__LEVEL", "loud");
    inputs.flags.emplace_back("listen", "nowhere");
    const std::string refused = refusal_of(
        inputs, "[registry]\nguard_ratio_percent = 101\n[http]\naccess_log = 'maybe'\n");
    EXPECT_THAT(refused, HasSubstr("4 faults"));
    EXPECT_THAT(refused, HasSubstr("registry.guard_ratio_percent (f.toml:2) must be a number from "
                                   "1 to 100 percent, not 101"));
    EXPECT_THAT(refused, HasSubstr("http.access_log (f.toml:4) must be true or false"));
    EXPECT_THAT(refused, HasSubstr("log.level (FASTI_LOG__LEVEL) must be one of debug, info, warn, "
                                   "error, off, not `loud`"));
    EXPECT_THAT(refused, HasSubstr("http.listen (--listen) must be ADDRESS:PORT"));
}

TEST(config, refuses_numbers_out_of_range_or_of_another_shape) {
    EXPECT_THAT(refusal_of(person(), "[store]\nsegment_bytes = 70000\n"),
                HasSubstr("power of two"));
    EXPECT_THAT(refusal_of(person(), "[http]\nbody_bytes_max = -1\n"), HasSubstr("number from"));
    EXPECT_THAT(refusal_of(person(), "[http]\nbody_bytes_max = 1.5\n"), HasSubstr("number from"));
    EXPECT_THAT(refusal_of(person(), "[http]\nbody_bytes_max = '5s'\n"), HasSubstr("number from"));
    EXPECT_THAT(refusal_of(person(), "[http]\nidle_timeout_ms = '99999999999999999999h'\n"),
                HasSubstr("number from"));
    EXPECT_THAT(refusal_of(person(), "[http]\nhosts = [1]\n"), HasSubstr("list"));
    EXPECT_THAT(refusal_of(person(), "[http\n"), HasSubstr("is not TOML"));
}

TEST(config, refuses_what_cannot_begin_a_key_instead_of_ending) {
    for (const char* text : {"[\x01]\n", "[[!]]\n", "[http]\n= 1\n", "a = {!}\n", "\x80"}) {
        EXPECT_THAT(refusal_of(person(), text), HasSubstr("is not TOML")) << text;
    }
}

TEST(config, takes_numbers_with_units_and_lists) {
    config_inputs inputs = person();
    inputs.environment.emplace_back("FASTI_HTTP__IDLE_TIMEOUT_MS", "5m");
    inputs.flags.emplace_back("http-hosts", "a.example, b.example");
    const result<loaded_config> loaded = load_config(inputs, "[http]\nbody_bytes_max = '64 KiB'\n",
                                                     "f.toml");
    ASSERT_TRUE(loaded) << describe(loaded.error());
    EXPECT_EQ(loaded->values.http.idle_timeout_ms, 300'000U);
    EXPECT_EQ(loaded->values.http.body_bytes_max, 65'536U);
    EXPECT_THAT(loaded->values.http.hosts, testing::ElementsAre("a.example", "b.example"));
}

TEST(config, refuses_plaintext_outside_loopback_unless_it_is_said) {
    config_inputs inputs = person();
    inputs.flags.emplace_back("listen", "0.0.0.0:8400");
    EXPECT_THAT(refusal_of(inputs, {}), HasSubstr("--insecure-plaintext"));
    inputs.flags.emplace_back("insecure-plaintext", "true");
    EXPECT_TRUE(load_config(inputs, {}, {}));
    EXPECT_THAT(refusal_of(person(), "[http]\ntls_cert = 'a.pem'\n"), HasSubstr("http.tls_key"));
    EXPECT_TRUE(load_config(
        person(), "[http]\nlisten='[::]:1'\ntls_cert = 'a.pem'\ntls_key = 'b.pem'\n", "f"));
}

TEST(config, finds_the_data_folder_by_service_manager_user_and_xdg) {
    EXPECT_EQ(load_config(person(), {}, {})->values.data.dir, "/home/ada/.local/share/fasti");
    config_inputs xdg = person();
    xdg.environment.emplace_back("XDG_DATA_HOME", "/xdg");
    EXPECT_EQ(load_config(xdg, {}, {})->values.data.dir, "/xdg/fasti");
    config_inputs root = person();
    root.root = true;
    EXPECT_EQ(load_config(root, {}, {})->values.data.dir, "/var/lib/fasti");
    root.environment.emplace_back("STATE_DIRECTORY", "/var/lib/private/fasti:/other");
    const result<loaded_config> loaded = load_config(root, {}, {});
    EXPECT_EQ(loaded->values.data.dir, "/var/lib/private/fasti");
    EXPECT_EQ(source_of(*loaded, "data.dir").origin, config_origin::service_manager);
    root.flags.emplace_back("data", "/here");
    EXPECT_EQ(load_config(root, {}, {})->values.data.dir, "/here");
    EXPECT_THAT(refusal_of({}, {}), HasSubstr("say --data"));
}

TEST(config, reads_a_file_named_by_flag_and_refuses_an_absent_one) {
    config_inputs inputs = person();
    inputs.file = "ops/deploy/fasti.gen.toml";
    const result<loaded_config> loaded = load_config(inputs);
    ASSERT_TRUE(loaded) << describe(loaded.error());
    EXPECT_EQ(loaded->file, "ops/deploy/fasti.gen.toml");
    inputs.file = "ops/deploy/absent.toml";
    const result<loaded_config> absent = load_config(inputs);
    ASSERT_FALSE(absent);
    EXPECT_THAT(absent.error().message, HasSubstr("absent.toml"));
    inputs.file.reset();
    EXPECT_TRUE(load_config(inputs)) << "the default file may be absent";
}

TEST(config, reloads_what_can_be_and_names_what_needs_a_restart) {
    result<loaded_config> running = load_config(person(), {}, {});
    const result<loaded_config> fresh = load_config(
        person(), "[log]\nlevel = 'debug'\n[http]\nlisten = '127.0.0.1:1'\n", "f.toml");
    ASSERT_TRUE(running);
    ASSERT_TRUE(fresh);
    const config_changes changes = apply_reload(*running, *fresh);
    EXPECT_THAT(changes.applied, testing::ElementsAre("log.level"));
    EXPECT_THAT(changes.need_restart, testing::ElementsAre("http.listen"));
    EXPECT_EQ(running->values.log.level, "debug");
    EXPECT_EQ(running->values.http.listen, "127.0.0.1:8400");
    EXPECT_EQ(source_of(*running, "log.level").where, "f.toml:2");
    EXPECT_TRUE(apply_reload(*running, *running).applied.empty());
}

TEST(config, has_no_name_that_kubernetes_would_set_and_names_are_unique) {
    std::set<std::string_view> names;
    for (const config_key& key : config_keys) {
        EXPECT_TRUE(names.insert(key.flag).second) << key.flag;
        EXPECT_TRUE(names.insert(key.environment).second) << key.environment;
        EXPECT_THAT(std::string{key.environment}, HasSubstr("__"));
    }
}

TEST(config, default_of_every_number_is_within_its_own_range) {
    const config values;
    for (const config_key& key : config_keys) {
        config copy = values;
        const config_member member = key.member(copy);
        if (const auto* const* number = std::get_if<std::uint64_t*>(&member)) {
            EXPECT_GE(**number, key.min) << key.name;
            EXPECT_LE(**number, key.max) << key.name;
        }
    }
}

TEST(endpoint, is_taken_apart_or_refused) {
    EXPECT_EQ(endpoint_from("127.0.0.1:8400")->port, 8400);
    EXPECT_EQ(endpoint_from("[::1]:0")->host, "::1");
    for (const char* bad : {"", ":1", "1.2.3.4", "1.2.3.4:", "a:99999", "::1:80", "[]:1", "a b:1",
                            "a:1x", "http://a:1"}) {
        EXPECT_FALSE(endpoint_from(bad)) << bad;
    }
}

TEST(endpoint, is_loopback_only_for_the_loopback_networks) {
    for (const char* yes : {"localhost", "::1", "127.0.0.1", "127.9.9.9"}) {
        EXPECT_TRUE(is_loopback(yes)) << yes;
    }
    for (const char* no : {"0.0.0.0", "127.example.org", "127.0.0", "127.0.0.1.evil", "10.0.0.1",
                           "::", "127.0.0.256", ""}) {
        EXPECT_FALSE(is_loopback(no)) << no;
    }
}

} // namespace
} // namespace fasti
