// SPDX-License-Identifier: Apache-2.0
// The commands that read or write a data folder without a server, on a log of a few real commands.
#include "adapters/cli/cli.hpp"
#include "adapters/clock/system_clock.hpp"
#include "adapters/crypto/uuid7_source.hpp"
#include "commands/pipeline/sequencer.hpp"
#include "commands/pipeline/write_model.hpp"
#include "eventstore/segments/posix_files.hpp"
#include "eventstore/segments/segment_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace fasti::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

struct outcome {
    int code;
    std::string out;
    std::string err;
};

class offline : public ::testing::Test {
protected:
    void SetUp() override {
        data_ = ::testing::TempDir() + "/fasti_offline_" + std::to_string(getpid()) + "_" +
                ::testing::UnitTest::GetInstance()->current_test_info()->name();
        fs::remove_all(data_);
        fs::create_directories(data_);
    }
    void TearDown() override { fs::remove_all(data_); }

    std::unique_ptr<segment_ledger> open() {
        segment_options how;
        how.path = data_ + "/log";
        how.segment_bytes = 64U * 1024U;
        how.fresh_log_id.bytes = {1, 2, 3};
        how.fresh_epoch = 7;
        auto opened = open_segments(disk_, how);
        EXPECT_TRUE(opened) << opened.error().message;
        return std::move(opened).value();
    }

    //! web-1 is registered, changed for a reason, and another one comes.
    void write_history() {
        const auto facts = open();
        write_model model;
        sequencer decides{*facts, model, time_, ids_};
        const auto register_web = [&](std::string_view name, std::uint16_t port,
                                      std::string reason) {
            auto request = std::make_unique<command_request>();
            request->caller = std::make_shared<principal>(principal{"token/aa", "", {"admin:*"}});
            request->reason = std::move(reason);
            registry::register_instance what;
            what.service = "web";
            what.instance = name;
            what.address = "10.0.0.7";
            what.port = port;
            what.protocol = "tcp";
            what.weight = 100;
            request->items.push_back({.what = what});
            decides.stage(std::move(request));
            const auto notice = decides.commit();
            ASSERT_TRUE(notice) << notice.error().message;
            ASSERT_FALSE(notice->answers.at(0).outcomes.at(0).failure);
        };
        register_web("web-1", 80, "first");
        register_web("web-1", 81, "moved to another port");
        register_web("web-2", 80, "second");
        ASSERT_TRUE(facts->carry_on());
    }

    outcome run_fasti(std::vector<std::string> words) {
        words.insert(words.end(), {"--data", data_});
        return run_words(words);
    }

    outcome run_words(const std::vector<std::string>& words) {
        std::istringstream in;
        std::ostringstream out;
        std::ostringstream err;
        surroundings around{{{{"HOME", "/nonexistent"}}, {}, {}, false}, in, out, err};
        hooks with;
        with.log_folder = [](const std::string& data) { return data + "/log"; };
        with.snapshot_folder = [](const std::string& data) { return data + "/snapshots"; };
        const int code = run(words, around, with);
        return {code, out.str(), err.str()};
    }

    std::string only_file_in(const std::string& folder) {
        for (const fs::directory_entry& entry : fs::directory_iterator{data_ + "/" + folder}) {
            return entry.path().string();
        }
        ADD_FAILURE() << "no file in " << folder;
        return {};
    }

    static void damage(const std::string& path, std::streamoff from_end) {
        std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
        file.seekg(-from_end, std::ios::end);
        const int byte = file.get();
        file.seekp(-from_end, std::ios::end);
        file.put(static_cast<char>(byte ^ 1));
    }

    std::string data_;
    posix_files disk_;
    system_clock time_;
    crypto::uuid7_source ids_{time_};
};

TEST_F(offline, verify_finds_nothing_in_a_whole_log) {
    write_history();
    const outcome verified = run_fasti({"verify"});
    EXPECT_EQ(verified.code, exit_success) << verified.out << verified.err;
    EXPECT_THAT(verified.out, HasSubstr("Verified 3 events, 0 snapshots and 5 parts"));
    EXPECT_THAT(verified.out, HasSubstr("nothing found"));
    EXPECT_THAT(run_fasti({"verify", "--output", "json"}).out, HasSubstr(R"("findings":[])"));
}

TEST_F(offline, snapshots_are_listed) {
    write_history();
    EXPECT_THAT(run_fasti({"snapshot", "list", "--output", "json"}).out,
                HasSubstr("{\"snapshots\":[]}"));
    EXPECT_EQ(run_fasti({"snapshot", "list"}).out, "None.\n");
    ASSERT_EQ(run_fasti({"snapshot"}).code, exit_success);
    const outcome listed = run_fasti({"snapshot", "list"});
    EXPECT_EQ(listed.code, exit_success) << listed.err;
    EXPECT_THAT(listed.out, HasSubstr("00000000000000000003-"));
    EXPECT_THAT(run_fasti({"snapshot", "list", "--output", "json"}).out,
                HasSubstr(R"("position":3,"bytes":)"));
}

TEST_F(offline, snapshots_are_listed_of_a_folder_with_a_log_only) {
    const outcome typo = run_fasti({"snapshot", "list"});
    EXPECT_EQ(typo.code, exit_usage);
    EXPECT_EQ(typo.out, "");
    EXPECT_THAT(typo.err, HasSubstr("There is no log in " + data_ + "."));
    EXPECT_FALSE(fs::exists(data_ + "/log"));
    for (const std::vector<std::string>& empty :
         {std::vector<std::string>{"--data", ""}, {"--data="}}) {
        std::vector<std::string> words = {"snapshot", "list"};
        words.insert(words.end(), empty.begin(), empty.end());
        const outcome none = run_words(words);
        EXPECT_EQ(none.code, exit_usage);
        EXPECT_EQ(none.out, "");
    }
    EXPECT_THAT(run_words({"snapshot", "list", "--data", ""}).err,
                HasSubstr("Say where the data is: --data DIR."));
    // A log that nobody can open is still one.
    fs::create_directories(data_ + "/log");
    std::ofstream{data_ + "/log/00000000000000000001.seg"} << "not a segment";
    EXPECT_NE(run_fasti({"verify"}).code, exit_success);
    EXPECT_EQ(run_fasti({"snapshot", "list"}).out, "None.\n");
}

TEST_F(offline, verify_finds_a_damaged_snapshot) {
    write_history();
    ASSERT_EQ(run_fasti({"snapshot"}).code, exit_success);
    const outcome whole = run_fasti({"verify"});
    EXPECT_EQ(whole.code, exit_success) << whole.out << whole.err;
    EXPECT_THAT(whole.out, HasSubstr("1 snapshot and"));
    damage(only_file_in("snapshots"), 3);
    const outcome damaged = run_fasti({"verify"});
    EXPECT_EQ(damaged.code, exit_finding);
    EXPECT_THAT(damaged.out, HasSubstr("snapshot is not whole"));
}

TEST_F(offline, verify_refuses_a_log_whose_acknowledged_facts_were_altered) {
    write_history();
    bool found = false;
    for (const fs::directory_entry& entry : fs::directory_iterator{data_ + "/log"}) {
        std::ifstream file{entry.path(), std::ios::binary};
        const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
        if (const std::size_t fact = bytes.find("moved to another port");
            fact != std::string::npos) {
            damage(entry.path(), static_cast<std::streamoff>(bytes.size() - fact));
            found = true;
        }
    }
    ASSERT_TRUE(found);
    const outcome altered = run_fasti({"verify"});
    EXPECT_EQ(altered.code, exit_damaged) << altered.out;
    EXPECT_THAT(altered.err, HasSubstr("2")) << "the position is named";
}

TEST_F(offline, verify_says_which_folder_holds_no_log_and_makes_none) {
    const outcome none = run_fasti({"verify"});
    EXPECT_EQ(none.code, exit_usage);
    EXPECT_THAT(none.err, HasSubstr(data_));
    EXPECT_FALSE(fs::exists(data_ + "/log"));
}

TEST_F(offline, replay_rebuilds_views_that_equal_those_of_a_start) {
    write_history();
    const outcome replayed = run_fasti({"replay"});
    EXPECT_EQ(replayed.code, exit_success) << replayed.err;
    EXPECT_THAT(replayed.out, HasSubstr("tokens"));
    EXPECT_THAT(replayed.out, Not(HasSubstr("DIFFERENT")));
}

TEST_F(offline, replay_shows_a_view_as_it_was_and_what_changed_since) {
    write_history();
    const outcome past = run_fasti({"replay", "--view", "instances", "--at", "1"});
    EXPECT_EQ(past.code, exit_success) << past.err;
    EXPECT_THAT(past.out, ::testing::ContainsRegex("web +web-1 +up +10.0.0.7 +80"));
    EXPECT_THAT(past.out, Not(HasSubstr("web-2")));
    const outcome changed = run_fasti({"replay", "--view", "instances", "--since", "1"});
    EXPECT_EQ(changed.code, exit_finding);
    EXPECT_THAT(changed.out, HasSubstr("port: 80 -> 81"));
    EXPECT_THAT(changed.out, HasSubstr("+ web/web-2"));
    EXPECT_EQ(run_fasti({"replay", "--view", "tokens", "--since", "1"}).code, exit_success);
    EXPECT_EQ(run_fasti({"replay", "--at", "1"}).code, exit_usage);
    EXPECT_EQ(run_fasti({"replay", "--view", "instances", "--at", "99"}).code, exit_finding);
}

TEST_F(offline, events_are_listed_shown_followed_and_exported_as_a_server_would) {
    write_history();
    const outcome all = run_fasti({"events", "list"});
    EXPECT_EQ(all.code, exit_success) << all.err;
    EXPECT_EQ(std::count(all.out.begin(), all.out.end(), '\n'), 3);
    EXPECT_THAT(
        all.out,
        HasSubstr("instance_updated  instance/web/web-1  by token/aa  \"moved to another port\""));
    const outcome one = run_fasti(
        {"events", "list", "--type", "instance_updated", "--output", "json"});
    EXPECT_THAT(one.out, ::testing::StartsWith(R"({"specversion":"1.0")"));
    EXPECT_EQ(std::count(one.out.begin(), one.out.end(), '\n'), 1);
    const outcome cut = run_fasti({"events", "list", "--limit", "1"});
    EXPECT_THAT(cut.err, HasSubstr("More: --from 2"));
    EXPECT_THAT(run_fasti({"events", "show", "2"}).out, ::testing::ContainsRegex("position +2\n"));
    EXPECT_EQ(run_fasti({"events", "show", "9"}).code, exit_finding);
    const outcome tail = run_fasti({"events", "tail", "--from", "2", "--max", "2"});
    EXPECT_EQ(std::count(tail.out.begin(), tail.out.end(), '\n'), 2);
    const outcome exported = run_fasti({"events", "export", "--format", "cloudevents-batch"});
    EXPECT_THAT(exported.out, ::testing::StartsWith("[\n{"));
    EXPECT_THAT(exported.out, ::testing::EndsWith("}\n]\n"));
    EXPECT_THAT(exported.err, HasSubstr("3 events exported."));
    EXPECT_EQ(run_fasti({"events", "list", "--type", "no_such_event"}).code, exit_usage);
}

TEST_F(offline, why_goes_back_to_the_first_reason) {
    write_history();
    const outcome why = run_fasti({"why", "instance/web/web-1"});
    EXPECT_EQ(why.code, exit_success) << why.err;
    EXPECT_THAT(why.out, HasSubstr("instance_updated"));
    EXPECT_THAT(why.out, HasSubstr("moved to another port"));
    EXPECT_EQ(run_fasti({"why", "instance/web/none"}).code, exit_finding);
}

TEST_F(offline, token_create_writes_a_token_and_shows_its_secret_once) {
    write_history();
    const outcome made = run_fasti(
        {"token", "create", "--name", "rescue", "--permissions", "admin:*"});
    EXPECT_EQ(made.code, exit_success) << made.err;
    EXPECT_THAT(made.out, HasSubstr("secret  fasti_"));
    const std::string secret = made.out.substr(made.out.find("fasti_") + 23, 43);
    const outcome tokens = run_fasti({"replay", "--view", "tokens", "--at", "4"});
    EXPECT_THAT(tokens.out, HasSubstr("rescue"));
    EXPECT_THAT(tokens.out, Not(HasSubstr(secret)));
    EXPECT_EQ(run_fasti({"verify"}).code, exit_success);
    EXPECT_EQ(run_fasti({"token", "create", "--name", "x", "--permissions", "no:such"}).code,
              exit_finding);
}

TEST_F(offline, token_create_is_refused_while_a_server_holds_the_folder) {
    write_history();
    const auto server = open();
    EXPECT_EQ(run_fasti({"token", "create", "--name", "x", "--permissions", "admin:*"}).code,
              exit_conflict);
    EXPECT_EQ(run_fasti({"verify"}).code, exit_success) << "reading beside it is fine";
    EXPECT_EQ(run_fasti({"snapshot"}).code, exit_success) << "so is adding a snapshot";
    EXPECT_THAT(run_fasti({"verify"}).out, HasSubstr("1 snapshot and"));
}

} // namespace
} // namespace fasti::cli
