// SPDX-License-Identifier: Apache-2.0
//! Errors that several routes answer with, worded once.
#pragma once

#include "domain/base/result.hpp"

#include <string>
#include <string_view>

namespace fasti::api {

inline error permission_missing(std::string_view permission) {
    return error{error_code::permission_denied,
                 "The token does not have the permission '" + std::string(permission) + "'."};
}

inline error queue_full() {
    return error{error_code::queue_full,
                 "More commands are waiting than the server admits; nothing was done."};
}

inline error reads_full() {
    return error{error_code::queue_full,
                 "More reads of the log are waiting than the server admits; try again."};
}

inline error past_full() {
    return error{error_code::queue_full,
                 "More questions about the past are waiting than the server admits; try again."};
}

inline error shutting_down() {
    return error{error_code::not_ready, "The server is shutting down."};
}

//! The lease lapsed again between the sequencer's yes and now, which takes a stopped process.
inline error renewal_overtaken() {
    return error{error_code::not_ready, "The lease could not be renewed in time; try again."};
}

} // namespace fasti::api
