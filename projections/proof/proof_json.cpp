// SPDX-License-Identifier: Apache-2.0
#include "projections/proof/proof_json.hpp"

namespace fasti {

void write_json(json_writer& out, const finding& what) {
    out.begin_object();
    out.text("what", what.what);
    out.text("where", what.where);
    out.number("first", what.first);
    out.number("last", what.last);
    out.end_object();
}

void write_json(json_writer& out, const compared_part& what) {
    out.begin_object();
    out.text("part", what.name);
    out.number("position", what.at);
    out.number("bytes", what.bytes);
    out.boolean("equal", what.equal);
    out.end_object();
}

} // namespace fasti
