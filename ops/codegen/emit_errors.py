# SPDX-License-Identifier: Apache-2.0
"""domain/base/error_code.gen.{hpp,cpp}: every error of every context in one enumeration."""

import cpp


def emit(model):
    sources = ", ".join(["domain/base/base.toml"] + [c.source for c in model.contexts])
    names = [e.name for e in model.errors]
    header = cpp.head(sources, header=True) + [
        "#include <cstdint>", "#include <optional>", "#include <span>", "#include <string_view>", "",
        "namespace fasti {", "",
        "//! What went wrong, for programs. Names are for ever; numbers are not and never leave the process.",
        "enum class error_code : std::uint16_t {"]
    for one in model.errors:
        header.append(f"    {one.name}, //!< {cpp.sentence(one.doc)}")
    header += [
        "};", "",
        f"inline constexpr std::size_t error_code_count = {len(names)};", "",
        "//! Whether repeating can help: no; the same request again later; only after reading anew.",
        "enum class retry : std::uint8_t { never, same, fresh };", "",
        "struct error_traits {",
        "    int http_status;",
        "    enum retry retry;",
        "    std::string_view doc;",
        "};", "",
        "std::string_view to_name(error_code code) noexcept;",
        "std::string_view to_name(retry value) noexcept;",
        "std::optional<error_code> error_code_from_name(std::string_view name) noexcept;",
        "const error_traits& traits_of(error_code code) noexcept;", "",
        "} // namespace fasti", ""]
    source = cpp.head(sources) + ['#include "domain/base/error_code.gen.hpp"', "", "#include <array>", "",
                                  "namespace fasti {", "namespace {", "",
                                  "constexpr std::array<std::string_view, error_code_count> names = {"]
    source += [f"    {cpp.literal(name)}," for name in names]
    source += ["};", "", "constexpr std::array<error_traits, error_code_count> traits = {{"]
    source += [f"    {{{e.status}, retry::{e.retry}, {cpp.literal(e.doc)}}}," for e in model.errors]
    source += [
        "}};", "", "} // namespace", "",
        "std::string_view to_name(error_code code) noexcept { return names[static_cast<std::size_t>(code)]; }", "",
        "std::string_view to_name(retry value) noexcept {",
        "    switch (value) {",
        '    case retry::never: return "never";',
        '    case retry::same: return "same";',
        '    case retry::fresh: return "fresh";',
        "    }",
        '    return "never";',
        "}", "",
        "std::optional<error_code> error_code_from_name(std::string_view name) noexcept {",
        "    for (std::size_t i = 0; i < names.size(); ++i) {",
        "        if (names[i] == name) {",
        "            return static_cast<error_code>(i);",
        "        }",
        "    }",
        "    return std::nullopt;",
        "}", "",
        "const error_traits& traits_of(error_code code) noexcept { return traits[static_cast<std::size_t>(code)]; }", "",
        "} // namespace fasti", ""]
    return {"domain/base/error_code.gen.hpp": header, "domain/base/error_code.gen.cpp": source}
