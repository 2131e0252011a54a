// SPDX-License-Identifier: Apache-2.0
#include "commands/pipeline/open_batch.hpp"

#include "eventstore/port/record.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

namespace fasti {
namespace {

//! Room for the fixed parts of a receipt beside its texts.
constexpr std::size_t envelope_bytes = 96;

std::size_t size_of(const receipt_draft& receipt) {
    return envelope_bytes + receipt.scope.size() + receipt.key.size() + receipt.command.size();
}

struct key_name {
    std::string_view scope;
    std::string_view key;
    bool operator==(const key_name&) const = default;
};

struct key_name_hash {
    using is_avalanching = void;
    std::size_t operator()(const key_name& name) const noexcept {
        return hash64(name.scope) * 31U + hash64(name.key);
    }
};

} // namespace

struct open_batch::tables {
    boost::unordered_flat_map<std::string_view, std::uint64_t, text_hash> heads;
    boost::unordered_flat_map<key_name, std::size_t, key_name_hash> keys;
};

open_batch::open_batch() : tables_(std::make_unique<tables>()) {}
open_batch::~open_batch() = default;

void open_batch::add(const event_draft& draft) {
    events_.push_back(draft);
    bytes_ += record_bytes_max(draft);
    tables_->heads[draft.stream] = draft.stream_version;
}

void open_batch::add(const receipt_draft& receipt) {
    tables_->keys.emplace(key_name{receipt.scope, receipt.key}, receipts_.size());
    receipts_.push_back(receipt);
    bytes_ += size_of(receipt);
}

std::optional<std::uint64_t> open_batch::head_of(std::string_view stream) const {
    const auto found = tables_->heads.find(stream);
    if (found == tables_->heads.end()) {
        return std::nullopt;
    }
    return found->second;
}

const receipt_draft* open_batch::find(std::string_view scope, std::string_view key) const {
    const auto found = tables_->keys.find(key_name{scope, key});
    return found == tables_->keys.end() ? nullptr : &receipts_[found->second];
}

void open_batch::back_to(const savepoint& point) {
    while (receipts_.size() > point.receipts) {
        bytes_ -= size_of(receipts_.back());
        tables_->keys.erase(key_name{receipts_.back().scope, receipts_.back().key});
        receipts_.pop_back();
    }
    while (events_.size() > point.events) {
        const event_draft& last = events_.back();
        bytes_ -= record_bytes_max(last);
        // Versions of a stream rise by one within a batch: the head before this draft was one less,
        // and it was in this table only if an earlier draft of the batch put it there. A head that
        // equals the ledger's own does no harm, so it need not be removed.
        tables_->heads[last.stream] = last.stream_version - 1;
        events_.pop_back();
    }
}

void open_batch::clear() {
    events_.clear();
    receipts_.clear();
    bytes_ = 0;
    tables_->heads.clear();
    tables_->keys.clear();
    arena_.clear();
}

} // namespace fasti
