// SPDX-License-Identifier: Apache-2.0
//! Frames: one append each. Building one from drafts, and walking through the parts of a sound one.
#pragma once

#include "eventstore/port/ledger.hpp"
#include "eventstore/port/record.hpp"
#include "eventstore/segments/format.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::segments {

//! Where a frame goes and what it follows.
struct frame_place {
    log_identity log;
    std::uint64_t sequence = 0;
    std::uint64_t offset = 0;
    chain_point before; //!< all of it durable
};

struct built_frame {
    frame_header header;
    std::string bytes;               //!< padded, with its checksum: ready to be written
    std::vector<event_slice> slices; //!< of the events, within bytes
    std::vector<hash256> hashes;     //!< of the chain, after each event: made by chain_frame()
};

//! No frame of this batch is longer, padding included.
std::size_t frame_bytes_bound(const append_batch& batch) noexcept;

//! Encodes a batch. An empty one gives a frame that carries durable_through on.
built_frame encode_frame(const frame_place& place, const append_batch& batch);

//! Fills in the hashes. No byte of the frame depends on them, so the disk can write it meanwhile.
//! Returns the last one: what the next frame states as `hash_before`.
hash256 chain_frame(built_frame& frame, chain_hasher& hasher);

//! A receipt as it lies in a frame.
struct stored_receipt {
    std::string_view scope;
    std::string_view key;
    std::string_view command;
    receipt what; //!< `first` is a log position
};

//! Walks the parts of a frame in order: events, receipts, claims. A member that returns false has
//! found bytes that are no frame of ours, although the checksum held.
class frame_parts {
public:
    //! `frame` begins with the header. It and what it borrows must outlive the walk.
    frame_parts(std::string_view frame, const frame_header& header) noexcept;

    bool next_record(std::string_view& canonical) noexcept;
    bool next_receipt(stored_receipt& out) noexcept;
    bool next_claim(claim_draft& out) noexcept;
    //! Whether nothing is left over.
    bool at_end() const noexcept { return rest_.empty(); }

private:
    std::string_view rest_;
    position first_;
};

} // namespace fasti::segments
