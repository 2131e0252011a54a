// SPDX-License-Identifier: Apache-2.0
//! Commands that were sent before: what an idempotency key remembers, in the open batch or in the ledger.
//! A key belongs to its caller, and to one command: the same key with another command is refused.
#pragma once

#include "commands/pipeline/open_batch.hpp"
#include "commands/pipeline/request.hpp"
#include "eventstore/port/ledger.hpp"
#include "eventstore/port/record.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fasti {

//! One use of a key. Text is borrowed.
struct key_use {
    std::string_view scope; //!< "<tenant>/<actor>", kept in the batch
    std::string_view key;
    id128 digest; //!< of the command, or of all commands of a batch
};

class repeats {
public:
    //! Both must outlive it.
    repeats(const ledger& facts, open_batch& batch) : facts_(facts), batch_(batch) {}

    //! The first 16 bytes of SHA-256 over the command's type and canonical bytes.
    id128 digest_of(const command_item& item);
    //! The same over the digests of all commands of a batch.
    id128 digest_of(std::span<const command_item> items);

    //! What the key remembers; nothing when it is new. `head`: of the ledger, below the batch.
    //! Errors: fields_invalid: the key is too long; key_reused: for another command; those of the ledger.
    result<std::optional<item_outcome>> recall(const key_use& use, position head);

    //! Adds to the batch what a later recall() finds.
    void remember(const key_use& use, const item_outcome& outcome, position head);

private:
    id128 digest_of_bytes(std::string_view canonical);

    const ledger& facts_;
    open_batch& batch_;
    chain_hasher hasher_;
    std::string canonical_; // scratch
};

//! The refusal of a key that stands for something else.
error key_reused(std::string message);

} // namespace fasti
