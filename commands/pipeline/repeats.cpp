// SPDX-License-Identifier: Apache-2.0
#include "commands/pipeline/repeats.hpp"

#include "domain/wire/identity_stored.gen.hpp"
#include "domain/wire/registry_stored.gen.hpp"

#include <algorithm>
#include <utility>

namespace fasti {
namespace {

//! Receipt status bits.
constexpr std::uint32_t status_created = 1;

} // namespace

error key_reused(std::string message) { return error{error_code::key_reused, std::move(message)}; }

id128 repeats::digest_of(const command_item& item) {
    canonical_.clear();
    std::visit(
        [&](const auto& what) {
            canonical_.append(what.type_name).push_back('\0');
            encode(what, canonical_);
        },
        item.what);
    return digest_of_bytes(canonical_);
}

id128 repeats::digest_of(std::span<const command_item> items) {
    std::string digests;
    for (const command_item& item : items) {
        digests.append(digest_of(item).as_bytes());
    }
    return digest_of_bytes(digests);
}

id128 repeats::digest_of_bytes(std::string_view canonical) {
    const hash256 digest = hasher_.next({}, canonical);
    id128 hash;
    std::copy_n(digest.bytes.begin(), hash.bytes.size(), hash.bytes.begin());
    return hash;
}

result<std::optional<item_outcome>> repeats::recall(const key_use& use, position head) {
    if (use.key.size() > receipt_key_bytes_max) {
        return error{error_code::fields_invalid, "An idempotency key has at most 255 bytes."};
    }
    receipt found;
    if (const receipt_draft* staged = batch_.find(use.scope, use.key)) {
        found = {staged->body_hash, head + 1 + staged->first, staged->count, staged->status};
    } else {
        auto remembered = facts_.find_receipt(use.scope, use.key);
        if (!remembered.ok()) {
            return std::move(remembered).error();
        }
        if (!remembered.value().has_value()) {
            return std::optional<item_outcome>{};
        }
        found = *remembered.value();
    }
    if (found.body_hash != use.digest) {
        return key_reused("The idempotency key was already used for another command.");
    }
    item_outcome outcome;
    outcome.kind = outcome_kind::already;
    outcome.created = (found.status & status_created) != 0;
    outcome.first = found.first;
    outcome.count = found.count;
    return std::optional<item_outcome>{std::move(outcome)};
}

void repeats::remember(const key_use& use, const item_outcome& outcome, position head) {
    receipt_draft receipt;
    receipt.scope = use.scope;
    receipt.key = batch_.texts().keep(use.key);
    receipt.body_hash = use.digest;
    receipt.first = outcome.first - head - 1;
    receipt.count = outcome.count;
    receipt.status = outcome.created ? status_created : 0;
    batch_.add(receipt);
}

} // namespace fasti
