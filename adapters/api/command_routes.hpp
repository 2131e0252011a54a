// SPDX-License-Identifier: Apache-2.0
//! Commands over HTTP: one at its route or by name, or many in one request.
//! Thread: the I/O thread.
#pragma once

#include "adapters/api/call.hpp"
#include "adapters/api/secrets.hpp"
#include "domain/wire/json.hpp"

#include <memory>
#include <string>

namespace fasti::api {

class command_routes {
public:
    explicit command_routes(api_context& context) : context_(context) {}

    //! Answers a route of kind command, any_command or batch; the caller is known, a permission of
    //! the route was checked. Those of named and batched commands are checked here.
    void handle(const call& asked);

private:
    void run_one(const call& asked, command_type type);
    void run_batch(const call& asked);
    bool renew_at_once(const call& asked);
    void renew(const call& asked, std::unique_ptr<command_request> request);
    void renew_many(const call& asked, std::unique_ptr<command_request> request);
    void submit(const call& asked, std::unique_ptr<command_request> request);
    void tell(const http::responder& to, const command_answer& answer,
              const token_secrets& secrets);

    api_context& context_;
    json_document document_; // of the request being read
};

} // namespace fasti::api
