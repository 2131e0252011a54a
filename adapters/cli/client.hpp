// SPDX-License-Identifier: Apache-2.0
//! Talks to a server over HTTP. One connection is kept and used again.
//! Thread: one; interrupt() from any, also from a signal handler.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fasti::cli {

//! Where the server is and what lets us in.
struct server_access {
    std::string url;           //!< "http://127.0.0.1:8400", without a slash at the end
    std::string token;         //!< empty: none is sent
    std::string token_from;    //!< "FASTI_TOKEN" or the path of a file
    std::string token_trouble; //!< why it is empty
    std::string cacert;
    std::uint64_t timeout_ms = 30'000; //!< of a whole exchange
    bool direct = false;               //!< this machine: no proxy is used
};

struct exchange_request {
    std::string method = "GET";
    std::string target; //!< path and query, encoded
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;             //!< JSON; empty: none
    std::uint64_t timeout_ms = 0; //!< instead of the access's
};

struct exchange_answer {
    int status = 0;      //!< 0: nobody answered, `trouble` says why
    std::string trouble; //!< a sentence
    std::vector<std::pair<std::string, std::string>> headers; //!< names in lower case
    std::string body;

    std::string header(std::string_view name) const;
    bool good() const { return status >= 200 && status < 300; }
};

class client {
public:
    explicit client(server_access access);
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    exchange_answer send(const exchange_request& request);

    //! Hands on the body as it arrives while the status is 2xx, until the server ends it, `take`
    //! returns false or interrupt() is called. Other answers come back whole, like send().
    exchange_answer stream(const exchange_request& request,
                           const std::function<bool(std::string_view)>& take);

    //! Ends what is under way soon, and everything after at once.
    void interrupt() noexcept { interrupted_.store(true); }
    bool interrupted() const noexcept { return interrupted_.load(); }

    const server_access& access() const noexcept { return access_; }

private:
    struct handle;
    exchange_answer perform(const exchange_request& request,
                            const std::function<bool(std::string_view)>* take);

    server_access access_;
    std::unique_ptr<handle> handle_;
    std::atomic<bool> interrupted_{false};
};

//! Percent-encodes everything but unreserved characters; `keep_slashes` for a path's last part.
std::string url_encoded(std::string_view text, bool keep_slashes = false);

//! "127.0.0.1:8400" or a URL, made whole: https unless it is loopback or says http.
//! Nothing for other text.
struct resolved_address {
    std::string url;
    bool loopback = false;
    bool direct = false; //!< 0.0.0.0 and :: too, which reach this machine
};
std::optional<resolved_address> resolve_address(std::string_view text, bool prefer_tls);

} // namespace fasti::cli
