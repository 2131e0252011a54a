// SPDX-License-Identifier: Apache-2.0
//! The canonical bytes of an event and the hash chain over them: the same in every store, export and copy.
//! Shape: a Protocol Buffers message, fields in the order of their numbers, empty and zero ones left out:
//!   1 position (varint)      2 stream        3 stream_version (varint)  4 type
//!   5 revision (varint, 1 left out)          6 command (16 bytes)       7 index (varint)
//!   8 recorded_us (fixed64)  9 tenant       10 actor   11 reason   12 correlation  13 cause
//!  14 trace                 15 data
//! Chain: hash(n) = SHA-256(hash(n-1) || canonical bytes of n); hash(0) is 32 zero bytes.
#pragma once

#include "domain/base/result.hpp"
#include "eventstore/port/event.hpp"

#include <string>
#include <string_view>

namespace fasti {

//! No record of this draft is longer.
std::size_t record_bytes_max(const event_draft& draft) noexcept;

//! Writes the canonical bytes to memory of at least record_bytes_max() bytes; returns how many.
std::size_t write_record(const event_draft& draft, position at, char* out) noexcept;

//! Appends the canonical bytes of a draft at a position; returns how many.
std::size_t encode_record(const event_draft& draft, position at, std::string& out);

//! Reads canonical bytes; the result borrows from them. False when they are not canonical.
bool decode_record(std::string_view canonical, recorded_event& out) noexcept;

//! Computes the chain; keeps its digest context, so one object serves many events.
//! Thread: one at a time.
class chain_hasher {
public:
    chain_hasher();
    ~chain_hasher();
    chain_hasher(const chain_hasher&) = delete;
    chain_hasher& operator=(const chain_hasher&) = delete;

    hash256 next(const hash256& previous, std::string_view canonical);

private:
    void* context_; // EVP_MD_CTX: OpenSSL stays out of the header
};

} // namespace fasti
