// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/documents.hpp"
#include "domain/base/error_code.gen.hpp"
#include "domain/wire/json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fasti::http {
namespace {

TEST(openapi_json, is_one_json_document) {
    std::string text(openapi_json());
    json_document document;
    ASSERT_TRUE(document.parse(text).ok());
    EXPECT_EQ(document.root().find("openapi").text(), "3.1.0");
    EXPECT_GT(document.root().find("paths").size(), 20U);
}

TEST(reference_html, has_the_place_that_each_problem_type_points_to) {
    const std::string_view page = reference_html();
    for (std::size_t i = 0; i < error_code_count; ++i) {
        const std::string anchor = "id=\"error-" +
                                   std::string(to_name(static_cast<error_code>(i))) + '"';
        EXPECT_NE(page.find(anchor), std::string_view::npos) << anchor;
    }
}

TEST(reference_html, loads_and_runs_nothing) {
    const std::string_view page = reference_html();
    for (const char* part :
         {"<script", "<link", "<img", "@import", "url(", "javascript:", "http://", "https://"}) {
        EXPECT_EQ(page.find(part), std::string_view::npos) << part;
    }
}

} // namespace
} // namespace fasti::http
