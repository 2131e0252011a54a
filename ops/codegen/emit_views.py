# SPDX-License-Identifier: Apache-2.0
"""projections/engine/own_views.gen.hpp: the views that have a class of their own (`fold`)."""

import cpp


def emit(model):
    found = [one for context in model.contexts for one in context.views.values() if one.fold]
    if not found:
        return {}
    sources = ", ".join(c.source for c in model.contexts)
    names = ", ".join(f"{one.fold}::name" for one in found)
    return {"projections/engine/own_views.gen.hpp": cpp.head(sources, header=True) + [
        "//! Views that have a class of their own, in projections/views/<class>.hpp. Each has name, fingerprint(),",
        "//! on(event, context) for what it folds, write_snapshot(), read_snapshot(), memory_bytes(), rows_from(key, visit)",
        "//! in the order of keys, and key_of(row). Everything else about a view follows.", "",
        *[f'#include "projections/views/{one.fold}.hpp"' for one in found], "",
        "#include <array>", "#include <string_view>", "#include <tuple>", "", "namespace fasti {", "",
        f"using own_views = std::tuple<{', '.join(one.fold for one in found)}>;",
        f"inline constexpr std::array<std::string_view, {len(found)}> own_view_names = {{{names}}};",
        *[f"static_assert({one.fold}::name == {cpp.literal(one.name)});" for one in found], "",
        "} // namespace fasti", ""]}
