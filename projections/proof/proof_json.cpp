// SPDX-License-Identifier: Apache-2.0
#include "projections/proof/proof_json.hpp"

namespace fasti {

void write_json(json_writer& out, const finding& what) {
    out.begin_object();
    out.name("what");
    out.text(what.what);
    out.name("where");
    out.text(what.where);
    out.name("first");
    out.number(what.first);
    out.name("last");
    out.number(what.last);
    out.end_object();
}

void write_json(json_writer& out, const compared_part& what) {
    out.begin_object();
    out.name("part");
    out.text(what.name);
    out.name("position");
    out.number(what.at);
    out.name("bytes");
    out.number(what.bytes);
    out.name("equal");
    out.boolean(what.equal);
    out.end_object();
}

} // namespace fasti
