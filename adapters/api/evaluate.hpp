// SPDX-License-Identifier: Apache-2.0
//! One declared query over one set of views: parameters read, rows written. Pure.
#pragma once

#include "adapters/http/request.hpp"
#include "adapters/http/routes.gen.hpp"
#include "domain/wire/fields.hpp"
#include "projections/queries/answer.hpp"
#include "projections/queries/registry_queries.hpp"

#include <optional>
#include <span>
#include <string>

namespace fasti::api {

//! A query as asked. The request is borrowed and stays until it is answered.
struct question {
    http::operation what = http::operation::get_service;
    const http::request* from = nullptr;
    //! What the path captured, decoded, while the route's match lives; else it is matched again.
    std::optional<std::span<const path_field>> captured = {};
};

struct evaluated {
    query_answer answer;
    std::string etag; //!< with quotes; empty when it failed
};

//! What one reading of the parameters gives: the common ones, and the answer itself when the
//! question is about now and waits for nothing, as most are.
struct read_question {
    common_params common;
    std::optional<evaluated> answer;
};

//! For queries over views. Errors: fields_invalid. Thread: that of the views.
result<void> read_and_evaluate(const question& asked, const view_set& views,
                               const pick_context& pick, read_question& out);

//! Whose events may change the answer to a checked question that can be waited for.
watched_services watched_by(const question& asked);
//! The stream that alone decides the answer, if one does: past ones need no other.
std::optional<std::string> stream_of(const question& asked);

//! No event after this one changed the answer to a checked question. Thread: that of the views.
position last_change(const question& asked, const view_set& views);
//! The same for questions that have the same answer, whatever they wait for; empty for picks, which
//! are each client's own.
std::string shared_key(const question& asked);

//! `asked` was checked. Thread: that of the views.
evaluated evaluate(const question& asked, const view_set& views, const pick_context& pick);

} // namespace fasti::api
