// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/pages.hpp"
namespace fasti::api {
void page_routes::handle(const call& a) { a.out().body = "{}"; a.to.send(); }
}
