// SPDX-License-Identifier: Apache-2.0
//! The log over HTTP: lists of CloudEvents, one event, and followers by server-sent events.
//! Thread: the I/O thread; the log is read on the worker.
#pragma once

#include "adapters/api/call.hpp"
#include "adapters/api/followers.hpp"
#include "adapters/api/position_waits.hpp"
#include "domain/operations/operations.gen.hpp"

#include <memory>

namespace fasti::api {

class event_routes {
public:
    event_routes(api_context& context, position_waits& arrivals);
    ~event_routes();
    event_routes(const event_routes&) = delete;
    event_routes& operator=(const event_routes&) = delete;

    void handle(const call& asked, query<operations::list_events_params>);
    void handle(const call& asked, query<operations::get_event_params>);
    void handle(const call& asked, query<operations::stream_events_params>);

    void start(node& live);
    //! Ends every stream, each with a last comment; clients come back with Last-Event-ID.
    void drain();
    //! To be called at least once a second: keep-alive comments, the end of followers whose token ended.
    void tick();

    std::size_t followers() const noexcept;
    follower_counters counters() const noexcept;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace fasti::api
