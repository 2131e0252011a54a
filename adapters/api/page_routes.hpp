// SPDX-License-Identifier: Apache-2.0
//! Health, metrics, OpenAPI and the reference page: public, with more for those who may see it.
//! Thread: the I/O thread.
#pragma once

#include "adapters/api/call.hpp"

namespace fasti::api {

class page_routes {
public:
    explicit page_routes(api_context& context) : context_(context) {}
    void handle(const call& asked);

private:
    api_context& context_;
};

} // namespace fasti::api
