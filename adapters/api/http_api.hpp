// SPDX-License-Identifier: Apache-2.0
//! The HTTP API: routes to operations, operations to the node, outcomes to answers.
//! Thread: the I/O thread.
#pragma once

#include "adapters/api/context.hpp"
#include "adapters/http/exchange.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace fasti::api {

class http_api {
public:
    explicit http_api(api_context& context);
    ~http_api();
    http_api(const http_api&) = delete;
    http_api& operator=(const http_api&) = delete;

    //! Answers one request, at once or later: the handler of the HTTP server.
    void handle(http::responder to);

    //! For the counters and the access log: told of each answer.
    void answered(const http::request& in, const http::response& out);

    //! The node is recovered: from now on everything is served.
    void start(node& live);
    //! Ends event streams and blocking queries; what is under way is answered.
    void drain();
    //! Ends proofs and past folds early, for they may wait for this thread or take long: before their
    //! workers are joined.
    void stop_long_work();
    //! Once a second or so: time-outs of blocking queries, keep-alive comments of streams.
    void tick();

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace fasti::api
