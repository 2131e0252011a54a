// SPDX-License-Identifier: Apache-2.0
#include "domain/identity/state.hpp"

#include "domain/base/packed.hpp"

namespace fasti::identity {
namespace {

constexpr std::string_view format_name = "fasti identity write model";
constexpr std::uint64_t format_number = 1;
constexpr std::uint64_t has_expiry = 1;
constexpr std::uint64_t is_revoked = 2;

bool read_all(packed_reader& in, state& now) {
    if (in.text() != format_name || in.number() != format_number) {
        return false;
    }
    std::string_view last;
    for (std::uint64_t left = in.number_to(in.left()); left > 0; --left) {
        const std::string_view token = in.text();
        token_record record;
        const std::uint64_t flags = in.number_to(has_expiry | is_revoked);
        record.revoked = (flags & is_revoked) != 0;
        if ((flags & has_expiry) != 0) {
            record.expires_at = instant{static_cast<std::int64_t>(in.number())};
        }
        record.secret_sha256 = in.text();
        for (std::uint64_t more = in.number_to(in.left()); more > 0 && in.ok(); --more) {
            record.permissions.emplace_back(in.text());
        }
        if (!in.ok() || !is_valid_token_id(token) || token <= last) {
            return false;
        }
        last = token;
        now.set_token(token, std::move(record));
        now.keep();
    }
    return in.ok() && in.at_end();
}

} // namespace

void state::drop() {
    while (!journal_.empty()) {
        auto& [token, before] = journal_.back();
        if (before.has_value()) {
            tokens_[token] = std::move(*before);
        } else {
            tokens_.erase(token);
        }
        journal_.pop_back();
    }
}

const token_record* state::find_token(std::string_view token) const {
    const auto at = tokens_.find(token);
    return at == tokens_.end() ? nullptr : &at->second;
}

void state::set_token(std::string_view token, token_record record) {
    std::string id(token);
    const token_record* before = find_token(id);
    journal_.emplace_back(id, before == nullptr ? std::nullopt : std::optional(*before));
    tokens_[std::move(id)] = std::move(record);
}

void state::clear() noexcept {
    tokens_.clear();
    journal_.clear();
}

void write_snapshot(const state& now, std::string& out) {
    pack(format_name, out);
    pack(format_number, out);
    pack(std::uint64_t{now.token_count()}, out);
    for (const auto& [token, record] : now.tokens()) {
        pack(std::string_view(token), out);
        pack((record.expires_at.has_value() ? has_expiry : 0) | (record.revoked ? is_revoked : 0),
             out);
        if (record.expires_at.has_value()) {
            pack(static_cast<std::uint64_t>(record.expires_at->us), out);
        }
        pack(std::string_view(record.secret_sha256), out);
        pack(std::uint64_t{record.permissions.size()}, out);
        for (const std::string& permission : record.permissions) {
            pack(std::string_view(permission), out);
        }
    }
}

bool read_snapshot(std::string_view bytes, state& now) {
    now.clear();
    packed_reader in(bytes);
    if (!read_all(in, now)) {
        now.clear();
        return false;
    }
    return true;
}

} // namespace fasti::identity
