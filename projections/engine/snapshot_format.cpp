// SPDX-License-Identifier: Apache-2.0
#include "projections/engine/snapshot_format.hpp"

#include "domain/base/packed.hpp"
#include "eventstore/port/record.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace fasti {
namespace {

constexpr std::string_view magic = "FASTISNP";
constexpr std::size_t digest_bytes = 32;
constexpr std::size_t section_bytes_min = 1 + 8 + 1 + digest_bytes;
constexpr std::size_t position_digits = 20;
constexpr std::size_t epoch_digits = 16;

//! The chain's digest over a beginning of zeros is a digest like any other, and is at hand.
hash256 digest_of(std::string_view bytes) {
    chain_hasher hasher;
    return hasher.next(hash256{}, bytes);
}

template <class Bytes>
void copy_to(std::string_view from, Bytes& to) noexcept {
    if (from.size() == to.size()) {
        std::copy(from.begin(), from.end(), reinterpret_cast<char*>(to.data()));
    }
}

error damaged(std::string what) {
    return {error_code::store_damaged, "The snapshot is not whole: " + std::move(what) + "."};
}

struct section_head {
    snapshot_section section;
    std::uint64_t length = 0;
    hash256 digest;
};

section_head read_head(packed_reader& in) {
    section_head head;
    head.section.name = in.text();
    head.section.fingerprint = in.fixed64();
    head.length = in.number();
    copy_to(in.bytes(digest_bytes), head.digest.bytes);
    return head;
}

} // namespace

std::string write_snapshot_head(const snapshot_content& content) {
    std::string out{magic};
    pack(snapshot_format, out);
    out.append(content.log_id.as_bytes());
    pack_fixed64(content.epoch, out);
    pack(content.at, out);
    out.append(content.hash.as_bytes());
    pack_signed(content.recorded.us, out);
    pack(content.sections.size(), out);
    for (const snapshot_section& section : content.sections) {
        pack(section.name, out);
        pack_fixed64(section.fingerprint, out);
        pack(section.bytes.size(), out);
        out.append(digest_of(section.bytes).as_bytes());
    }
    out.append(digest_of(out).as_bytes());
    return out;
}

std::string write_snapshot_bytes(const snapshot_content& content) {
    std::string out = write_snapshot_head(content);
    std::size_t total = out.size();
    for (const snapshot_section& section : content.sections) {
        total += section.bytes.size();
    }
    out.reserve(total);
    for (const snapshot_section& section : content.sections) {
        out.append(section.bytes);
    }
    return out;
}

result<snapshot_content> read_snapshot_bytes(std::string_view bytes) {
    packed_reader in(bytes);
    if (in.bytes(magic.size()) != magic) {
        return damaged("it does not begin like one");
    }
    const std::uint64_t format = in.number();
    if (in.ok() && format > snapshot_format) {
        return error{error_code::format_newer, "The snapshot has format " + std::to_string(format) +
                                                   ", this binary knows " +
                                                   std::to_string(snapshot_format) + "."};
    }
    snapshot_content content;
    copy_to(in.bytes(content.log_id.bytes.size()), content.log_id.bytes);
    content.epoch = in.fixed64();
    content.at = in.number();
    copy_to(in.bytes(digest_bytes), content.hash.bytes);
    content.recorded.us = in.signed_number();
    std::vector<section_head> heads;
    for (std::size_t left = in.count(section_bytes_min); left > 0; --left) {
        heads.push_back(read_head(in));
    }
    const std::size_t head_bytes = bytes.size() - in.left();
    const std::string_view digest = in.bytes(digest_bytes);
    if (!in.ok() || digest != digest_of(bytes.substr(0, head_bytes)).as_bytes()) {
        return damaged("its head is altered or cut");
    }
    for (section_head& head : heads) {
        head.section.bytes = in.bytes(head.length);
        if (!in.ok() || digest_of(head.section.bytes) != head.digest) {
            return damaged("section " + std::string{head.section.name} + " is altered or cut");
        }
        content.sections.push_back(head.section);
    }
    if (!in.finished()) {
        return damaged("there are bytes behind its end");
    }
    return content;
}

std::string snapshot_name(position at, std::uint64_t epoch) {
    const std::string number = std::to_string(at);
    std::string name(position_digits - number.size(), '0');
    name.append(number).push_back('-');
    for (unsigned shift = 64; shift > 0; shift -= 4) {
        name.push_back("0123456789abcdef"[(epoch >> (shift - 4)) & 0xFU]);
    }
    return name;
}

std::optional<position> snapshot_position(std::string_view name) {
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (name.size() != position_digits + 1 + epoch_digits || name[position_digits] != '-' ||
        !std::all_of(name.begin() + position_digits + 1, name.end(), is_hex)) {
        return std::nullopt;
    }
    position at = 0;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + position_digits, at);
    if (failure != std::errc{} || end != name.data() + position_digits) {
        return std::nullopt;
    }
    return at;
}

} // namespace fasti
