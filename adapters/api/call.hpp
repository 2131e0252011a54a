// SPDX-License-Identifier: Apache-2.0
//! One request on its way through the API: who asks, for which route, and where the answer goes.
#pragma once

#include "adapters/api/context.hpp"
#include "adapters/http/exchange.hpp"
#include "adapters/http/problem.hpp"
#include "adapters/http/router.hpp"

#include <memory>
#include <string_view>
#include <type_traits>

namespace fasti::api {

//! A declared query by its parameters: a handler takes those of its own.
template <class Params>
using query = std::type_identity<Params>;

struct call {
    http::responder to;
    http::route_match at;
    std::shared_ptr<const principal> caller; //!< null on public pages without a token

    http::request& in() const { return to.in(); }
    http::response& out() const { return to.out(); }
    const http::route& route() const { return *at.to; }

    //! Whether the client has the answer with this entity tag already.
    bool knows(std::string_view etag) const {
        const std::string_view given = in().get(http::header_id::if_none_match);
        return !etag.empty() && (given == "*" || given.find(etag) != std::string_view::npos);
    }

    //! Answers with a problem and ends the call.
    void refuse(const error& why, int status = 0) const {
        http::write_problem(why, to.out(), status);
        to.send();
    }
};

} // namespace fasti::api
