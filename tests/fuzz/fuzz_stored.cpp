// SPDX-License-Identifier: Apache-2.0
// Any bytes are an event, a command or a row in its one form, or refused: what is accepted is written
// again byte for byte. The first byte says which type is tried.
#include "domain/wire/commands.gen.hpp"
#include "domain/wire/events.gen.hpp"
#include "domain/wire/operations_stored.gen.hpp"
#include "tests/support/samples.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace fasti;

template <class Struct>
void play(std::string_view bytes) {
    Struct out;
    bool accepted = false;
    if constexpr (requires { Struct::revision_now; }) {
        accepted = decode(bytes, Struct::revision_now, out);
    } else {
        accepted = decode(bytes, out);
    }
    if (accepted) {
        std::string again;
        encode(out, again);
        check(again == bytes, "what is accepted is written again byte for byte");
    }
}

//! Tries the type of this number, counted over a tuple.
template <class Tuple>
void play_nth(std::size_t number, std::string_view bytes) {
    std::size_t at = 0;
    test::for_each_type<Tuple>([&]<class Struct>() {
        if (at++ == number % std::tuple_size_v<Tuple>) {
            play<Struct>(bytes);
        }
    });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    play_nth<test::all_events>(data[0], bytes);
    play_nth<test::all_commands>(data[0], bytes);
    play_nth<test::all_rows>(data[0], bytes);
    static_cast<void>(decode_command(bytes));
    return 0;
}
