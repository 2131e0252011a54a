// SPDX-License-Identifier: Apache-2.0
//! A server broken on purpose: it forgets the version that a command expects.
//! tests/linear/linear_test.py must find that out.
//! Shape: the linker puts this in the place of read_command_headers (--wrap in tests/tests.cmake).
#include "adapters/api/headers.hpp"

namespace fasti::api {

result<command_headers> read_all(const http::request& from) asm(
    "__real__ZN5fasti3api20read_command_headersERKNS_4http7requestE");
result<command_headers> read_some(const http::request& from) asm(
    "__wrap__ZN5fasti3api20read_command_headersERKNS_4http7requestE");

result<command_headers> read_some(const http::request& from) {
    auto read = read_all(from);
    if (read.ok()) {
        read.value().if_match.reset();
    }
    return read;
}

} // namespace fasti::api
