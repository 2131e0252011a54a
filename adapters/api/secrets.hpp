// SPDX-License-Identifier: Apache-2.0
//! Makes the secrets of tokens that a request creates, and shows each once, in its answer only.
#pragma once

#include "commands/pipeline/request.hpp"
#include "domain/wire/json_writer.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace fasti::api {

class token_secrets {
public:
    token_secrets() = default; //!< none
    //! Fills the internal fields of every create_token in the request.
    explicit token_secrets(command_request& request);

    //! Adds `token` and, when this answer is the one that created it, `secret`, to an open object.
    void write(json_writer& out, std::size_t item, const item_outcome& outcome) const;

private:
    struct made {
        std::size_t item;
        std::string id;
        std::string text;
    };
    std::vector<made> made_;
};

} // namespace fasti::api
