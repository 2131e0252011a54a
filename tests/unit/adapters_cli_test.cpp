// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/cli.hpp"
#include "adapters/cli/parse.hpp"
#include "tests/support/tiny_http.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace fasti::cli {
namespace {

using fasti::testing::tiny_http;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string token = "fasti_0123456789abcdef_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

struct outcome {
    int code;
    std::string out;
    std::string err;
};

//! Runs the command line inside the test, as a person without a home of their own.
outcome run_fasti(const std::vector<std::string>& words,
                  std::vector<std::pair<std::string, std::string>> environment = {},
                  const hooks& with = {"1.2.3", {}}) {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    environment.emplace_back("HOME", "/nonexistent");
    surroundings around{{std::move(environment), {}, {}, false}, in, out, err};
    const int code = run(words, around, with);
    return {code, out.str(), err.str()};
}

outcome ask(const tiny_http& server, std::vector<std::string> words) {
    words.insert(words.end(), {"--addr", server.address()});
    return run_fasti(words, {{"FASTI_TOKEN", token}});
}

outcome ask_one(const std::string& answer, const std::vector<std::string>& words) {
    tiny_http server{[&answer](const std::string&) { return answer; }};
    return ask(server, words);
}

// ------------------------------------------------------------------ usage

TEST(cli, refuses_what_it_does_not_know_with_the_nearest_name) {
    const outcome typo = run_fasti({"registry", "regster"});
    EXPECT_EQ(typo.code, exit_usage);
    EXPECT_THAT(typo.err, HasSubstr("did you mean `register`?"));
    EXPECT_EQ(run_fasti({"regisrty"}).code, exit_usage);
    EXPECT_EQ(run_fasti({"registry"}).code, exit_usage);
    EXPECT_EQ(run_fasti({}).code, exit_usage);
    EXPECT_EQ(run_fasti({"status", "--nonsense"}).code, exit_usage);
    EXPECT_EQ(run_fasti({"registry", "renew", "web"}).code, exit_usage);
    EXPECT_EQ(
        run_fasti({"registry", "register", "a", "b", "--address", "x", "--port", "70000"}).code,
        exit_usage);
    EXPECT_EQ(run_fasti({"registry", "discover", "a", "--strategy", "best"}).code, exit_usage);
    EXPECT_EQ(run_fasti({"status", "--addr", "no:address:at:all"}).code, exit_usage);
    EXPECT_EQ(run_fasti({"status", "--token-file", "/nonexistent/t"}).code, exit_usage);
}

TEST(cli, teaches_with_help_for_everything) {
    const std::vector<command_spec> commands = all_commands();
    for (const command_spec& command : commands) {
        std::vector<std::string> words = command.words;
        words.emplace_back("--help");
        const outcome help = run_fasti(words);
        EXPECT_EQ(help.code, exit_success) << words.front();
        EXPECT_THAT(help.out, HasSubstr("Usage: fasti " + command.words.front()));
        EXPECT_FALSE(command.doc.empty());
        for (const option_spec& option : command.options) {
            EXPECT_FALSE(option.doc.empty()) << command.words.back() << " " << option.name;
        }
    }
    EXPECT_THAT(run_fasti({"--help"}).out, HasSubstr("Exit codes"));
    EXPECT_THAT(run_fasti({"events", "--help"}).out, HasSubstr("tail"));
    EXPECT_THAT(run_fasti({"registry", "register", "--help"}).out, HasSubstr("Examples"));
}

TEST(cli, has_no_command_or_flag_twice) {
    std::set<std::vector<std::string>> seen;
    for (const command_spec& command : all_commands()) {
        EXPECT_TRUE(seen.insert(command.words).second) << command.words.back();
        std::set<std::string> names;
        for (const option_spec& option : command.options) {
            EXPECT_TRUE(names.insert(option.name).second)
                << command.words.back() << " " << option.name;
            if (!option.flag.empty()) {
                EXPECT_TRUE(names.insert(option.flag).second)
                    << command.words.back() << " " << option.flag;
            }
        }
    }
}

TEST(cli, says_its_version) {
    EXPECT_EQ(run_fasti({"version"}).out, "fasti 1.2.3\n");
    EXPECT_EQ(run_fasti({"--version"}).out, "fasti 1.2.3\n");
}

// ------------------------------------------------------------------ exit codes

TEST(cli, ends_with_3_when_nobody_answers) {
    tiny_http server{[](const std::string&) { return std::string{}; }};
    EXPECT_EQ(ask(server, {"status"}).code, exit_unreachable) << "an empty answer";
    server.stop();
    const outcome gone = ask(server, {"status"});
    EXPECT_EQ(gone.code, exit_unreachable);
    EXPECT_THAT(gone.err, HasSubstr("No answer from http://127.0.0.1:"));
    EXPECT_EQ(ask_one(tiny_http::answer(503, R"({"code":"not_ready","detail":"Recovering."})"),
                      {"status"})
                  .code,
              exit_unreachable);
}

TEST(cli, ends_with_4_when_it_is_denied) {
    const outcome denied = ask_one(
        tiny_http::answer(403, R"({"code":"permission_denied","detail":"It needs tokens:read."})"),
        {"token", "list"});
    EXPECT_EQ(denied.code, exit_denied);
    EXPECT_THAT(denied.err, HasSubstr("permission_denied: It needs tokens:read."));
    tiny_http server{
        [](const std::string&) { return tiny_http::answer(401, R"({"code":"token_missing"})"); }};
    const outcome missing = run_fasti({"status", "--addr", server.address()});
    EXPECT_EQ(missing.code, exit_denied);
    EXPECT_THAT(
        missing.err,
        HasSubstr("No token was sent: there is no /nonexistent/.local/share/fasti/admin.token"));
}

TEST(cli, says_without_headers_how_a_token_is_given) {
    tiny_http server{[](const std::string& request) {
        const bool sent = request.find("Authorization") != std::string::npos;
        return tiny_http::answer(
            401, sent ? R"({"code":"token_invalid","detail":"The token is unknown."})"
                      : R"({"code":"token_missing","detail":"Send 'Authorization: Bearer'."})");
    }};
    const outcome missing = run_fasti({"status", "--addr", server.address()});
    EXPECT_EQ(missing.code, exit_denied);
    EXPECT_THAT(missing.err, Not(HasSubstr("Authorization")));
    const outcome wrong = ask(server, {"events", "tail"});
    EXPECT_EQ(wrong.code, exit_denied);
    EXPECT_THAT(wrong.err,
                HasSubstr("token_invalid: The token is unknown. It came from FASTI_TOKEN.\n"));
    for (const outcome& denied : {missing, wrong}) {
        EXPECT_THAT(denied.err, HasSubstr("Set FASTI_TOKEN, or FASTI_TOKEN_FILE"));
        EXPECT_THAT(denied.err, HasSubstr("admin.token"));
        EXPECT_THAT(denied.err, HasSubstr("fasti token create"));
    }
}

TEST(cli, ends_with_5_on_a_conflict) {
    const std::vector<std::string> words = {"registry", "drain", "web", "web-1", "--expect", "3"};
    const outcome conflict = ask_one(
        tiny_http::answer(409, R"({"code":"version_conflict","detail":"No.","actual_version":7})"),
        words);
    EXPECT_EQ(conflict.code, exit_conflict);
    EXPECT_THAT(conflict.err, HasSubstr("the stream is at version 7"));
    EXPECT_EQ(ask_one(tiny_http::answer(412, R"({"code":"precondition_failed"})"), words).code,
              exit_conflict);
}

TEST(cli, says_each_field_error_once) {
    const outcome fields = ask_one(
        tiny_http::answer(
            422,
            R"({"code":"fields_invalid","detail":"2 fields are wrong, first: #/port: Must be less.",)"
            R"("errors":[{"pointer":"#/port","detail":"Must be less."},{"pointer":"#/zone","detail":"Is missing."}]})"),
        {"command", "register_instance"});
    EXPECT_EQ(fields.code, exit_usage);
    EXPECT_EQ(fields.err,
              "fasti: fields_invalid: 2 fields are wrong, first: #/port: Must be less.\n"
              "  #/zone: Is missing.\n");
}

TEST(cli, tells_field_errors_from_refusals) {
    const outcome fields = ask_one(
        tiny_http::answer(
            422,
            R"({"code":"fields_invalid","detail":"One field is wrong.","errors":[{"pointer":"#/port","detail":"must be 1 to 65535"}]})"),
        {"command", "register_instance", "--data", "{}"});
    EXPECT_EQ(fields.code, exit_usage);
    EXPECT_THAT(fields.err, HasSubstr("#/port: must be 1 to 65535"));
    EXPECT_EQ(ask_one(tiny_http::answer(422, R"({"code":"lease_absent"})"),
                      {"registry", "renew", "a", "b"})
                  .code,
              exit_finding);
    EXPECT_EQ(ask_one(tiny_http::answer(404, R"({"code":"instance_unknown"})"),
                      {"registry", "renew", "a", "b"})
                  .code,
              exit_finding);
    EXPECT_EQ(ask_one(tiny_http::answer(500, "not json"), {"status"}).code, exit_finding);
}

// ------------------------------------------------------------------ requests

TEST(cli, sends_a_declared_command_with_its_headers) {
    tiny_http server{[](const std::string&) {
        return tiny_http::answer(
            201,
            R"({"outcome":"appended","position":"00000000000000aa.7.0a0b0c0d","events":[{"type":"instance_registered","stream":"instance/web/web 1","position":7}]})");
    }};
    const outcome done = ask(server, {"registry",
                                      "register",
                                      "web",
                                      "web 1",
                                      "--address",
                                      "10.0.0.7",
                                      "--port",
                                      "8080",
                                      "--tags",
                                      "b",
                                      "--tags",
                                      "a",
                                      "--metadata",
                                      "team=shop=x",
                                      "--reason",
                                      "disk ü swap",
                                      "--expect",
                                      "3",
                                      "--idempotency-key",
                                      "k1",
                                      "--dry-run"});
    EXPECT_EQ(done.code, exit_success) << done.err;
    EXPECT_THAT(done.out, HasSubstr("appended at 00000000000000aa.7.0a0b0c0d"));
    EXPECT_THAT(done.out, HasSubstr("instance_registered  instance/web/web 1"));
    ASSERT_EQ(server.requests().size(), 1U);
    const std::string request = server.requests()[0];
    EXPECT_THAT(request,
                HasSubstr("PUT /v1/services/web/instances/web%201?dry_run=true HTTP/1.1\r\n"));
    EXPECT_THAT(request, HasSubstr("Authorization: Bearer " + token + "\r\n"));
    EXPECT_THAT(request, HasSubstr("Fasti-Reason: disk%20%C3%BC%20swap\r\n"));
    EXPECT_THAT(request, HasSubstr("If-Match: \"3\"\r\n"));
    EXPECT_THAT(request, HasSubstr("Idempotency-Key: \"k1\"\r\n"));
    EXPECT_THAT(
        request,
        HasSubstr(
            R"({"address":"10.0.0.7","port":8080,"tags":["b","a"],"metadata":{"team":"shop=x"}})"));
}

TEST(cli, names_no_type_when_there_is_no_body) {
    tiny_http server{
        [](const std::string&) { return tiny_http::answer(200, R"({"outcome":"appended"})"); }};
    EXPECT_EQ(ask(server, {"registry", "drain", "web", "web-1"}).code, exit_success);
    EXPECT_THAT(server.requests()[0], Not(HasSubstr("Content-Type")));
    EXPECT_THAT(server.requests()[0], HasSubstr("Content-Length: 0\r\n"));
}

TEST(cli, shows_what_a_dry_run_would_change) {
    const outcome dry = ask_one(
        tiny_http::answer(
            200,
            R"({"outcome":"dry_run","events":[{"type":"instance_updated","stream":"instance/a/b"}],)"
            R"("diff":[{"view":"instances","key":"a/b","before":{"weight":1,"zone":"x"},"after":{"weight":5,"zone":"x"}},)"
            R"({"view":"services","key":"a","before":null,"after":{"service":"a"}}]})"),
        {"registry", "update", "a", "b", "--weight", "5", "--dry-run"});
    EXPECT_EQ(
        dry.out,
        "dry_run\n  instance_updated  instance/a/b\n~ instances a/b  weight: 1 -> 5\n+ services a\n");
}

TEST(cli, follows_pages_and_prints_one_table) {
    tiny_http server{[](const std::string& request) {
        const bool second = request.find("cursor=c1") != std::string::npos;
        return tiny_http::answer(
            200,
            second
                ? R"({"instances":[{"instance":"web-2","status":"expired","port":1}],"next":null})"
                : R"({"instances":[{"instance":"web-1\u001b[2J","status":"up","port":22222}],"next":"c1"})");
    }};
    const outcome listed = ask(server, {"registry", "instances", "web", "--at", "-5m"});
    EXPECT_EQ(listed.out, "INSTANCE      STATUS   PORT\n"
                          "web-1\\x1b[2J  up       22222\n"
                          "web-2         expired  1\n");
    EXPECT_THAT(server.requests()[1],
                HasSubstr("GET /v1/services/web/instances?at=-5m&limit=1000&cursor=c1 "));
    const outcome json = ask(server, {"registry", "instances", "web", "--output", "json"});
    EXPECT_THAT(
        json.out,
        HasSubstr("[\n{\"instance\":\"web-1\\u001b[2J\",\"status\":\"up\",\"port\":22222},\n{"));
}

TEST(cli, says_none_instead_of_an_empty_table) {
    EXPECT_EQ(
        ask_one(tiny_http::answer(200, R"({"services":[],"next":null})"), {"registry", "services"})
            .out,
        "None.\n");
    const outcome members = ask_one(
        tiny_http::answer(200, R"({"views":[{"view":"a"}],"parked":[],"tags":{}})"),
        {"views", "list"});
    EXPECT_EQ(members.out, "views\n  VIEW\n  a\nparked  none\ntags    none\n");
    EXPECT_EQ(ask_one(tiny_http::answer(200, R"({"snapshots":[]})"), {"snapshot", "list"}).out,
              "None.\n");
}

TEST(cli, shows_an_answer_that_is_one_list_as_a_table) {
    EXPECT_EQ(
        ask_one(tiny_http::answer(200, R"({"snapshots":[{"name":"n","position":4,"bytes":123}]})"),
                {"snapshot", "list"})
            .out,
        "NAME  POSITION  BYTES\nn     4         123\n");
    EXPECT_EQ(ask_one(tiny_http::answer(200, R"({"names":["a","b"]})"), {"status"}).out,
              "names  a,b\n");
}

TEST(cli, says_that_a_secret_is_shown_once) {
    const std::string made = tiny_http::answer(201, R"({"outcome":"appended","secret":"s"})");
    EXPECT_EQ(ask_one(made, {"token", "create", "--name", "a", "--permissions", "admin:*"}).err,
              "The secret is shown this once: keep it now.\n");
}

TEST(cli, sends_the_admin_token_of_the_data_folder_to_this_machine_only) {
    const std::string folder = ::testing::TempDir() + "/fasti_cli_test";
    std::filesystem::create_directories(folder);
    std::ofstream{folder + "/admin.token"} << token << "\n";
    tiny_http server{[](const std::string&) { return tiny_http::answer(200, "{}"); }};
    EXPECT_EQ(run_fasti({"status", "--addr", server.address()}, {{"FASTI_DATA__DIR", folder}}).code,
              exit_success);
    EXPECT_THAT(server.requests()[0], HasSubstr("Authorization: Bearer " + token));
    // 0.0.0.0 reaches this machine, but is no loopback address: the same as any other host.
    const std::string port = server.address().substr(server.address().find(':'));
    EXPECT_EQ(
        run_fasti({"status", "--addr", "http://0.0.0.0" + port}, {{"FASTI_DATA__DIR", folder}}).code,
        exit_success);
    ASSERT_EQ(server.requests().size(), 2U);
    EXPECT_THAT(server.requests()[1], Not(HasSubstr("Authorization")));
    std::filesystem::remove_all(folder);
}

TEST(cli, takes_json_for_any_command_and_refuses_other_text) {
    tiny_http server{[](const std::string&) {
        return tiny_http::answer(200, R"({"outcome":"unchanged","events":[]})");
    }};
    EXPECT_EQ(ask(server, {"command", "register_service", "--data", R"({"service":"web"})"}).out,
              "unchanged\n");
    EXPECT_THAT(server.requests()[0], HasSubstr("POST /v1/commands/register_service HTTP/1.1\r\n"));
    EXPECT_EQ(ask(server, {"command", "register_service", "--data", "[1]"}).code, exit_usage);
    EXPECT_EQ(ask(server, {"command", "register_service", "--data", "@/nonexistent"}).code,
              exit_usage);
}

TEST(cli, takes_a_stream_up_again_where_it_broke) {
    tiny_http server{[](const std::string& request) {
        const bool again = request.find("Last-Event-ID: e.2.h") != std::string::npos;
        const std::string head =
            "HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
        return head +
               (again
                    ? "id: e.3.h\ndata: {\"position\":\"3\",\"type\":\"org.fasti.service_updated\",\"subject\":\"service/web\"}\n\n"
                    : ": hello\n\nid: e.1.h\ndata: {\"position\":\"1\"}\n\nid: e.2.h\ndata: {\"position\":\"2\"}\n\ndata: {\"half");
    }};
    const outcome followed = ask(server, {"events", "tail", "--max", "3", "--service", "web"});
    EXPECT_EQ(followed.code, exit_success) << followed.err;
    EXPECT_EQ(std::count(followed.out.begin(), followed.out.end(), '\n'), 3);
    EXPECT_THAT(followed.out, HasSubstr("       3    service_updated  service/web\n"));
    EXPECT_THAT(server.requests()[0], HasSubstr("GET /v1/events/stream?service=web "));
}

TEST(cli, ends_a_stream_that_was_refused) {
    EXPECT_EQ(
        ask_one(tiny_http::answer(410, R"({"code":"history_forked"})"), {"events", "tail"}).code,
        exit_finding);
    EXPECT_EQ(ask_one(tiny_http::answer(401, "{}"), {"events", "tail"}).code, exit_denied);
}

TEST(cli, exports_up_to_the_head_there_was) {
    tiny_http server{[](const std::string& request) {
        const std::string head = "Fasti-Position: e.3.h\r\n";
        if (request.find("from=e.3.h") != std::string::npos) {
            return tiny_http::answer(
                200, R"({"events":[{"position":"3"},{"position":"4"}],"next":"e.5.h"})", head);
        }
        return tiny_http::answer(
            200, R"({"events":[{"position":"1"},{"position":"2"}],"next":"e.3.h"})", head);
    }};
    const outcome lines = ask(server, {"events", "export"});
    EXPECT_EQ(lines.out, "{\"position\":\"1\"}\n{\"position\":\"2\"}\n{\"position\":\"3\"}\n");
    EXPECT_THAT(lines.err, HasSubstr("3 events exported."));
    const outcome batch = ask(server, {"events", "export", "--format", "cloudevents-batch"});
    EXPECT_EQ(batch.out,
              "[\n{\"position\":\"1\"},\n{\"position\":\"2\"},\n{\"position\":\"3\"}\n]\n");
}

std::string proof_answer(const std::string& events) {
    return "HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" +
           events;
}

const std::string good_result =
    "event: result\ndata: {\"events\":7,\"snapshots\":2,\"findings\":0,\"parts\":[{\"part\":\"registry\",\"position\":7,"
    "\"bytes\":99,\"equal\":true}]}\n\n";

TEST(cli, follows_a_rebuild_of_the_views_to_its_end) {
    const outcome good = ask_one(
        proof_answer("event: progress\ndata: {\"step\":\"rebuild\",\"done\":1,\"total\":7}\n\n"
                     "event: result\ndata: {\"events\":7,\"parts\":[]}\n\n"),
        {"views", "rebuild"});
    EXPECT_EQ(good.code, exit_success) << good.err;
    EXPECT_EQ(good.out, "Rebuilt the views from 7 events; they are served now.\n");
}

TEST(cli, follows_a_proof_of_the_server_to_its_result) {
    const outcome good = ask_one(
        proof_answer("event: progress\ndata: {\"step\":\"fold\",\"done\":1,\"total\":7}\n\n" +
                     good_result),
        {"verify"});
    EXPECT_EQ(good.code, exit_success) << good.err;
    EXPECT_EQ(
        good.out,
        "Verified 7 events, 2 snapshots and 1 part of the state against a fold from the first event: nothing found.\n");
    const outcome bad = ask_one(
        proof_answer(
            "event: finding\ndata: {\"what\":\"chain broken\",\"where\":\"f\",\"first\":3,\"last\":4}\n\n" +
            good_result),
        {"verify"});
    EXPECT_EQ(bad.code, exit_finding);
    EXPECT_THAT(bad.out, HasSubstr("chain broken  f  positions 3 to 4\n"));
    EXPECT_THAT(ask_one(proof_answer(good_result), {"replay", "--view", "instances"}).out,
                HasSubstr("registry  7         99     equal"));
    const std::string failure =
        "event: failure\ndata: {\"status\":503,\"code\":\"not_ready\",\"detail\":\"Ends.\"}\n\n";
    EXPECT_EQ(ask_one(proof_answer(failure), {"verify"}).code, exit_unreachable);
    EXPECT_EQ(ask_one(proof_answer(": half"), {"verify"}).code, exit_unreachable);
}

TEST(cli, asks_for_a_view_as_it_was_and_what_changed_since) {
    tiny_http server{[](const std::string& request) {
        const bool differs = request.find("/difference?") != std::string::npos;
        return tiny_http::answer(
            200,
            differs
                ? R"({"rows":[{"key":"a/b","change":"changed","before":{"port":1},"after":{"port":2}}]})"
                : R"({"rows":[{"instance":"b","port":1}]})");
    }};
    const outcome past = ask(server, {"replay", "--view", "instances", "--at", "-5m"});
    EXPECT_EQ(past.out, "INSTANCE  PORT\nb         1\n");
    EXPECT_THAT(server.requests()[0], HasSubstr("GET /v1/views/instances?limit=1000&at=-5m "));
    const outcome changed = ask(server, {"replay", "--view", "instances", "--since", "7"});
    EXPECT_EQ(changed.code, exit_finding);
    EXPECT_EQ(changed.out, "~ a/b  port: 1 -> 2\n");
}

TEST(cli, watches_until_it_saw_enough_changes) {
    int asked = 0;
    tiny_http server{[&asked](const std::string&) {
        const std::string rows =
            ++asked == 1 ? R"([{"instance":"a","status":"up","address":"x","port":1}])"
                         : R"([{"instance":"b","status":"up","address":"::1","port":2}])";
        return tiny_http::answer(200, R"({"instances":)" + rows + "}", "Fasti-Position: e.1.h\r\n");
    }};
    const outcome watched = ask(server, {"registry", "watch", "web", "--max", "2"});
    EXPECT_EQ(watched.out, "+ a  up  x:1\n+ b  up  [::1]:2\n- a\n");
    EXPECT_THAT(server.requests()[1], HasSubstr("index=e.1.h&wait=60s"));
}

// ------------------------------------------------------------------ settings

TEST(cli, checks_and_shows_settings) {
    const outcome bad = run_fasti({"config", "check", "--listen", "nowhere"});
    EXPECT_EQ(bad.code, exit_damaged);
    EXPECT_THAT(bad.err, HasSubstr("http.listen (--listen)"));
    EXPECT_THAT(run_fasti({"config", "check"}, {{"FASTI_LOG__LEVL", "x"}}).out,
                HasSubstr(" settings, 1 warning.\n"));
    const outcome shown = run_fasti(
        {"config", "show", "--http-hosts", "a", "--http-hosts", "b", "--http-access-log"},
        {{"FASTI_LOG__LEVEL", "debug"}});
    EXPECT_THAT(shown.out, HasSubstr("FASTI_LOG__LEVEL"));
    EXPECT_THAT(shown.out, ::testing::ContainsRegex("http.hosts +a,b +--http-hosts"));
    EXPECT_THAT(shown.out, ::testing::ContainsRegex("http.access_log +true +--http-access-log"));
    EXPECT_THAT(run_fasti({"config", "show", "--output", "json"}).out,
                HasSubstr(R"("log.level":{"value":"info","from":"default","reload":true})"));
}

TEST(cli, serves_with_its_settings_and_turns_failures_into_exit_codes) {
    loaded_config seen;
    error_code code = error_code::store_damaged;
    const hooks with{"1",
                     [&](loaded_config settings,
                         const std::function<result<loaded_config>()>& reload) -> result<void> {
                         seen = std::move(settings);
                         EXPECT_TRUE(reload());
                         return error{code, "Position 7 is damaged."};
                     }};
    const outcome damaged = run_fasti({"serve", "--data", "/here", "--listen", "127.0.0.1:1"}, {},
                                      with);
    EXPECT_EQ(damaged.code, exit_damaged);
    EXPECT_THAT(damaged.err, HasSubstr("Position 7 is damaged."));
    EXPECT_EQ(seen.values.data.dir, "/here");
    code = error_code::store_locked;
    const outcome locked = run_fasti({"serve", "--data", "/here"}, {}, with);
    EXPECT_EQ(locked.code, exit_conflict);
    EXPECT_THAT(locked.err, HasSubstr("another folder with --data"));
    EXPECT_EQ(run_fasti({"serve", "--listen", "0.0.0.0:1"}, {}, with).code, exit_damaged);
}

// ------------------------------------------------------------------ parts

TEST(completion, offers_commands_flags_and_choices) {
    const std::vector<command_spec> commands = all_commands();
    EXPECT_THAT(completions(commands, {"conf"}), ElementsAre("config"));
    EXPECT_THAT(completions(commands, {"registry", "maintenance", ""}), ElementsAre("off", "on"));
    EXPECT_THAT(completions(commands, {"status", "--output", ""}), ElementsAre("table", "json"));
    EXPECT_THAT(completions(commands, {"events", "tail", "--ma"}), ElementsAre("--max"));
    std::vector<std::string> views = completions(commands, {"views", "show", ""});
    std::erase_if(views, [](const std::string& one) { return one.front() == '-'; });
    EXPECT_EQ(completions(commands, {"replay", "--view", ""}), views);
    EXPECT_THAT(run_fasti({"__complete", "--", "ev"}).out, "events\n");
    EXPECT_THAT(run_fasti({"completion", "bash"}).out,
                HasSubstr("complete -o default -F _fasti fasti"));
    EXPECT_EQ(run_fasti({"completion", "tcsh"}).code, exit_usage);
}

} // namespace
} // namespace fasti::cli
