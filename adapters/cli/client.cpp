// SPDX-License-Identifier: Apache-2.0
// The one unit that knows libcurl.
#include "adapters/cli/client.hpp"

#include "adapters/config/config.hpp"

#include <curl/curl.h>

#include <algorithm>

namespace fasti::cli {
namespace {

constexpr std::size_t body_bytes_max = 512U * 1024U * 1024U;

//! What the callbacks of one transfer fill.
struct transfer {
    CURL* curl = nullptr;
    exchange_answer answer;
    const std::function<bool(std::string_view)>* take = nullptr;
    const std::atomic<bool>* interrupted = nullptr;
    bool stopped = false; //!< by the taker
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* context) {
    auto* const of = static_cast<transfer*>(context);
    const std::string_view piece{data, size * count};
    long status = 0;
    curl_easy_getinfo(of->curl, CURLINFO_RESPONSE_CODE, &status);
    if (of->take != nullptr && status >= 200 && status < 300) {
        if (!(*of->take)(piece)) {
            of->stopped = true;
            return 0;
        }
        return piece.size();
    }
    if (of->answer.body.size() + piece.size() > body_bytes_max) {
        return 0;
    }
    of->answer.body += piece;
    return piece.size();
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* context) {
    auto* const of = static_cast<transfer*>(context);
    std::string_view line{data, size * count};
    if (line.substr(0, 5) == "HTTP/") {
        of->answer.headers.clear(); // of an interim answer
        return line.size();
    }
    const std::size_t whole = line.size();
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
        std::string name{line.substr(0, colon)};
        std::transform(name.begin(), name.end(), name.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        line.remove_prefix(colon + 1);
        const std::size_t from = std::min(line.find_first_not_of(" \t"), line.size());
        const std::size_t to = line.find_last_not_of(" \t\r\n");
        const std::size_t length = to == std::string_view::npos || to < from ? 0 : to + 1 - from;
        of->answer.headers.emplace_back(std::move(name), line.substr(from, length));
    }
    return whole;
}

int on_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<transfer*>(context)->interrupted->load() ? 1 : 0;
}

//! libcurl's word for it, after where it was.
std::string trouble_of(CURLcode code, const char* detail, const std::string& url) {
    const std::string said = *detail != '\0' ? detail : curl_easy_strerror(code);
    return "No answer from " + url + ": " + said + ".";
}

} // namespace

struct client::handle {
    CURL* curl = curl_easy_init();
    char detail[CURL_ERROR_SIZE] = {};

    handle() = default;
    handle(const handle&) = delete;
    handle& operator=(const handle&) = delete;
    ~handle() { curl_easy_cleanup(curl); }
};

std::string exchange_answer::header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

client::client(server_access access) : access_(std::move(access)) {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    check(started == CURLE_OK, "libcurl starts");
    handle_ = std::make_unique<handle>();
    check(handle_->curl != nullptr, "there is memory for an HTTP client");
}

client::~client() = default;

exchange_answer client::send(const exchange_request& request) { return perform(request, nullptr); }

exchange_answer client::stream(const exchange_request& request,
                               const std::function<bool(std::string_view)>& take) {
    return perform(request, &take);
}

exchange_answer client::perform(const exchange_request& request,
                                const std::function<bool(std::string_view)>* take) {
    CURL* const curl = handle_->curl;
    transfer of;
    of.curl = curl;
    of.take = take;
    of.interrupted = &interrupted_;
    curl_easy_reset(curl);
    handle_->detail[0] = '\0';
    const std::string url = access_.url + request.target;
    curl_slist* lines = nullptr;
    const auto add = [&lines](const std::string& line) {
        lines = curl_slist_append(lines, line.c_str());
    };
    add("Expect:"); // no round trip before a body
    // Without a body none is named: libcurl would say that it is a form.
    add(request.body.empty() ? "Content-Type:" : "Content-Type: application/json");
    if (!access_.token.empty()) {
        add("Authorization: Bearer " + access_.token);
    }
    for (const auto& [name, value] : request.headers) {
        add(name + ": " + value);
    }
    const std::uint64_t timeout = request.timeout_ms != 0 ? request.timeout_ms : access_.timeout_ms;
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, handle_->detail);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "fasti");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(std::min<std::uint64_t>(timeout, 10'000)));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, take != nullptr ? 0L : static_cast<long>(timeout));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &of);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &of);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &of);
    if (access_.direct) {
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    }
    if (!access_.cacert.empty()) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, access_.cacert.c_str());
    }
    if (request.method != "GET" || !request.body.empty()) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.c_str());
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    const CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(lines);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    of.answer.status = static_cast<int>(status);
    if (code != CURLE_OK && !of.stopped) {
        of.answer.trouble = interrupted_.load() ? "Interrupted."
                                                : trouble_of(code, handle_->detail, access_.url);
        // A stream that began and broke keeps its status: the caller takes up where it was.
        if (take == nullptr || status < 200 || status >= 300) {
            of.answer.status = 0;
        }
    }
    return std::move(of.answer);
}

std::string url_encoded(std::string_view text, bool keep_slashes) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain || (keep_slashes && c == '/')) {
            out += c;
        } else {
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 15U];
        }
    }
    return out;
}

std::optional<resolved_address> resolve_address(std::string_view text, bool prefer_tls) {
    std::string_view rest = text;
    std::string scheme;
    if (const std::size_t end = rest.find("://"); end != std::string_view::npos) {
        scheme = rest.substr(0, end);
        rest.remove_prefix(end + 3);
        while (!rest.empty() && rest.back() == '/') {
            rest.remove_suffix(1);
        }
        if (scheme != "http" && scheme != "https") {
            return std::nullopt;
        }
    }
    std::string whole{rest};
    if (!endpoint_from(whole)) {
        whole += scheme == "https" ? ":443" : scheme == "http" ? ":80" : ":8400";
    }
    const std::optional<endpoint> at = endpoint_from(whole);
    if (!at || at->host.empty() || at->port == 0) {
        return std::nullopt;
    }
    const bool loopback = is_loopback(at->host);
    if (scheme.empty()) {
        scheme = loopback && !prefer_tls ? "http" : "https";
    }
    return resolved_address{scheme + "://" + whole, loopback,
                            loopback || at->host == "0.0.0.0" || at->host == "::"};
}

} // namespace fasti::cli
