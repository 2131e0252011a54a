// SPDX-License-Identifier: Apache-2.0
#include "eventstore/port/ledger.hpp"

#include "eventstore/port/record.hpp"

#include <algorithm>

namespace fasti {
namespace {

bool length_between(std::string_view text, std::size_t min, std::size_t max) noexcept {
    return text.size() >= min && text.size() <= max;
}

bool is_under(std::string_view stream, std::string_view root) noexcept {
    return stream.starts_with(root) && (stream.size() == root.size() || stream[root.size()] == '/');
}

//! What is wrong with one draft, for people; empty when nothing is.
std::string_view fault_of(const event_draft& draft) noexcept {
    if (!length_between(draft.stream, 1, stream_bytes_max)) {
        return "stream must have 1 to 512 bytes.";
    }
    if (!length_between(draft.type, 1, event_type_bytes_max)) {
        return "type must have 1 to 128 bytes.";
    }
    if (draft.stream_version == 0 || draft.revision == 0) {
        return "stream_version and revision begin at 1.";
    }
    if (draft.data.size() > event_data_bytes_max) {
        return "data must have at most 1 MiB.";
    }
    for (const std::string_view text :
         {draft.tenant, draft.actor, draft.reason, draft.correlation, draft.cause, draft.trace}) {
        if (text.size() > event_text_bytes_max) {
            return "tenant, actor, reason, correlation, cause and trace must have at most 4096 bytes each.";
        }
    }
    return {};
}

std::string_view fault_of(const receipt_draft& draft, std::size_t event_count) noexcept {
    if (!length_between(draft.scope, 1, receipt_scope_bytes_max) ||
        !length_between(draft.key, 1, receipt_key_bytes_max)) {
        return "scope must have 1 to 384 bytes and key 1 to 255.";
    }
    if (draft.command.size() > event_data_bytes_max) {
        return "command must have at most 1 MiB.";
    }
    if (draft.count == 0 || draft.first >= event_count || draft.count > event_count - draft.first) {
        return "first and count must name events of this batch.";
    }
    return {};
}

error refused(std::string_view what, std::size_t index, std::string_view detail) {
    const std::string place = std::string{what} + "/" + std::to_string(index);
    return {error_code::fields_invalid,
            place + ": " + std::string{detail},
            {{"#/" + place, std::string{detail}}}};
}

} // namespace

bool event_filter::matches(const event_draft& fact) const noexcept {
    if (!types.empty() && std::find(types.begin(), types.end(), fact.type) == types.end()) {
        return false;
    }
    if (!fact.stream.starts_with(stream_prefix)) {
        return false;
    }
    if (!streams_under.empty() &&
        std::none_of(streams_under.begin(), streams_under.end(),
                     [&](const std::string& root) { return is_under(fact.stream, root); })) {
        return false;
    }
    return (!tenant || *tenant == fact.tenant) && (actor.empty() || actor == fact.actor);
}

bool event_filter::matches_all() const noexcept {
    return types.empty() && stream_prefix.empty() && streams_under.empty() && !tenant &&
           actor.empty();
}

result<void> check_batch(const append_batch& batch, instant last_recorded) {
    if (batch.events.empty() || batch.events.size() > events_per_batch_max) {
        return error{error_code::fields_invalid, "A batch holds 1 to 65536 events."};
    }
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
        const event_draft& draft = batch.events[i];
        if (const auto fault = fault_of(draft); !fault.empty()) {
            return refused("events", i, fault);
        }
        if (draft.recorded < last_recorded) {
            return refused("events", i, "recorded time must not go back.");
        }
        last_recorded = draft.recorded;
        bytes += record_bytes_max(draft);
    }
    for (std::size_t i = 0; i < batch.receipts.size(); ++i) {
        if (const auto fault = fault_of(batch.receipts[i], batch.events.size()); !fault.empty()) {
            return refused("receipts", i, fault);
        }
        const receipt_draft& draft = batch.receipts[i];
        bytes += draft.scope.size() + draft.key.size() + draft.command.size() + 64;
    }
    for (std::size_t i = 0; i < batch.claims.size(); ++i) {
        const claim_draft& draft = batch.claims[i];
        if (!length_between(draft.name, 1, claim_name_bytes_max) ||
            draft.stream.size() > stream_bytes_max) {
            return refused("claims", i, "name must have 1 to 512 bytes, stream at most 512.");
        }
        bytes += draft.name.size() + draft.stream.size() + 16;
    }
    if (bytes > batch_bytes_max) {
        return error{error_code::fields_invalid, "A batch holds at most 16 MiB."};
    }
    return {};
}

} // namespace fasti
