// SPDX-License-Identifier: Apache-2.0
#include "eventstore/port/record.hpp"

#include "domain/base/check.hpp"

#include <openssl/evp.h>

#include <cstring>

namespace fasti {
namespace {

// Field tags: number << 3 | wire type (0 varint, 1 fixed64, 2 length-delimited). All fit one byte.
constexpr std::uint8_t tag_position = 0x08;
constexpr std::uint8_t tag_stream = 0x12;
constexpr std::uint8_t tag_stream_version = 0x18;
constexpr std::uint8_t tag_type = 0x22;
constexpr std::uint8_t tag_revision = 0x28;
constexpr std::uint8_t tag_command = 0x32;
constexpr std::uint8_t tag_index = 0x38;
constexpr std::uint8_t tag_recorded = 0x41;
constexpr std::uint8_t tag_tenant = 0x4a;
constexpr std::uint8_t tag_actor = 0x52;
constexpr std::uint8_t tag_reason = 0x5a;
constexpr std::uint8_t tag_correlation = 0x62;
constexpr std::uint8_t tag_cause = 0x6a;
constexpr std::uint8_t tag_trace = 0x72;
constexpr std::uint8_t tag_data = 0x7a;

constexpr std::size_t varint_bytes_max = 10;
constexpr std::size_t text_field_count = 9;
constexpr std::size_t number_field_count = 4;

//! Writes fields to memory that is large enough; record_bytes_max() says how large.
struct field_writer {
    char* at;

    void byte(std::uint8_t value) { *at++ = static_cast<char>(value); }
    void varint(std::uint64_t value) {
        while (value >= 0x80U) {
            byte(static_cast<std::uint8_t>(value | 0x80U));
            value >>= 7U;
        }
        byte(static_cast<std::uint8_t>(value));
    }
    void number(std::uint8_t tag, std::uint64_t value, std::uint64_t left_out) {
        if (value != left_out) {
            byte(tag);
            varint(value);
        }
    }
    void text(std::uint8_t tag, std::string_view value) {
        if (!value.empty()) {
            byte(tag);
            varint(value.size());
            std::memcpy(at, value.data(), value.size());
            at += value.size();
        }
    }
    void fixed64(std::uint8_t tag, std::uint64_t value) {
        if (value != 0) {
            byte(tag);
            for (unsigned shift = 0; shift < 64; shift += 8) {
                byte(static_cast<std::uint8_t>(value >> shift));
            }
        }
    }
};

//! Reads fields in the order of their numbers; `bad` stays set after the first mismatch.
struct field_reader {
    const char* at;
    const char* end;
    bool bad = false;

    bool next_is(std::uint8_t tag) {
        if (bad || at == end || static_cast<std::uint8_t>(*at) != tag) {
            return false;
        }
        ++at;
        return true;
    }
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 70; shift += 7) {
            if (at == end) {
                break;
            }
            const auto byte = static_cast<std::uint8_t>(*at++);
            if (shift == 63 && byte > 1) {
                break; // more than 64 bits
            }
            value |= std::uint64_t{byte & 0x7FU} << shift;
            if ((byte & 0x80U) == 0) {
                bad = bad || (byte == 0 && shift != 0); // a longer form than needed
                return value;
            }
        }
        bad = true;
        return 0;
    }
    std::uint64_t number(std::uint8_t tag, std::uint64_t left_out, std::uint64_t max) {
        if (!next_is(tag)) {
            return left_out;
        }
        const std::uint64_t value = varint();
        bad = bad || value == left_out || value > max;
        return value;
    }
    std::string_view text(std::uint8_t tag) {
        if (!next_is(tag)) {
            return {};
        }
        const std::uint64_t size = varint();
        if (bad || size == 0 || size > static_cast<std::uint64_t>(end - at)) {
            bad = true;
            return {};
        }
        const std::string_view value{at, static_cast<std::size_t>(size)};
        at += size;
        return value;
    }
    std::uint64_t fixed64(std::uint8_t tag) {
        if (!next_is(tag)) {
            return 0;
        }
        if (end - at < 8) {
            bad = true;
            return 0;
        }
        std::uint64_t value = 0;
        for (unsigned i = 0; i < 8; ++i) {
            value |= std::uint64_t{static_cast<std::uint8_t>(at[i])} << (8 * i);
        }
        at += 8;
        bad = bad || value == 0;
        return value;
    }
};

EVP_MD* sha256_digest() {
    // Fetched once for the whole process: the look-up costs more than hashing a small event.
    static EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return digest;
}

} // namespace

std::size_t record_bytes_max(const event_draft& draft) noexcept {
    return draft.stream.size() + draft.type.size() + draft.command.bytes.size() +
           draft.tenant.size() + draft.actor.size() + draft.reason.size() +
           draft.correlation.size() + draft.cause.size() + draft.trace.size() + draft.data.size() +
           (text_field_count + 1) * (1 + varint_bytes_max) +
           number_field_count * (1 + varint_bytes_max) + 9;
}

std::size_t write_record(const event_draft& draft, position at, char* out) noexcept {
    field_writer write{out};
    write.number(tag_position, at, 0);
    write.text(tag_stream, draft.stream);
    write.number(tag_stream_version, draft.stream_version, 0);
    write.text(tag_type, draft.type);
    write.number(tag_revision, draft.revision, 1);
    if (!draft.command.empty()) {
        write.text(tag_command, draft.command.as_bytes());
    }
    write.number(tag_index, draft.index, 0);
    write.fixed64(tag_recorded, static_cast<std::uint64_t>(draft.recorded.us));
    write.text(tag_tenant, draft.tenant);
    write.text(tag_actor, draft.actor);
    write.text(tag_reason, draft.reason);
    write.text(tag_correlation, draft.correlation);
    write.text(tag_cause, draft.cause);
    write.text(tag_trace, draft.trace);
    write.text(tag_data, draft.data);
    return static_cast<std::size_t>(write.at - out);
}

std::size_t encode_record(const event_draft& draft, position at, std::string& out) {
    const std::size_t before = out.size();
    out.resize(before + record_bytes_max(draft));
    const std::size_t size = write_record(draft, at, out.data() + before);
    out.resize(before + size);
    return size;
}

bool decode_record(std::string_view canonical, recorded_event& out) noexcept {
    field_reader read{canonical.data(), canonical.data() + canonical.size()};
    event_draft& fact = out.fact;
    out.canonical = canonical;
    out.at = read.number(tag_position, 0, ~std::uint64_t{0});
    fact.stream = read.text(tag_stream);
    fact.stream_version = read.number(tag_stream_version, 0, ~std::uint64_t{0});
    fact.type = read.text(tag_type);
    fact.revision = static_cast<std::uint32_t>(read.number(tag_revision, 1, 0xFFFF'FFFFU));
    const std::string_view command = read.text(tag_command);
    fact.command = {};
    if (!command.empty()) {
        if (command.size() != fact.command.bytes.size()) {
            return false;
        }
        std::memcpy(fact.command.bytes.data(), command.data(), command.size());
        read.bad = read.bad || fact.command.empty();
    }
    fact.index = static_cast<std::uint32_t>(read.number(tag_index, 0, 0xFFFF'FFFFU));
    fact.recorded.us = static_cast<std::int64_t>(read.fixed64(tag_recorded));
    fact.tenant = read.text(tag_tenant);
    fact.actor = read.text(tag_actor);
    fact.reason = read.text(tag_reason);
    fact.correlation = read.text(tag_correlation);
    fact.cause = read.text(tag_cause);
    fact.trace = read.text(tag_trace);
    fact.data = read.text(tag_data);
    return !read.bad && read.at == read.end && out.at != 0 && !fact.stream.empty() &&
           fact.stream_version != 0 && !fact.type.empty() && fact.revision != 0;
}

chain_hasher::chain_hasher() : context_(EVP_MD_CTX_new()) {
    check(context_ != nullptr && sha256_digest() != nullptr, "OpenSSL offers SHA-256");
    check(EVP_DigestInit_ex2(static_cast<EVP_MD_CTX*>(context_), sha256_digest(), nullptr) == 1,
          "a SHA-256 context can be set up");
}

chain_hasher::~chain_hasher() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

hash256 chain_hasher::next(const hash256& previous, std::string_view canonical) {
    auto* const context = static_cast<EVP_MD_CTX*>(context_);
    hash256 out;
    // A null digest keeps the one already set: only the state is begun anew.
    const bool hashed = EVP_DigestInit_ex2(context, nullptr, nullptr) == 1 &&
                        EVP_DigestUpdate(context, previous.bytes.data(), previous.bytes.size()) ==
                            1 &&
                        EVP_DigestUpdate(context, canonical.data(), canonical.size()) == 1 &&
                        EVP_DigestFinal_ex(context, out.bytes.data(), nullptr) == 1;
    check(hashed, "SHA-256 of bytes in memory cannot fail");
    return out;
}

} // namespace fasti
