// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/frame.hpp"

#include "eventstore/segments/bytes.hpp"

namespace fasti::segments {
namespace {

constexpr std::size_t receipt_fixed_bytes = 2 + 2 + 4 + 4 + 4 + 4 + 16;
constexpr std::size_t claim_fixed_bytes = 2 + 2;

void write_receipt(byte_writer& out, const receipt_draft& draft) noexcept {
    out.number(static_cast<std::uint16_t>(draft.scope.size()));
    out.number(static_cast<std::uint16_t>(draft.key.size()));
    out.number(static_cast<std::uint32_t>(draft.command.size()));
    out.number(static_cast<std::uint32_t>(draft.first));
    out.number(draft.count);
    out.number(draft.status);
    out.bytes(draft.body_hash.as_bytes());
    out.bytes(draft.scope);
    out.bytes(draft.key);
    out.bytes(draft.command);
}

void write_claim(byte_writer& out, const claim_draft& draft) noexcept {
    out.number(static_cast<std::uint16_t>(draft.name.size()));
    out.number(static_cast<std::uint16_t>(draft.stream.size()));
    out.bytes(draft.name);
    out.bytes(draft.stream);
}

} // namespace

std::size_t frame_bytes_bound(const append_batch& batch) noexcept {
    std::size_t bytes = frame_header_bytes;
    for (const event_draft& draft : batch.events) {
        bytes += sizeof(std::uint32_t) + record_bytes_max(draft);
    }
    for (const receipt_draft& draft : batch.receipts) {
        bytes += receipt_fixed_bytes + draft.scope.size() + draft.key.size() + draft.command.size();
    }
    for (const claim_draft& draft : batch.claims) {
        bytes += claim_fixed_bytes + draft.name.size() + draft.stream.size();
    }
    return padded(bytes);
}

built_frame encode_frame(const frame_place& place, const append_batch& batch) {
    built_frame frame;
    frame.bytes.resize(frame_bytes_bound(batch));
    frame.slices.reserve(batch.events.size());
    char* const begin = frame.bytes.data();
    byte_writer out{begin + frame_header_bytes};
    position at = place.before.last;
    for (const event_draft& draft : batch.events) {
        char* const record = out.at + sizeof(std::uint32_t);
        const std::size_t size = write_record(draft, ++at, record);
        out.number(static_cast<std::uint32_t>(size));
        out.at += size;
        frame.slices.push_back(
            {static_cast<std::uint32_t>(record - begin), static_cast<std::uint32_t>(size)});
    }
    for (const receipt_draft& draft : batch.receipts) {
        write_receipt(out, draft);
    }
    for (const claim_draft& draft : batch.claims) {
        write_claim(out, draft);
    }
    frame_header& header = frame.header;
    header.length = static_cast<std::uint32_t>(out.at - begin);
    header.log = place.log;
    header.sequence = place.sequence;
    header.offset = place.offset;
    header.first = place.before.last + 1;
    header.events = static_cast<std::uint32_t>(batch.events.size());
    header.receipts = static_cast<std::uint32_t>(batch.receipts.size());
    header.claims = static_cast<std::uint32_t>(batch.claims.size());
    header.durable_through = place.before.last;
    header.last_recorded = batch.events.empty() ? place.before.recorded
                                                : batch.events.back().recorded;
    header.hash_before = place.before.hash;
    frame.bytes.resize(padded(header.length)); // what lies behind the last part is still zero
    write_frame_header(header, frame.bytes.data());
    header.crc = seal_frame(frame.bytes.data(), frame.bytes.size());
    return frame;
}

hash256 chain_frame(built_frame& frame, chain_hasher& hasher) {
    const std::string_view bytes = frame.bytes;
    hash256 hash = frame.header.hash_before;
    frame.hashes.reserve(frame.slices.size());
    for (const event_slice& slice : frame.slices) {
        hash = hasher.next(hash, bytes.substr(slice.offset, slice.size));
        frame.hashes.push_back(hash);
    }
    return hash;
}

frame_parts::frame_parts(std::string_view frame, const frame_header& header) noexcept
    : rest_(frame.substr(frame_header_bytes, header.length - frame_header_bytes)),
      first_(header.first) {}

bool frame_parts::next_record(std::string_view& canonical) noexcept {
    byte_reader in{rest_};
    canonical = in.bytes(in.number<std::uint32_t>());
    rest_ = in.rest;
    return !in.bad;
}

bool frame_parts::next_receipt(stored_receipt& out) noexcept {
    byte_reader in{rest_};
    const auto scope_size = in.number<std::uint16_t>();
    const auto key_size = in.number<std::uint16_t>();
    const auto command_size = in.number<std::uint32_t>();
    out.what.first = first_ + in.number<std::uint32_t>();
    out.what.count = in.number<std::uint32_t>();
    out.what.status = in.number<std::uint32_t>();
    in.fill(out.what.body_hash.bytes);
    out.scope = in.bytes(scope_size);
    out.key = in.bytes(key_size);
    out.command = in.bytes(command_size);
    rest_ = in.rest;
    return !in.bad;
}

bool frame_parts::next_claim(claim_draft& out) noexcept {
    byte_reader in{rest_};
    const auto name_size = in.number<std::uint16_t>();
    const auto stream_size = in.number<std::uint16_t>();
    out.name = in.bytes(name_size);
    out.stream = in.bytes(stream_size);
    rest_ = in.rest;
    return !in.bad;
}

} // namespace fasti::segments
