// SPDX-License-Identifier: Apache-2.0
//! The batch that is being filled: drafts, receipts, and what is known only within it
//! (stream heads and keys not yet in the ledger). Can go back to a savepoint.
#pragma once

#include "domain/base/ids.hpp"
#include "domain/base/text_arena.hpp"
#include "eventstore/port/ledger.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace fasti {

class open_batch {
public:
    open_batch();
    ~open_batch();
    open_batch(const open_batch&) = delete;
    open_batch& operator=(const open_batch&) = delete;

    //! Texts that drafts borrow from.
    text_arena& texts() noexcept { return arena_; }

    //! Adds a draft whose texts are already kept, and moves its stream's head.
    void add(const event_draft& draft);
    //! Remembers a key for this batch; texts already kept.
    void add(const receipt_draft& receipt);

    //! Version of a stream that this batch touched.
    std::optional<std::uint64_t> head_of(std::string_view stream) const;
    //! Receipt of a key that this batch used; `first` is relative to the batch.
    const receipt_draft* find(std::string_view scope, std::string_view key) const;

    struct savepoint {
        std::size_t events = 0;
        std::size_t receipts = 0;
    };
    savepoint here() const noexcept { return {events_.size(), receipts_.size()}; }
    //! Forgets everything added since.
    void back_to(const savepoint& point);

    const std::vector<event_draft>& events() const noexcept { return events_; }
    append_batch as_batch() const noexcept { return {events_, receipts_, {}}; }
    //! At least what the ledger counts when it compares with batch_bytes_max.
    std::size_t bytes() const noexcept { return bytes_; }
    void clear();

private:
    struct tables; // hash tables: third-party headers stay in the .cpp

    text_arena arena_;
    std::vector<event_draft> events_;
    std::vector<receipt_draft> receipts_;
    std::size_t bytes_ = 0;
    std::unique_ptr<tables> tables_;
};

} // namespace fasti
