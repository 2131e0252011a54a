# SPDX-License-Identifier: Apache-2.0
"""Queries: projections/queries/view_queries.gen.hpp says which functions a person writes, and
adapters/api/queries.gen.hpp leads from an operation to the struct of its parameters. A query that nobody answers
compiles in neither: the linker names its function, or the compiler the handler it misses."""

import cpp


def emit(model):
    if not model.queries:
        return {}
    sources = ", ".join(c.source for c in model.contexts)
    includes = [f'#include "domain/{c.name}/{c.name}.gen.hpp"' for c in model.contexts if c.queries]
    return {"projections/queries/view_queries.gen.hpp": _functions(model, sources, includes),
            "adapters/api/queries.gen.hpp": _visitors(model, sources, includes)}


def over_views(query):
    """What is answered for any moment is answered from views: there is no other way to have it of the past."""
    return query.past


def _pick_param(query):
    return next((one.name for one in query.params if one.type_name == "pick_strategy"), "")


def picks(query):
    """Whether chance or turns have a say; such a query is handed a pick_context."""
    return bool(_pick_param(query))


def _params(query):
    return f"{query.context}::{query.name}_params"


def _functions(model, sources, includes):
    lines = cpp.head(sources, header=True) + [
        "//! Every query over views (`past = true`), live or past ones. Each is written by hand in a file of this folder;",
        "//! the linker names what is missing. Pure. Thread: that of the views.", "", *includes,
        '#include "projections/engine/view_set.hpp"', '#include "projections/queries/answer.hpp"', "",
        "namespace fasti {", "", "struct pick_context;", "",
        "//! What a query is asked with beside its own parameters.",
        "struct asked_with {", "    page part = {};", "    const pick_context& pick;", "};", "",
        "// last_change(): no event after it changed the answer. Finding that out costs a look-up or two.",
        "// watched_by(): whose events may change the answer.", ""]
    for one in model.queries:
        if not over_views(one):
            continue
        more = (", const page& part" if one.paged else "") + (", const pick_context& pick" if picks(one) else "")
        given = (", with.part" if one.paged else "") + (", with.pick" if picks(one) else "")
        lines += [f"//! {cpp.sentence(one.doc)}",
                  f"query_answer {one.name}(const view_set& views, const {_params(one)}& what{more});"]
        if one.wait:
            lines.append(f"position last_change(const view_set& views, const {_params(one)}& what);")
            lines.append(_watched(one))
        lines += [f"inline query_answer answer(const view_set& views, const {_params(one)}& what, "
                  f"{'const asked_with& with' if given else 'const asked_with&'}) {{",
                  f"    return {one.name}(views, what{given});", "}", ""]
    return lines + ["} // namespace fasti", ""]


def _watched(query):
    if not query.watched:
        return f"inline watched_services watched_by(const {_params(query)}&) {{ return {{}}; }}"
    param = next(one for one in query.params if one.name == query.watched_param)
    name = f"what.{param.name}" + (".value_or(std::string_view{})" if param.optional else "")
    exactly = "false" if query.watched.endswith("*") else "true"
    return (f"inline watched_services watched_by(const {_params(query)}& what) {{ "
            f"return {{std::string({name}), {exactly}}}; }}")


def _visitor(name, doc, queries):
    return [f"//! {doc}", "template <class Visit>", f"decltype(auto) {name}(http::operation what, const Visit& visit) {{",
            "    switch (what) {",
            *[f"    case http::operation::{one.name}: return visit(std::type_identity<{_params(one)}>{{}});"
              for one in queries],
            "    default: check_failed(\"the operation is such a query\", __FILE__, __LINE__);", "    }", "}", ""]


def _visitors(model, sources, includes):
    folded = [one for one in model.queries if over_views(one)]
    return cpp.head(sources, header=True) + [
        "//! From the operation of a query to the struct of its parameters.", "",
        '#include "adapters/http/routes.gen.hpp"', '#include "domain/base/check.hpp"', *includes, "",
        "#include <string_view>", "#include <type_traits>", "", "namespace fasti::api {", "",
        "//! Whether a query is answered from views, live or past ones.",
        "template <class Params>", "inline constexpr bool is_over_views = false;",
        *[f"template <> inline constexpr bool is_over_views<{_params(one)}> = true;" for one in folded], "",
        "//! The parameter that makes a query pick by chance or turns; empty: it has none.",
        "template <class Params>", "inline constexpr std::string_view pick_param = {};",
        *[f"template <> inline constexpr std::string_view pick_param<{_params(one)}> = \"{_pick_param(one)}\";"
          for one in model.queries if picks(one)], "",
        *_visitor("visit_query", "Calls visit(std::type_identity<Params>) for any query; visit must take all of them.",
                  model.queries),
        *_visitor("visit_view_query", "The same for one over views.", folded),
        "} // namespace fasti::api", ""]
