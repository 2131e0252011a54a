// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/codec.hpp"

#include "domain/base/check.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <optional>

namespace fasti::http {

namespace {

namespace beast = boost::beast;
using beast::http::field;

constexpr std::size_t chunk_line_bytes_max = 256;

//! What a head says, gathered by Beast's parser; its own idea of the body is switched off.
class head_parser final : public beast::http::basic_parser<true> {
public:
    head_parser(request& into, std::size_t headers_max) : into_(into), headers_max_(headers_max) {
        skip(true);
    }
    bool seen(header_id id) const noexcept {
        return ((seen_ >> static_cast<unsigned>(id)) & 1U) != 0;
    }
    std::string_view doubled; //!< a header that came twice but may come once
    bool too_many = false;

    std::array<std::string_view, static_cast<std::size_t>(header_id::count_)> known{};

private:
    using error = beast::error_code;

    void on_request_impl(beast::http::verb verb, beast::string_view name, beast::string_view target,
                         int version, error&) override;
    void on_field_impl(field id, beast::string_view name, beast::string_view value,
                       error&) override;
    void on_response_impl(int, beast::string_view, int, error&) override {}
    void on_header_impl(error&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error&) override {}
    std::size_t on_body_impl(beast::string_view, error&) override { return 0; }
    void on_chunk_header_impl(std::uint64_t, beast::string_view, error&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, error&) override { return 0; }
    void on_finish_impl(error&) override {}

    request& into_;
    std::size_t headers_max_;
    std::uint32_t seen_ = 0;
};

std::string_view to_std(beast::string_view text) noexcept { return {text.data(), text.size()}; }

void head_parser::on_request_impl(beast::http::verb which, beast::string_view name,
                                  beast::string_view target, int version, error&) {
    using beast::http::verb;
    into_.verb_name = to_std(name);
    into_.target = to_std(target);
    into_.http_1_0 = version == 10;
    switch (which) {
        case verb::head: into_.head_only = true; [[fallthrough]];
        case verb::get: into_.verb = method::get; break;
        case verb::post: into_.verb = method::post; break;
        case verb::put: into_.verb = method::put; break;
        case verb::patch: into_.verb = method::patch; break;
        case verb::delete_: into_.verb = method::delete_; break;
        case verb::options: into_.verb = method::options; break;
        default: into_.verb = method::other; break;
    }
}

std::optional<header_id> known_header(field id, std::string_view name) noexcept {
    switch (id) {
        case field::accept: return header_id::accept;
        case field::authorization: return header_id::authorization;
        case field::connection: return header_id::connection;
        case field::content_length: return header_id::content_length;
        case field::content_type: return header_id::content_type;
        case field::expect: return header_id::expect;
        case field::host: return header_id::host;
        case field::if_match: return header_id::if_match;
        case field::if_none_match: return header_id::if_none_match;
        case field::transfer_encoding: return header_id::transfer_encoding;
        case field::unknown: return header_id_from_name(name);
        default: return std::nullopt;
    }
}

void head_parser::on_field_impl(field id, beast::string_view name, beast::string_view value,
                                error&) {
    if (into_.headers.size() == headers_max_) {
        too_many = true;
        return;
    }
    into_.headers.push_back({to_std(name), to_std(value)});
    const std::optional<header_id> which = known_header(id, to_std(name));
    if (!which) {
        return;
    }
    const bool list = *which == header_id::accept || *which == header_id::connection ||
                      *which == header_id::tracestate;
    if (!seen(*which)) {
        known[static_cast<std::size_t>(*which)] = to_std(value);
        seen_ |= 1U << static_cast<unsigned>(*which);
    } else if (!list) {
        doubled = to_std(name);
    }
}

//! A folded line, or a line that ends without a carriage return.
bool has_bad_line_end(std::string_view head, std::size_t from = 0) noexcept {
    for (std::size_t at = head.find('\n', from); at != std::string_view::npos;
         at = head.find('\n', at + 1)) {
        if (at == 0 || head[at - 1] != '\r') {
            return true;
        }
        if (at + 1 < head.size() && (head[at + 1] == ' ' || head[at + 1] == '\t')) {
            return true;
        }
    }
    return false;
}

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char l = static_cast<char>(c | 0x20);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

//! The size at the start of a chunk line, extensions ignored; nothing when it cannot be read.
std::optional<std::uint64_t> chunk_size(std::string_view line) noexcept {
    std::uint64_t size = 0;
    std::size_t digits = 0;
    while (digits < line.size() && hex_value(line[digits]) >= 0) {
        if (digits == 8) {
            return std::nullopt;
        }
        size = size * 16 + static_cast<std::uint64_t>(hex_value(line[digits++]));
    }
    const std::string_view rest = line.substr(digits);
    const bool printable = std::all_of(rest.begin(), rest.end(),
                                       [](char c) { return c == '\t' || (c >= ' ' && c != 0x7F); });
    if (digits == 0 || !printable || (!rest.empty() && rest[0] != ';')) {
        return std::nullopt;
    }
    return size;
}

enum class stage : std::uint8_t { head, sized_body, chunk_line, chunk_data, chunk_end, trailer };

} // namespace

struct codec::parts {
    codec_limits limits;
    stage at = stage::head;
    std::size_t scanned = 0;     //!< input of the head already searched for its end
    std::size_t trailing = 0;    //!< bytes of trailers so far
    std::uint64_t remaining = 0; //!< of the body or chunk
    bool continue_wanted = false;
    codec_failure failed;

    std::optional<outcome> step(std::string_view bytes, std::size_t& used, request& into);
    std::optional<outcome> read_head(std::string_view bytes, std::size_t& used, request& into);
    bool parse_head(request& into);
    bool accept_target(request& into);
    bool accept_framing(request& into, const head_parser& head);
    std::optional<outcome> read_chunk_line(std::string_view rest, std::size_t& used);
    std::optional<outcome> read_trailer(std::string_view rest, std::size_t& used);
    void take_body(std::string_view rest, std::size_t& used, request& into);

    bool fail(int status, error_code code, std::string_view detail) {
        failed = {status, code, detail};
        return false;
    }
    outcome bad(std::size_t used) const { return {codec_state::bad, used}; }
    outcome bad(std::size_t used, std::string_view detail) {
        fail(400, error_code::malformed, detail);
        return bad(used);
    }
    outcome done(std::size_t used) {
        at = stage::head;
        scanned = 0;
        trailing = 0;
        continue_wanted = false;
        return {codec_state::request, used};
    }
};

codec::codec(const codec_limits& limits) : parts_(std::make_unique<parts>()) {
    parts_->limits = limits;
}
codec::~codec() = default;

bool codec::take_continue() noexcept { return std::exchange(parts_->continue_wanted, false); }
bool codec::between_requests() const noexcept { return parts_->at == stage::head; }
const codec_failure& codec::failure() const noexcept { return parts_->failed; }

codec::outcome codec::feed(std::string_view bytes, request& into) {
    std::size_t used = 0;
    for (;;) {
        if (const std::optional<outcome> result = parts_->step(bytes, used, into)) {
            return *result;
        }
    }
}

//! One step of the machine; nothing means: go on.
std::optional<codec::outcome> codec::parts::step(std::string_view bytes, std::size_t& used,
                                                 request& into) {
    const std::string_view rest = bytes.substr(used);
    switch (at) {
        case stage::head: return read_head(bytes, used, into);
        case stage::sized_body:
            take_body(rest, used, into);
            return remaining == 0 ? done(used) : outcome{codec_state::need_more, used};
        case stage::chunk_line: return read_chunk_line(rest, used);
        case stage::chunk_data:
            if (into.body.size() + remaining > limits.body_bytes_max) {
                fail(413, error_code::body_too_large, "The body is longer than the server takes.");
                return bad(used);
            }
            take_body(rest, used, into);
            if (remaining != 0) {
                return outcome{codec_state::need_more, used};
            }
            at = stage::chunk_end;
            return std::nullopt;
        case stage::chunk_end:
            if (!std::string_view("\r\n").starts_with(rest.substr(0, 2))) {
                return bad(used, "A chunk does not end where its size says.");
            }
            if (rest.size() < 2) {
                return outcome{codec_state::need_more, used};
            }
            used += 2;
            at = stage::chunk_line;
            return std::nullopt;
        case stage::trailer: return read_trailer(rest, used);
    }
    return bad(used, "The request cannot be read.");
}

std::optional<codec::outcome> codec::parts::read_head(std::string_view bytes, std::size_t& used,
                                                      request& into) {
    std::size_t start = used;
    while (scanned == 0 && bytes.substr(start, 2) == "\r\n") { // old clients end bodies so
        start += 2;
    }
    used = start;
    const std::string_view rest = bytes.substr(start);
    if (rest.empty() || rest == "\r") {
        return outcome{codec_state::need_more, used};
    }
    // What cannot begin a request must not wait for an end that will never come (TLS, bare feeds).
    if (rest[0] < 'A' || rest[0] > 'z') {
        return bad(used, "This is not an HTTP/1.1 request.");
    }
    const std::size_t end = rest.find("\r\n\r\n", scanned > 3 ? scanned - 3 : 0);
    if (end == std::string_view::npos || end + 4 > limits.head_bytes_max) {
        if (has_bad_line_end(rest, scanned > 1 ? scanned - 1 : 0)) {
            return bad(used, "This is not an HTTP/1.1 request.");
        }
        if (rest.size() >= limits.head_bytes_max) {
            fail(431, error_code::header_too_large, "The request line and headers are too long.");
            return bad(used);
        }
        scanned = rest.size();
        return outcome{codec_state::need_more, used};
    }
    scanned = 0;
    used += end + 4;
    const std::string_view head = rest.substr(0, end + 4);
    if (has_bad_line_end(head)) {
        return bad(used, "A header line is folded or ends without a carriage return.");
    }
    into.head_.reserve(2 * head.size()); // room for the decoded query behind it: views stay valid
    into.head_.assign(head);
    if (!parse_head(into)) {
        return bad(used);
    }
    return at == stage::head ? std::optional<outcome>(done(used)) : std::nullopt;
}

bool codec::parts::parse_head(request& into) {
    head_parser parser(into, limits.headers_max);
    parser.header_limit(static_cast<std::uint32_t>(into.head_.size()) + 1);
    beast::error_code error;
    const std::size_t read = parser.put(
        boost::asio::const_buffer(into.head_.data(), into.head_.size()), error);
    if (error == beast::http::error::bad_version) {
        return fail(505, error_code::malformed, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    }
    if (parser.too_many) {
        return fail(431, error_code::header_too_large, "There are too many headers.");
    }
    if (error || read != into.head_.size() || !parser.is_header_done()) {
        return fail(400, error_code::malformed, "The request line or a header cannot be read.");
    }
    if (!parser.doubled.empty()) {
        return fail(400, error_code::malformed, "A header that may come once came twice.");
    }
    into.known_ = parser.known;
    into.keep_alive = parser.keep_alive();
    return accept_target(into) && accept_framing(into, parser);
}

//! Splits the target into path and query, and finds the host it is meant for.
bool codec::parts::accept_target(request& into) {
    std::string_view target = into.target;
    into.host = into.get(header_id::host);
    const bool plain = std::all_of(target.begin(), target.end(),
                                   [](char c) { return c > ' ' && c < 0x7F && c != '#'; });
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (target.size() > scheme.size() &&
            equal_ignoring_case(target.substr(0, scheme.size()), scheme)) {
            target.remove_prefix(scheme.size());
            const std::size_t slash = std::min(target.find_first_of("/?"), target.size());
            into.host = target.substr(0, slash);
            target.remove_prefix(slash);
            break;
        }
    }
    if (!into.http_1_0 && !into.has(header_id::host)) {
        return fail(400, error_code::malformed, "The Host header is missing.");
    }
    if (into.has(header_id::host) || !into.host.empty()) {
        const std::optional<std::string_view> name = host_without_port(into.host);
        if (!name) {
            return fail(400, error_code::malformed, "The Host header cannot be read.");
        }
        into.host = *name;
    }
    const bool asterisk = target == "*" && into.verb == method::options;
    if (!plain || (!target.starts_with('/') && !asterisk)) {
        return fail(400, error_code::malformed, "The request target must be a path.");
    }
    const std::size_t mark = std::min(target.find('?'), target.size());
    into.path = target.substr(0, mark);
    if (mark + 1 < target.size()) {
        const std::string_view query = target.substr(mark + 1);
        const std::size_t begin = into.head_.size();
        check(begin + query.size() <= into.head_.capacity(),
              "the head has room for its decoded query");
        into.head_.append(query);
        if (!read_query(into.head_.data() + begin, query.size(), limits.query_pairs_max,
                        into.query)) {
            return fail(400, error_code::malformed,
                        "The query has too many parameters or is badly encoded.");
        }
    }
    return true;
}

//! Decides where the body ends; the only place that does.
bool codec::parts::accept_framing(request& into, const head_parser& head) {
    const bool chunked = head.seen(header_id::transfer_encoding);
    const bool sized = head.seen(header_id::content_length);
    if (chunked && (sized || into.http_1_0)) {
        return fail(400, error_code::malformed,
                    "Transfer-Encoding does not go with Content-Length or HTTP/1.0.");
    }
    if (chunked && !equal_ignoring_case(into.get(header_id::transfer_encoding), "chunked")) {
        return fail(501, error_code::malformed, "The only transfer coding taken is chunked.");
    }
    remaining = 0;
    if (sized) {
        const std::string_view digits = into.get(header_id::content_length);
        const bool number = !digits.empty() && digits.size() <= 15 &&
                            std::all_of(digits.begin(), digits.end(),
                                        [](char c) { return c >= '0' && c <= '9'; });
        if (!number) {
            return fail(400, error_code::malformed, "Content-Length is not a number.");
        }
        for (const char c : digits) {
            remaining = remaining * 10 + static_cast<std::uint64_t>(c - '0');
        }
        if (remaining > limits.body_bytes_max) {
            return fail(413, error_code::body_too_large,
                        "The body is longer than the server takes.");
        }
    }
    if (head.seen(header_id::expect)) {
        if (!equal_ignoring_case(into.get(header_id::expect), "100-continue")) {
            return fail(417, error_code::malformed, "The only expectation met is 100-continue.");
        }
        continue_wanted = !into.http_1_0 && (chunked || remaining != 0);
    }
    at = chunked ? stage::chunk_line : remaining != 0 ? stage::sized_body : stage::head;
    return true;
}

void codec::parts::take_body(std::string_view rest, std::size_t& used, request& into) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining, rest.size()));
    into.body.append(rest.substr(0, size));
    used += size;
    remaining -= size;
    continue_wanted = continue_wanted && size == 0;
}

std::optional<codec::outcome> codec::parts::read_chunk_line(std::string_view rest,
                                                            std::size_t& used) {
    const std::size_t end = rest.substr(0, chunk_line_bytes_max).find("\r\n");
    if (end == std::string_view::npos) {
        if (rest.size() >= chunk_line_bytes_max) {
            return bad(used, "The line before a chunk is too long.");
        }
        return outcome{codec_state::need_more, used};
    }
    const std::optional<std::uint64_t> size = chunk_size(rest.substr(0, end));
    if (!size) {
        return bad(used, "The size of a chunk cannot be read.");
    }
    continue_wanted = false;
    used += end + 2;
    remaining = *size;
    at = remaining == 0 ? stage::trailer : stage::chunk_data;
    return std::nullopt;
}

//! Trailers are read to find the end of the request and otherwise ignored.
std::optional<codec::outcome> codec::parts::read_trailer(std::string_view rest, std::size_t& used) {
    const std::size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) {
        if (rest.size() >= limits.head_bytes_max || has_bad_line_end(rest)) {
            return bad(used, "The trailers cannot be read.");
        }
        return outcome{codec_state::need_more, used};
    }
    used += end + 2;
    trailing += end + 2;
    if (trailing > limits.head_bytes_max) {
        fail(431, error_code::header_too_large, "The trailers are too long.");
        return bad(used);
    }
    if (end == 0) {
        return done(used);
    }
    const std::string_view line = rest.substr(0, end);
    const bool printable = std::all_of(line.begin(), line.end(), [](char c) {
        return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    });
    if (!printable || line.find(':') == std::string_view::npos || line[0] == ' ' ||
        line[0] == '\t' || line[0] == ':') {
        return bad(used, "The trailers cannot be read.");
    }
    return std::nullopt;
}

} // namespace fasti::http
