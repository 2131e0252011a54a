// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/problem.hpp"

#include <algorithm>
#include <charconv>

namespace fasti::http {

namespace {

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

//! Cuts the text at the first separator outside quotes; `rest` becomes what follows it.
std::string_view next_part(std::string_view& rest, char separator) noexcept {
    bool quoted = false;
    for (std::size_t at = 0; at < rest.size(); ++at) {
        if (rest[at] == '"') {
            quoted = !quoted;
        } else if (rest[at] == '\\' && quoted) {
            ++at;
        } else if (rest[at] == separator && !quoted) {
            const std::string_view part = rest.substr(0, at);
            rest.remove_prefix(at + 1);
            return trim(part);
        }
    }
    return trim(std::exchange(rest, {}));
}

//! "0.5" as 500; 1000 for what cannot be read.
int weight_of(std::string_view text) noexcept {
    if (text.empty() || (text[0] != '0' && text[0] != '1') || text.size() > 5) {
        return 1000;
    }
    int weight = (text[0] - '0') * 1000;
    int place = 100;
    for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
        weight += c >= '0' && c <= '9' ? (c - '0') * place : 0;
        place /= 10;
    }
    return std::min(weight, 1000);
}

//! How closely a range of Accept names the type: 0 not at all, 1 "*/*", 2 "type/*", 3 exactly.
int closeness(std::string_view range, std::string_view type) noexcept {
    if (range == "*/*") {
        return 1;
    }
    if (equal_ignoring_case(range, type)) {
        return 3;
    }
    const std::size_t slash = range.find('/');
    const bool any_sub = slash != std::string_view::npos && range.substr(slash) == "/*";
    return any_sub && equal_ignoring_case(range.substr(0, slash + 1), type.substr(0, slash + 1))
               ? 2
               : 0;
}

void append_member(std::string_view name, std::string_view value, std::string& out) {
    out.append(",\"").append(name).append("\":");
    append_json_text(value, out);
}

} // namespace

std::string_view outcome_of_status(int status) noexcept {
    switch (status) {
        case 400: return "malformed";
        case 401: return "unauthenticated";
        case 403: return "denied";
        case 404:
        case 405: return "unknown";
        case 409:
        case 412: return "conflict";
        case 410: return "forked";
        case 503:
        case 504:
        case 507: return "unavailable";
        default: return status >= 500 ? "failed" : "refused";
    }
}

void append_problem(const error& what, int status, std::string& out) {
    const std::string_view code = to_name(what.code);
    const error_traits& traits = traits_of(what.code);
    out.append("{\"type\":\"/v1/reference#error-").append(code).append("\",\"title\":");
    append_json_text(traits.doc.substr(0, traits.doc.find(". ") == std::string_view::npos
                                              ? traits.doc.size()
                                              : traits.doc.find(". ") + 1),
                     out);
    out.append(",\"status\":").append(std::to_string(status));
    append_member("outcome", outcome_of_status(status), out);
    append_member("code", code, out);
    append_member("retry", to_name(traits.retry), out);
    if (!what.message.empty()) {
        append_member("detail", what.message, out);
    }
    if (what.actual_version) {
        out.append(",\"actual_version\":").append(std::to_string(*what.actual_version));
    }
    if (!what.fields.empty()) {
        out.append(",\"errors\":[");
        for (const field_error& field : what.fields) {
            out.append(&field == what.fields.data() ? "{\"pointer\":" : ",{\"pointer\":");
            append_json_text(field.pointer, out);
            append_member("detail", field.detail, out);
            out.push_back('}');
        }
        out.push_back(']');
    }
    out.push_back('}');
}

void write_problem(const error& what, response& into, int status) {
    into.status = status != 0 ? status : traits_of(what.code).http_status;
    into.content_type = media::problem;
    into.policy = content_policy::data;
    into.body.clear();
    append_problem(what, into.status, into.body);
    if (into.status == 401) {
        into.add_header("WWW-Authenticate", what.code == error_code::token_invalid
                                                ? R"(Bearer realm="fasti", error="invalid_token")"
                                                : R"(Bearer realm="fasti")");
    } else if (into.status == 403) {
        into.add_header("WWW-Authenticate", R"(Bearer realm="fasti", error="insufficient_scope")");
    } else if (into.status == 503) {
        into.add_header("Retry-After", std::uint64_t{1});
    }
}

void write_problem(error_code code, std::string_view detail, response& into, int status) {
    write_problem(error{.code = code, .message = std::string(detail)}, into, status);
}

std::string_view media_type_of(std::string_view header) noexcept { return next_part(header, ';'); }

result<void> expect_json(const request& from) {
    const std::string_view header = from.get(header_id::content_type);
    if (from.body.empty() && header.empty()) {
        return {};
    }
    std::string_view rest = header;
    const std::string_view type = next_part(rest, ';');
    constexpr std::string_view suffix = "+json";
    bool taken = equal_ignoring_case(type, media::json) ||
                 (type.size() > suffix.size() &&
                  equal_ignoring_case(type.substr(type.size() - suffix.size()), suffix));
    while (taken && !rest.empty()) {
        const std::string_view parameter = next_part(rest, ';');
        constexpr std::string_view charset = "charset=";
        if (equal_ignoring_case(parameter.substr(0, charset.size()), charset)) {
            const std::string_view name = parameter.substr(charset.size());
            taken = equal_ignoring_case(name, "utf-8") || equal_ignoring_case(name, "\"utf-8\"");
        }
    }
    if (taken) {
        return {};
    }
    return error{.code = error_code::media_type_unsupported,
                 .message = header.empty()
                                ? "The body has no Content-Type; send application/json."
                                : "The body is of type " + std::string(header.substr(0, 128)) +
                                      "; send application/json."};
}

int accept_weight(std::string_view accept, std::string_view media_type) noexcept {
    if (trim(accept).empty()) {
        return 1000;
    }
    const std::string_view type = media_type_of(media_type);
    int best = 0;
    int weight = 0;
    while (!accept.empty()) {
        std::string_view range = next_part(accept, ',');
        const int close = closeness(next_part(range, ';'), type);
        int given = 1000;
        while (!range.empty()) {
            const std::string_view parameter = next_part(range, ';');
            if (parameter.size() > 2 && (parameter[0] == 'q' || parameter[0] == 'Q') &&
                parameter[1] == '=') {
                given = weight_of(parameter.substr(2));
            }
        }
        if (close > best) {
            best = close;
            weight = given;
        }
    }
    return weight;
}

} // namespace fasti::http
