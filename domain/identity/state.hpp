// SPDX-License-Identifier: Apache-2.0
//! Tokens as decisions need them. Changes are made in place and journalled, as in the registry:
//! keep() forgets the journal, drop() plays it back. Thread: one at a time.
#pragma once

#include "domain/base/instant.hpp"
#include "domain/identity/identity.gen.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fasti::identity {

struct token_record {
    std::vector<std::string> permissions;
    std::string secret_sha256;
    std::optional<instant> expires_at;
    bool revoked = false;
    bool operator==(const token_record&) const = default;
};

class state {
public:
    void keep() noexcept { journal_.clear(); }
    void drop();

    bool has_token(std::string_view token) const { return find_token(token) != nullptr; }
    const token_record* find_token(std::string_view token) const;
    std::size_t token_count() const noexcept { return tokens_.size(); }
    //! By id.
    const std::map<std::string, token_record, std::less<>>& tokens() const noexcept {
        return tokens_;
    }

    // What evolve and read_snapshot change.
    void set_token(std::string_view token, token_record record);
    //! Back to empty, kept.
    void clear() noexcept;

private:
    std::map<std::string, token_record, std::less<>> tokens_;
    std::vector<std::pair<std::string, std::optional<token_record>>>
        journal_; // what was there before
};

//! Canonical bytes of a state without unkept changes.
void write_snapshot(const state& now, std::string& out);
//! False when the bytes are damaged or of another format; the state is then empty.
bool read_snapshot(std::string_view bytes, state& now);

} // namespace fasti::identity
