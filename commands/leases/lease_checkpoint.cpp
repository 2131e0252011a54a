// SPDX-License-Identifier: Apache-2.0
#include "commands/leases/lease_checkpoint.hpp"

#include "domain/base/ids.hpp"

#include <algorithm>
#include <array>

namespace fasti {
namespace {

constexpr std::string_view magic = "FLEASE02";
constexpr std::size_t entry_bytes = 16;
constexpr std::size_t digest_bytes = 8;

void put(std::uint64_t value, unsigned bytes, char* out) {
    for (unsigned i = 0; i < bytes; ++i) {
        out[i] = static_cast<char>((value >> (8 * i)) & 0xFFU);
    }
}

std::uint64_t get(std::string_view bytes, std::size_t offset, unsigned count) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < count; ++i) {
        value |= std::uint64_t{static_cast<unsigned char>(bytes[offset + i])} << (8 * i);
    }
    return value;
}

} // namespace

void write_lease_checkpoint(const lease_table& leases, std::int64_t now_us, std::int64_t spare_ms,
                            std::string& out) {
    const std::size_t start = out.size();
    out.reserve(start + magic.size() + leases.size() * entry_bytes + digest_bytes);
    out.append(magic);
    leases.for_each_remaining(now_us, spare_ms, [&](const saved_lease& one) {
        std::array<char, entry_bytes> entry;
        put(one.name, 8, entry.data());
        put(one.remaining_ms, 4, entry.data() + 8);
        put(one.grace_used_ms, 4, entry.data() + 12);
        out.append(entry.data(), entry.size());
    });
    std::array<char, digest_bytes> digest;
    put(hash64(std::string_view{out}.substr(start)), digest_bytes, digest.data());
    out.append(digest.data(), digest.size());
}

bool lease_checkpoint::read(std::string_view bytes) {
    leases_.clear();
    if (bytes.size() < magic.size() + digest_bytes || !bytes.starts_with(magic)) {
        return false;
    }
    const std::string_view body = bytes.substr(0, bytes.size() - digest_bytes);
    const std::size_t entries_bytes = body.size() - magic.size();
    if (hash64(body) != get(bytes, body.size(), digest_bytes) || entries_bytes % entry_bytes != 0) {
        return false;
    }
    leases_.reserve(entries_bytes / entry_bytes);
    for (std::size_t at = magic.size(); at < body.size(); at += entry_bytes) {
        leases_.push_back({get(body, at, 8), static_cast<std::uint32_t>(get(body, at + 8, 4)),
                           static_cast<std::uint32_t>(get(body, at + 12, 4))});
    }
    std::sort(leases_.begin(), leases_.end(),
              [](const saved_lease& a, const saved_lease& b) { return a.name < b.name; });
    return true;
}

const saved_lease* lease_checkpoint::find(std::uint64_t name) const noexcept {
    const auto found = std::lower_bound(
        leases_.begin(), leases_.end(), name,
        [](const saved_lease& one, std::uint64_t wanted) { return one.name < wanted; });
    return found != leases_.end() && found->name == name ? &*found : nullptr;
}

} // namespace fasti
