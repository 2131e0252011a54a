// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/session.hpp"

#include "domain/wire/json_writer.hpp"

#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <ostream>

namespace fasti::cli {
namespace {

constexpr std::size_t token_file_bytes_max = 4096;

constexpr std::string_view how_to_get_in =
    "Set FASTI_TOKEN, or FASTI_TOKEN_FILE to a file with a token, such as admin.token in the server's data\n"
    "folder. Is none left, stop the server and make one on its machine:\n"
    "  fasti token create --name admin --permissions 'admin:*' --data DIR";

struct found_token {
    std::string text;
    std::string from;    //!< where it was found
    std::string trouble; //!< why there is none, if that is worth saying
};

found_token token_from_file(const std::string& path, bool must_exist) {
    errno = 0;
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        if (!must_exist && errno == ENOENT) {
            return {{}, path, "there is no " + path};
        }
        return {{}, path, path + " cannot be read: " + std::strerror(errno)};
    }
    std::string text(token_file_bytes_max, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    text.erase(0, std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (text.empty() || text.find_first_of(" \t\r\n") != std::string::npos) {
        return {{}, path, path + " does not hold one token"};
    }
    return {std::move(text), path, {}};
}

//! Explicit ways first. The folder's own admin token is only ever sent to this machine.
found_token find_token(const session& at, const arguments& given, bool loopback) {
    if (given.has("token_file")) {
        return token_from_file(given.text("token_file"), true);
    }
    if (const std::string text = at.variable("FASTI_TOKEN"); !text.empty()) {
        return {text, "FASTI_TOKEN", {}};
    }
    if (const std::string path = at.variable("FASTI_TOKEN_FILE"); !path.empty()) {
        return token_from_file(path, true);
    }
    if (!loopback) {
        return {{}, {}, "neither --token-file nor FASTI_TOKEN nor FASTI_TOKEN_FILE is given"};
    }
    return token_from_file(known_settings(at).values.data.dir + "/admin.token", false);
}

std::string default_address(const session& at) {
    const std::optional<endpoint> listen = endpoint_from(known_settings(at).values.http.listen);
    if (!listen || listen->port == 0) {
        return "127.0.0.1:8400";
    }
    const bool any = listen->host == "0.0.0.0" || listen->host == "::";
    const std::string host = any ? "127.0.0.1" : listen->host;
    const bool six = host.find(':') != std::string::npos;
    return (six ? "[" + host + "]" : host) + ":" + std::to_string(listen->port);
}

std::string number_text(json_value value) {
    char digits[40];
    const auto write = [&digits](auto number) {
        const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
        return std::string(digits, static_cast<std::size_t>(end - digits));
    };
    if (value.is(json_kind::number)) {
        return write(std::bit_cast<double>(value.bits()));
    }
    return value.negative() ? write(static_cast<std::int64_t>(value.bits())) : write(value.bits());
}

void write_json(json_value value, json_writer& out) {
    switch (value.kind()) {
        case json_kind::absent:
        case json_kind::null: out.null(); return;
        case json_kind::boolean: out.boolean(value.boolean()); return;
        case json_kind::integer:
        case json_kind::number: out.raw(number_text(value)); return;
        case json_kind::text: out.text(value.text()); return;
        case json_kind::array:
            out.begin_array();
            for (const json_member item : value) {
                write_json(item.value, out);
            }
            out.end_array();
            return;
        case json_kind::object:
            out.begin_object();
            for (const json_member member : value) {
                out.name(member.name);
                write_json(member.value, out);
            }
            out.end_object();
            return;
    }
}

} // namespace

std::string session::variable(std::string_view name) const {
    for (const auto& [key, value] : around.inputs.environment) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

void session::say(std::string_view message) const { around.err << message << "\n"; }

int session::fail(int code, std::string_view message) const {
    around.err << "fasti: " << message << "\n";
    return code;
}

std::vector<option_spec> server_options() {
    const std::string group = "Server";
    return {
        {.name = "addr",
         .flag = "--addr",
         .doc = "Address or URL of the server, else FASTI_ADDR.",
         .value = "ADDRESS:PORT",
         .group = group},
        {.name = "token_file",
         .flag = "--token-file",
         .doc =
             "File with the token, else FASTI_TOKEN, FASTI_TOKEN_FILE, and on this machine admin.token of the data folder.",
         .value = "FILE",
         .group = group},
        {.name = "cacert",
         .flag = "--cacert",
         .doc = "Certificate of the authority that signed the server's, else FASTI_CACERT.",
         .value = "FILE",
         .group = group},
        {.name = "timeout_ms",
         .flag = "--timeout-ms",
         .kind = value_kind::number,
         .min = 1,
         .max = 3'600'000,
         .fallback = "30000",
         .doc = "How long an answer may take.",
         .group = group},
    };
}

option_spec output_option() {
    return {.name = "output",
            .flag = "--output",
            .kind = value_kind::choice,
            .choices = {"table", "json"},
            .fallback = "table",
            .doc = "How results are printed.",
            .group = "Output"};
}

loaded_config known_settings(const session& at) {
    result<loaded_config> loaded = load_config(at.around.inputs);
    if (!loaded) {
        loaded = load_config(at.around.inputs, {}, {});
    }
    return loaded ? std::move(loaded).value() : loaded_config{};
}

std::unique_ptr<client> connect(session& at, const arguments& given) {
    server_access access;
    access.cacert = given.has("cacert") ? given.text("cacert") : at.variable("FASTI_CACERT");
    access.timeout_ms = given.number("timeout_ms", access.timeout_ms);
    std::string address = given.has("addr") ? given.text("addr") : at.variable("FASTI_ADDR");
    bool tls = !access.cacert.empty();
    if (address.empty()) {
        address = default_address(at);
        tls = tls || !known_settings(at).values.http.tls_cert.empty();
    }
    const std::optional<resolved_address> resolved = resolve_address(address, tls);
    if (!resolved) {
        at.fail(exit_usage, "`" + address + "` is no address; write ADDRESS:PORT or a URL.");
        return nullptr;
    }
    access.url = resolved->url;
    access.direct = resolved->direct;
    found_token token = find_token(at, given, resolved->loopback);
    if (token.text.empty() && given.has("token_file")) {
        at.fail(exit_usage, token.trouble + ".");
        return nullptr;
    }
    access.token = std::move(token.text);
    if (access.token.find_first_of("\r\n") != std::string::npos) {
        at.fail(exit_usage, "The token holds a line break.");
        return nullptr;
    }
    access.token_from = std::move(token.from);
    access.token_trouble = std::move(token.trouble);
    return std::make_unique<client>(std::move(access));
}

int exit_code_of(int status, bool has_field_errors) {
    if (status >= 200 && status < 300) {
        return exit_success;
    }
    switch (status) {
        case 0:
        case 502:
        case 503: return exit_unreachable;
        case 401:
        case 403: return exit_denied;
        case 409:
        case 412: return exit_conflict;
        case 400: return exit_usage;
        case 422: return has_field_errors ? exit_usage : exit_finding;
        default: return exit_finding;
    }
}

int report(session& at, const client& by, const exchange_answer& answer) {
    if (answer.good()) {
        return exit_success;
    }
    if (answer.status == 0) {
        at.fail(exit_unreachable, answer.trouble);
        if (!by.interrupted()) {
            at.say("Is the server running? Say where with --addr or FASTI_ADDR.");
        }
        return exit_unreachable;
    }
    const std::unique_ptr<json_text> body = read_json(answer.body);
    const json_value root = body->root();
    const bool no_token = answer.status == 401 && by.access().token.empty();
    std::string sentence = no_token ? "No token was sent: " + by.access().token_trouble + "."
                                    : plain_text(root.find("detail"));
    if (sentence.empty()) {
        sentence = plain_text(root.find("title"));
    }
    if (sentence.empty()) {
        sentence = "The server answered " + std::to_string(answer.status) + ".";
    }
    if (answer.status == 401 && !no_token) {
        sentence += " It came from " + by.access().token_from + ".";
    }
    const std::string code = plain_text(root.find("code"));
    at.fail(0, code.empty() ? sentence : code + ": " + sentence);
    const json_value errors = root.find("errors");
    if (errors.is(json_kind::array)) {
        for (const json_member item : errors) {
            const std::string fault = plain_text(item.value.find("pointer")) + ": " +
                                      plain_text(item.value.find("detail"));
            if (sentence.find(fault) == std::string::npos) { // the first one stands in it
                at.say("  " + fault);
            }
        }
    }
    if (const json_value version = root.find("actual_version")) {
        at.say("  the stream is at version " + plain_text(version));
    }
    if (answer.status == 401) {
        at.say(how_to_get_in);
    }
    return exit_code_of(answer.status, errors.is(json_kind::array) && errors.size() > 0);
}

std::unique_ptr<json_text> read_json(std::string text) {
    auto out = std::make_unique<json_text>();
    out->text = std::move(text);
    json_limits limits;
    limits.bytes_max = 1024U * 1024U * 1024U;
    limits.depth_max = 128;
    out->good = out->document.parse(out->text, limits).ok();
    return out;
}

std::string plain_text(json_value value) {
    switch (value.kind()) {
        case json_kind::absent:
        case json_kind::null: return {};
        case json_kind::text: return std::string{value.text()};
        case json_kind::boolean: return value.boolean() ? "yes" : "no";
        default: return json_of(value);
    }
}

std::string json_of(json_value value) {
    std::string out;
    json_writer writer{out};
    write_json(value, writer);
    return out;
}

} // namespace fasti::cli
