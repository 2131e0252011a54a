// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/digest.hpp"

#include "domain/base/check.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>

namespace fasti::crypto {
namespace {

//! Fetched once for the life of the process.
const EVP_MD* algorithm() {
    static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    check(fetched != nullptr, "OpenSSL has SHA-256");
    return fetched;
}

EVP_MD_CTX* context_of(void* context) { return static_cast<EVP_MD_CTX*>(context); }

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> make_values() {
    std::array<std::int8_t, 256> made{};
    for (std::int8_t& value : made) {
        value = -1;
    }
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        made[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    }
    return made;
}

constexpr std::array<std::int8_t, 256> values = make_values();

} // namespace

sha256::sha256() : context_(EVP_MD_CTX_new()) {
    check(context_ != nullptr, "there is memory for a digest context");
    begin();
}

sha256::~sha256() { EVP_MD_CTX_free(context_of(context_)); }

void sha256::begin() {
    check(EVP_DigestInit_ex2(context_of(context_), algorithm(), nullptr) == 1,
          "a digest can begin");
}

void sha256::update(std::string_view bytes) {
    check(EVP_DigestUpdate(context_of(context_), bytes.data(), bytes.size()) == 1,
          "a digest takes bytes");
}

hash256 sha256::finish() {
    hash256 out;
    unsigned size = 0;
    check(EVP_DigestFinal_ex(context_of(context_), out.bytes.data(), &size) == 1 &&
              size == out.bytes.size(),
          "a SHA-256 has 32 bytes");
    begin();
    return out;
}

hash256 sha256_of(std::string_view bytes) {
    thread_local sha256 hasher;
    hasher.update(bytes);
    return hasher.finish();
}

void fill_random(std::span<std::uint8_t> out) {
    check(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1,
          "the system gives random bytes");
}

bool same_in_constant_time(std::string_view one, std::string_view other) noexcept {
    return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

std::string to_base64url(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() * 4 + 2) / 3);
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char byte : bytes) {
        bits = (bits << 8U) | static_cast<unsigned char>(byte);
        held += 8;
        while (held >= 6) {
            held -= 6;
            out += alphabet[(bits >> held) & 63U];
        }
    }
    if (held > 0) {
        out += alphabet[(bits << (6 - held)) & 63U];
    }
    return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
    std::string out;
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        const std::int8_t value = values[static_cast<unsigned char>(c)];
        if (value < 0) {
            return std::nullopt;
        }
        bits = (bits << 6U) | static_cast<std::uint32_t>(value);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out += static_cast<char>((bits >> held) & 255U);
        }
    }
    const bool whole = held < 6 && (bits & ((1U << held) - 1U)) == 0;
    return whole ? std::optional{std::move(out)} : std::nullopt;
}

} // namespace fasti::crypto
