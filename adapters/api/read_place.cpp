// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/read_place.hpp"

#include "eventstore/port/token.hpp"

namespace fasti::api {

result<position> read_place(std::string_view text, const ledger& facts) {
    const auto token = read_token(text);
    if (!token.ok()) {
        return token.error();
    }
    if (auto belongs = verify_token(token.value(), facts); !belongs.ok()) {
        return std::move(belongs).error();
    }
    return token.value().at;
}

} // namespace fasti::api
