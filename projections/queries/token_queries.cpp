// SPDX-License-Identifier: Apache-2.0
#include "domain/wire/identity_json.gen.hpp"
#include "projections/queries/list_body.hpp"
#include "projections/queries/view_queries.gen.hpp"

namespace fasti {

query_answer list_tokens(const view_set& views, const identity::list_tokens_params&,
                         const page& part) {
    query_answer out;
    const auto after = read_cursor(part.cursor);
    if (!after) {
        out.failure = after.error();
        return out;
    }
    list_body body(out.body, "tokens", part.limit);
    views.tokens().rows_from(above(*after), [&](const identity::token_row& row) {
        if (!body.more()) {
            return false;
        }
        body.add(row);
        body.passed(row.token);
        return true;
    });
    body.finish();
    out.changed = views.tokens().changed();
    out.digest = hash64(out.body);
    return out;
}

} // namespace fasti
