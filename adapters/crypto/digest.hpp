// SPDX-License-Identifier: Apache-2.0
//! SHA-256, random bytes, comparison that takes no hint from its time, and base64url.
#pragma once

#include "domain/base/ids.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fasti::crypto {

//! One digest context used again and again: OpenSSL's look-ups cost more than a short hash.
//! Thread: one at a time.
class sha256 {
public:
    sha256();
    ~sha256();
    sha256(const sha256&) = delete;
    sha256& operator=(const sha256&) = delete;

    void update(std::string_view bytes);
    //! The digest of everything since the last finish(); begins anew.
    hash256 finish();

private:
    void begin();
    void* context_; // EVP_MD_CTX: OpenSSL stays out of the header
};

hash256 sha256_of(std::string_view bytes);

//! From the system's generator; ends the process when there is none.
void fill_random(std::span<std::uint8_t> out);

//! Equal length and bytes; takes the same time wherever they differ.
bool same_in_constant_time(std::string_view one, std::string_view other) noexcept;

std::string to_base64url(std::string_view bytes);
//! Nothing for other text, padding or set bits beyond the last byte: one spelling for each value.
std::optional<std::string> from_base64url(std::string_view text);

} // namespace fasti::crypto
