// SPDX-License-Identifier: Apache-2.0
//! Tokens by id, and by the digest of their secret for authentication. Revoked ones stay listed.
//! Thread: one at a time.
#pragma once

#include "domain/base/context.hpp"
#include "domain/identity/identity.gen.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fasti {

//! What a valid token gives. Text is borrowed from the view until the next event.
struct token_grant {
    std::string_view token; //!< its id
    std::span<const std::string> permissions;
    std::optional<instant> expires_at;
};

class tokens_view {
public:
    static constexpr std::string_view name = "tokens";
    static constexpr std::uint64_t code_revision = 1;
    static std::uint64_t fingerprint();

    tokens_view() = default;
    tokens_view(const tokens_view&) = delete;
    tokens_view& operator=(const tokens_view&) = delete;

    void on(const identity::token_created& what, const event_context& context);
    void on(const identity::token_revoked& what, const event_context& context);

    //! Takes over one token, for small views that try events out.
    void copy_token(const tokens_view& from, std::string_view token);

    void write_snapshot(std::string& out) const;
    //! Replaces everything. False when the bytes are no snapshot; the view is then empty.
    bool read_snapshot(std::string_view bytes);

    //! The token whose secret has this SHA-256 (32 bytes), if it is valid at that time.
    std::optional<token_grant> authenticate(std::string_view secret_sha256, instant now) const;

    bool fill(std::string_view token, identity::token_row& out) const;
    //! Visits rows whose ids are at or above `from`, in order, until visit(row) gives false.
    void rows_from(std::string_view from,
                   const std::function<bool(const identity::token_row&)>& visit) const;

    static std::string_view key_of(const identity::token_row& row) noexcept { return row.token; }

    std::size_t count() const noexcept { return tokens_.size(); }
    //! An estimate from what the rows hold.
    std::size_t memory_bytes() const noexcept;
    //! Position of the last event that changed any token.
    position changed() const noexcept { return changed_; }

private:
    struct token_record {
        std::string name;
        std::vector<std::string> permissions;
        std::string created_by;
        std::string secret_sha256;
        instant created_at;
        std::optional<instant> expires_at;
        std::optional<instant> revoked_at;
        position changed = 0;
    };
    using token_table = std::map<std::string, token_record, std::less<>>;

    static void fill(const token_table::value_type& from, identity::token_row& out);
    void index(token_table::iterator of);
    void clear();

    token_table tokens_;
    std::unordered_map<std::string, token_table::const_iterator, text_hash, std::equal_to<>>
        by_secret_;
    position changed_ = 0;
};

} // namespace fasti
