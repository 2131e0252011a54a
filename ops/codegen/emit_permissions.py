# SPDX-License-Identifier: Apache-2.0
"""domain/base/permission.gen.hpp: every permission of every context, sorted by name."""

import cpp


def emit(model):
    sources = ", ".join(c.source for c in model.contexts if c.permissions)
    known = sorted(model.permissions.items())
    lines = cpp.head(sources, header=True) + [
        "#include <algorithm>", "#include <array>", "#include <string_view>", "",
        "namespace fasti {", "",
        "struct permission_entry {",
        "    std::string_view name;",
        "    std::string_view doc;",
        "};", "",
        "//! Every permission there is, by name.",
        f"inline constexpr std::array<permission_entry, {len(known)}> permissions_known = {{{{"]
    lines += [f"    {{{cpp.literal(name)}, {cpp.literal(cpp.sentence(doc))}}}," for name, doc in known]
    lines += [
        "}};", "",
        "constexpr bool is_known_permission(std::string_view name) noexcept {",
        "    return std::any_of(permissions_known.begin(), permissions_known.end(),",
        "                       [&](const permission_entry& one) { return one.name == name; });",
        "}", "",
        "} // namespace fasti", ""]
    return {"domain/base/permission.gen.hpp": lines}
