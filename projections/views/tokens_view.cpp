// SPDX-License-Identifier: Apache-2.0
#include "projections/views/tokens_view.hpp"

#include "domain/base/packed.hpp"
#include "projections/views/declared.hpp"

#include <utility>

namespace fasti {
namespace {

constexpr std::size_t secret_sha256_bytes = 32;
constexpr std::size_t token_bytes_min = 9;

void append_optional(std::string& out, const std::optional<instant>& when) {
    pack(when ? 1 : 0, out);
    if (when) {
        pack_signed(when->us, out);
    }
}

std::optional<instant> read_optional(packed_reader& in) {
    return in.number_to(1) == 1 ? std::optional{instant{in.signed_number()}} : std::nullopt;
}

} // namespace

std::uint64_t tokens_view::fingerprint() {
    return declared_fingerprint<identity::event>(name, code_revision);
}

void tokens_view::on(const identity::token_created& what, const event_context& context) {
    token_record made;
    made.name = what.name;
    made.permissions.assign(what.permissions.begin(), what.permissions.end());
    made.created_by = context.actor;
    made.secret_sha256 = what.secret_sha256;
    made.created_at = context.recorded;
    made.expires_at = what.expires_at;
    made.changed = context.at;
    changed_ = context.at;
    const auto known = tokens_.find(what.token);
    if (known != tokens_.end()) {
        by_secret_.erase(known->second.secret_sha256);
        known->second = std::move(made);
        index(known);
    } else {
        index(tokens_.emplace(what.token, std::move(made)).first);
    }
}

void tokens_view::on(const identity::token_revoked& what, const event_context& context) {
    const auto known = tokens_.find(what.token);
    if (known == tokens_.end()) {
        return;
    }
    if (!known->second.revoked_at) {
        known->second.revoked_at = context.recorded;
    }
    known->second.changed = context.at;
    changed_ = context.at;
}

void tokens_view::index(token_table::iterator of) {
    if (of->second.secret_sha256.size() == secret_sha256_bytes) {
        by_secret_[of->second.secret_sha256] = of;
    }
}

void tokens_view::copy_token(const tokens_view& from, std::string_view token) {
    const auto known = from.tokens_.find(token);
    if (known == from.tokens_.end()) {
        return;
    }
    const auto [made, is_new] = tokens_.emplace(known->first, known->second);
    if (is_new) {
        index(made);
    }
}

std::optional<token_grant> tokens_view::authenticate(std::string_view secret_sha256,
                                                     instant now) const {
    if (secret_sha256.size() != secret_sha256_bytes) {
        return std::nullopt;
    }
    // The table compares digests, not secrets: the time it takes says nothing about a secret.
    const auto found = by_secret_.find(secret_sha256);
    if (found == by_secret_.end()) {
        return std::nullopt;
    }
    const token_record& record = found->second->second;
    if (record.revoked_at || (record.expires_at && *record.expires_at <= now)) {
        return std::nullopt;
    }
    return token_grant{found->second->first, record.permissions, record.expires_at};
}

void tokens_view::fill(const token_table::value_type& from, identity::token_row& out) {
    out.token = from.first;
    out.name = from.second.name;
    out.permissions.assign(from.second.permissions.begin(), from.second.permissions.end());
    out.created_at = from.second.created_at;
    out.created_by = from.second.created_by;
    out.expires_at = from.second.expires_at;
    out.revoked_at = from.second.revoked_at;
    out.changed_position = from.second.changed;
}

bool tokens_view::fill(std::string_view token, identity::token_row& out) const {
    const auto known = tokens_.find(token);
    if (known == tokens_.end()) {
        return false;
    }
    fill(*known, out);
    return true;
}

void tokens_view::rows_from(std::string_view from,
                            const std::function<bool(const identity::token_row&)>& visit) const {
    identity::token_row row;
    for (auto at = tokens_.lower_bound(from); at != tokens_.end(); ++at) {
        fill(*at, row);
        if (!visit(row)) {
            return;
        }
    }
}

void tokens_view::write_snapshot(std::string& out) const {
    pack(changed_, out);
    pack(tokens_.size(), out);
    for (const auto& [id, record] : tokens_) {
        pack(id, out);
        pack(record.name, out);
        pack(record.permissions.size(), out);
        for (const std::string& one : record.permissions) {
            pack(one, out);
        }
        pack(record.created_by, out);
        pack(record.secret_sha256, out);
        pack_signed(record.created_at.us, out);
        append_optional(out, record.expires_at);
        append_optional(out, record.revoked_at);
        pack(record.changed, out);
    }
}

bool tokens_view::read_snapshot(std::string_view bytes) {
    clear();
    packed_reader in(bytes);
    changed_ = in.number();
    bool good = true;
    for (std::size_t left = in.count(token_bytes_min); left > 0 && good; --left) {
        std::string id{in.text()};
        token_record record;
        record.name = in.text();
        for (std::size_t held = in.count(1); held > 0 && in.ok(); --held) {
            record.permissions.emplace_back(in.text());
        }
        record.created_by = in.text();
        record.secret_sha256 = in.text();
        record.created_at.us = in.signed_number();
        record.expires_at = read_optional(in);
        record.revoked_at = read_optional(in);
        record.changed = in.number();
        good = in.ok() && (tokens_.empty() || tokens_.rbegin()->first < id);
        if (good) {
            index(tokens_.emplace_hint(tokens_.end(), std::move(id), std::move(record)));
        }
    }
    if (good && in.finished()) {
        return true;
    }
    clear();
    return false;
}

std::size_t tokens_view::memory_bytes() const noexcept {
    // Nodes of both tables, the id, and two copies of the secret's hash.
    constexpr std::size_t nodes = sizeof(token_table::value_type) + 160;
    std::size_t bytes = 0;
    for (const auto& [id, record] : tokens_) {
        bytes += nodes + record.name.capacity() + record.created_by.capacity();
        for (const std::string& permission : record.permissions) {
            bytes += sizeof permission + permission.capacity();
        }
    }
    return bytes;
}

void tokens_view::clear() {
    by_secret_.clear();
    tokens_.clear();
    changed_ = 0;
}

} // namespace fasti
