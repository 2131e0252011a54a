// SPDX-License-Identifier: Apache-2.0
// Bytes that decode as a record are the only bytes that record has.
#include "domain/base/check.hpp"
#include "eventstore/port/record.hpp"
#include "eventstore/port/token.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    fasti::recorded_event event;
    if (fasti::decode_record(bytes, event)) {
        std::string again;
        fasti::encode_record(event.fact, event.at, again);
        fasti::check(again == bytes, "a record has one form");
    }
    if (const auto token = fasti::read_token(bytes); token.ok() && token->epoch) {
        std::string again;
        fasti::write_token(*token->epoch, token->at, *token->hash_prefix, again);
        fasti::check(again == bytes, "a token has one form");
    }
    return 0;
}
