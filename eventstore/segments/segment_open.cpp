// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/segment_open.hpp"

#include "eventstore/segments/frame.hpp"

#include <utility>

namespace fasti::segments {

bool frame_keys(std::string_view frame, const frame_header& header, std::vector<index_entry>& out) {
    frame_parts parts{frame, header};
    std::string_view canonical;
    recorded_event event;
    for (std::uint32_t i = 0; i < header.events; ++i) {
        if (!parts.next_record(canonical) || !decode_record(canonical, event) ||
            event.at != header.first + i) {
            return false;
        }
        out.push_back({stream_key(event.fact.stream), event.at});
    }
    stored_receipt receipt;
    for (std::uint32_t i = 0; i < header.receipts; ++i) {
        if (!parts.next_receipt(receipt)) {
            return false;
        }
        out.push_back({receipt_key(receipt.scope, receipt.key), receipt.what.first});
    }
    claim_draft claim;
    for (std::uint32_t i = 0; i < header.claims; ++i) {
        if (!parts.next_claim(claim)) {
            return false;
        }
        out.push_back({claim_key(claim.name), header.first});
    }
    return parts.at_end();
}

bool chain_walk::follow(std::string_view frame, const frame_header& header) {
    if (!follows(header, at_)) {
        return false;
    }
    frame_parts parts{frame, header};
    std::string_view canonical;
    hash256 hash = at_.hash;
    for (std::uint32_t i = 0; i < header.events; ++i) {
        if (!parts.next_record(canonical)) {
            return false;
        }
        hash = hasher_.next(hash, canonical);
    }
    at_ = point_after(header, hash);
    return true;
}

result<std::shared_ptr<segment>> open_segment(files& disk, const std::string& directory,
                                              std::uint64_t sequence, file_mode mode) {
    const std::string name = segment_name(sequence);
    auto handle = disk.open(directory + "/" + name, mode);
    if (!handle.ok()) {
        return std::move(handle).error();
    }
    std::string bytes(segment_header_bytes, '\0');
    const auto got = (*handle)->read_at(0, bytes.data(), bytes.size());
    const auto size = (*handle)->size();
    if (!got.ok() || !size.ok()) {
        return got.ok() ? size.error() : got.error();
    }
    segment_header header;
    std::uint32_t format = 0;
    const header_verdict verdict = decode(std::string_view{bytes}.substr(0, *got), header, format);
    if (verdict == header_verdict::other_format) {
        return other_format(name, format);
    }
    if (verdict == header_verdict::damaged || header.sequence != sequence ||
        header.file_bytes < segment_header_bytes + footer_bytes || header.file_bytes != *size) {
        const bool own = verdict == header_verdict::sound && header.sequence == sequence;
        return error{error_code::store_damaged,
                     "The positions in " + name + " cannot be read: " +
                         (own ? "the file does not have the size it was made with."
                              : "its header is altered or belongs to another file.")};
    }
    return std::make_shared<segment>(name, std::move(handle).value(), header);
}

result<std::optional<segment_footer>> read_footer(const segment& of) {
    const segment_header& header = of.header();
    std::string bytes(footer_bytes, '\0');
    const auto got = of.handle().read_at(header.file_bytes - footer_bytes, bytes.data(),
                                         bytes.size());
    if (!got.ok()) {
        return got.error();
    }
    segment_footer footer;
    const bool sound = *got == footer_bytes && decode(bytes, footer) && footer.log == header.log &&
                       footer.sequence == header.sequence &&
                       footer.first == header.before.last + 1 &&
                       footer.sums.end <= header.file_bytes - footer_bytes;
    return sound ? std::optional{footer} : std::nullopt;
}

} // namespace fasti::segments
