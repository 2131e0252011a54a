// SPDX-License-Identifier: Apache-2.0
// What the client is made of, each part by itself.
#include "adapters/cli/client.hpp"
#include "adapters/cli/parse.hpp"
#include "adapters/cli/sse.hpp"
#include "adapters/cli/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace fasti::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(parse, names_an_unknown_flag_and_the_nearest_one) {
    const std::vector<command_spec> commands = all_commands();
    // A word too few and one too many follow from the misspelt flag: it is what is told.
    for (const std::vector<std::string>& given :
         {std::vector<std::string>{"--leas-ms", "500"}, {"--leas-ms=500"}}) {
        std::vector<std::string> words = {"registry", "register", "web", "w-1"};
        words.insert(words.end(), given.begin(), given.end());
        EXPECT_EQ(parse(commands, words).text, "Unknown flag --leas-ms; did you mean --lease-ms?\n"
                                               "See `fasti registry register --help`.");
    }
    EXPECT_EQ(parse(commands, {"status", "--xylophone"}).text,
              "Unknown flag --xylophone.\nSee `fasti status --help`.");
    EXPECT_THAT(parse(commands, {"registry", "drain", "a", "b", "--reason", "disk", "swap"}).text,
                HasSubstr("One word too many: `swap`. Text with spaces stands in quotes."));
    EXPECT_THAT(parse(commands, {"registry", "register", "web"}).text,
                HasSubstr("INSTANCE is missing."));
    EXPECT_THAT(parse(commands, {"registry", "register", "web", "w-1", "--port"}).text,
                HasSubstr("--port needs a value."));
    EXPECT_THAT(parse(commands, {"help", "tokn"}).text, HasSubstr("did you mean `token`?"));
    // What only looks like a flag is a value.
    EXPECT_EQ(
        parse(commands, {"registry", "drain", "a", "b", "--reason", "--why"}).given.text("reason"),
        "--why");
}

TEST(parse, refuses_words_that_are_hardly_flags) {
    const std::vector<command_spec> commands = all_commands();
    const std::string see = "\nSee `fasti status --help`.";
    EXPECT_EQ(parse(commands, {"status", "--=x"}).text, "Unknown flag --=x." + see);
    EXPECT_EQ(parse(commands, {"status", "-=x"}).text, "Unknown flag -=x." + see);
    for (const std::string word : {"", "-", "---"}) {
        EXPECT_EQ(parse(commands, {"status", word}).text,
                  "One word too many: `" + word + "`. Text with spaces stands in quotes." + see);
    }
}

TEST(parse, takes_nothing_behind_two_dashes_for_a_flag) {
    const std::vector<command_spec> commands = all_commands();
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"registry", "drain", "a", "b", "--", "-x", "extra"},
          {"registry", "drain", "a", "--", "b", "-x", "extra"},
          {"status", "--", "-x"},
          {"registry", "register", "a", "b", "--port", "1", "--address", "x", "--", "-x"}}) {
        EXPECT_THAT(parse(commands, words).text, HasSubstr("One word too many: `-x`. Text"));
    }
    EXPECT_THAT(parse(commands, {"status", "-x", "--", "-y"}).text, HasSubstr("Unknown flag -x."));
    EXPECT_THAT(parse(commands, {"status", "--", "status"}).text,
                HasSubstr("One word too many: `status`."));
    const parsed named = parse(commands, {"registry", "drain", "--", "-a", "--reason"});
    EXPECT_EQ(named.given.text("service"), "-a") << named.text;
    EXPECT_EQ(named.given.text("instance"), "--reason");
}

TEST(parse, names_the_nearest_command_below_one_that_takes_no_words) {
    const std::vector<command_spec> commands = all_commands();
    const std::string near = "There is no command `snapshot lits`; did you mean `list`?\n"
                             "See `fasti snapshot --help`.";
    EXPECT_EQ(parse(commands, {"snapshot", "lits"}).text, near);
    EXPECT_EQ(parse(commands, {"help", "snapshot", "lits"}).text, near);
    EXPECT_EQ(parse(commands, {"snapshot", "list"}).command->words.back(), "list");
    EXPECT_THAT(parse(commands, {"snapshot", "--output", "json", "list"}).text,
                HasSubstr("One word too many: `list`."));
}

TEST(parse, shows_help_of_help) {
    const std::vector<command_spec> commands = all_commands();
    for (const std::string flag : {"--help", "-h"}) {
        const parsed of_all = parse(commands, {"help", flag});
        EXPECT_TRUE(of_all.help);
        EXPECT_EQ(of_all.text, help_of(commands, {}));
        for (const std::vector<std::string>& words :
             {std::vector<std::string>{"help", "registry", flag}, {"help", flag, "registry"}}) {
            const parsed of_group = parse(commands, words);
            EXPECT_TRUE(of_group.help);
            EXPECT_EQ(of_group.text, help_of(commands, {"registry"}));
        }
    }
}

TEST(parse, takes_no_word_for_a_flag_that_it_does_not_know) {
    const std::vector<command_spec> commands = all_commands();
    const auto dry_run = [&commands](const std::string& value) {
        return parse(commands, {"registry", "drain", "a", "b", "--dry-run=" + value});
    };
    EXPECT_TRUE(dry_run("true").given.flag("dry_run"));
    EXPECT_FALSE(dry_run("false").given.flag("dry_run"));
    for (const char* const other : {"1", "yes", "maybe"}) { // must not be run for good
        EXPECT_THAT(dry_run(other).text, HasSubstr("--dry-run must be true or false, not `"));
    }
}

TEST(parse, lists_the_commands_of_a_group_that_stands_alone) {
    const std::vector<command_spec> commands = all_commands();
    std::set<std::vector<std::string>> groups;
    for (const command_spec& command : commands) {
        for (std::vector<std::string> words = command.words; words.size() > 1;) {
            words.pop_back();
            groups.insert(words);
        }
    }
    ASSERT_EQ(groups.erase({"snapshot"}), 1U) << "is a command too";
    for (std::vector<std::string> group : groups) {
        const parsed alone = parse(commands, group);
        const std::string help = help_of(commands, group);
        EXPECT_FALSE(alone.help);
        EXPECT_THAT(alone.text, HasSubstr(group.back() + "` needs a command.\n\n" + help));
        EXPECT_NE(help.front(), '\n') << "a group says what it is for";
        group.insert(group.begin(), "help");
        EXPECT_EQ(parse(commands, group).text, help);
    }
    EXPECT_THAT(help_of(commands, {"snapshot"}), HasSubstr("\nCommands\n  list "));
}

TEST(help, lists_the_permissions_there_are) {
    EXPECT_THAT(help_of(all_commands(), {"token", "create"}),
                HasSubstr("status:read                 Read the node's status"));
}

std::vector<std::string> read_sse(const std::string& text, std::size_t piece) {
    sse_reader reader;
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        reader.feed(text.substr(at, piece), [&seen](const sse_event& event) {
            seen.push_back(event.id + "|" + event.type + "|" + event.data);
            return true;
        });
    }
    return seen;
}

TEST(sse_reader, gives_the_same_events_however_the_bytes_are_cut) {
    const std::string text =
        ": note\n\nid: 1\nevent: x\ndata: a\ndata:b\n\r\nid: 2\r\ndata\r\n\r\nevent: none\n\nid\ndata: c\r\rdata: half";
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 1000U}) {
        EXPECT_THAT(read_sse(text, piece), ElementsAre("1|x|a\nb", "2||", "||c")) << piece;
    }
}

TEST(address, is_made_whole_and_encrypted_outside_loopback) {
    EXPECT_EQ(resolve_address("127.0.0.1:8400", false)->url, "http://127.0.0.1:8400");
    EXPECT_EQ(resolve_address("127.0.0.1:8400", true)->url, "https://127.0.0.1:8400");
    EXPECT_EQ(resolve_address("fasti.example", false)->url, "https://fasti.example:8400");
    EXPECT_EQ(resolve_address("http://fasti.example:80/", false)->url, "http://fasti.example:80");
    EXPECT_EQ(resolve_address("[::1]:9", false)->url, "http://[::1]:9");
    EXPECT_FALSE(resolve_address("ftp://x:1", false));
    EXPECT_FALSE(resolve_address("", false));
    EXPECT_FALSE(resolve_address("a:0", false));
}

TEST(table, counts_letters_not_bytes_and_leaves_out_empty_columns) {
    table shown{{"A", "EMPTY", "B"}};
    shown.add({"ü", "", "x"});
    shown.add({"uuu", "", "y"});
    std::ostringstream out;
    shown.print(out, false);
    EXPECT_EQ(out.str(), "A    B\nü    x\nuuu  y\n");
}

} // namespace
} // namespace fasti::cli
