// SPDX-License-Identifier: Apache-2.0
// Query parameters of any bytes, as "name=value" pairs with '&' between: every query over a small
// registry answers a JSON text or a declared error, and pages end.
#include "domain/base/check.hpp"
#include "domain/wire/json.hpp"
#include "domain/wire/registry_json.gen.hpp"
#include "eventstore/memory/memory_ledger.hpp"
#include "projections/queries/cursor.hpp"
#include "projections/queries/log_queries.hpp"
#include "projections/queries/registry_queries.hpp"
#include "tests/support/registry_history.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace {

using namespace fasti; // NOLINT: one program

struct world {
    view_set views;
    memory_ledger facts{id128{}, 7};

    world() {
        test::random_history history(5, 3, 4);
        for (const auto& one : history.make(200)) {
            views.apply(one.recorded_form());
            const event_draft draft = one.draft();
            check(facts.append({{&draft, 1}, {}, {}}).ok(), "the ledger takes the history");
        }
    }
};

std::vector<query_param> split(std::string_view text) {
    std::vector<query_param> out;
    while (!text.empty()) {
        const std::string_view pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), pair.size() + 1));
        const std::size_t equals = pair.find('=');
        out.push_back({pair.substr(0, equals), equals == std::string_view::npos
                                                   ? std::string_view{}
                                                   : pair.substr(equals + 1)});
    }
    return out;
}

void expect_sound(query_answer answer) {
    if (answer.failure) {
        check(answer.body.empty(), "a failed query has no body");
        return;
    }
    json_document document;
    check(document.parse(answer.body).ok(), "an answer is one JSON text");
}

template <class Params, class Ask>
void ask(const std::vector<query_param>& given, const Ask& how) {
    static constexpr path_field path[] = {{"service", "service-1"}};
    Params what;
    common_params common;
    field_errors errors;
    constexpr std::size_t fields = std::is_same_v<Params, registry::list_services_params> ? 0 : 1;
    registry::read_query(given, std::span{path}.first(fields), what, common, errors);
    if (errors.empty()) {
        expect_sound(how(what, page_of(common)));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const world* const made = new world; // lives as long as the process
    static pick_turns turns;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const std::vector<query_param> given = split(text);
    ask<registry::list_services_params>(given, [](const auto& what, const page& part) {
        return list_services(made->views, what, part);
    });
    ask<registry::list_instances_params>(given, [](const auto& what, const page& part) {
        return list_instances(made->views, what, part);
    });
    ask<registry::discover_instance_params>(given, [](const auto& what, const page& part) {
        return discover_instance(made->views, what, part, {what.tag.size(), turns});
    });
    if (const auto cursor = read_cursor(text); cursor && cursor->has_value()) {
        check(write_cursor(**cursor) == text, "a cursor that is read is written the same");
    }
    const auto at = resolve_at(text, made->facts, instant{1'800'000'000'000'000});
    check(!at || *at <= 200, "a moment lies within the log");
    return 0;
}
