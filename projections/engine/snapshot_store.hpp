// SPDX-License-Identifier: Apache-2.0
//! Where snapshots are kept. Losing one costs time, never facts.
#pragma once

#include "domain/base/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

struct stored_snapshot {
    std::string name;
    std::uint64_t bytes = 0;
};

class snapshot_store {
public:
    snapshot_store() = default;
    snapshot_store(const snapshot_store&) = delete;
    snapshot_store& operator=(const snapshot_store&) = delete;
    virtual ~snapshot_store() = default;

    //! Keeps bytes, end to end, under a new name: under another name first, synced, renamed, the folder synced,
    //! so that a name is either whole or absent. Errors: store_full, store_unavailable.
    virtual result<void> write(std::string_view name, std::span<const std::string_view> pieces) = 0;
    //! Whole snapshots, in no order; what else lies about is left out.
    virtual result<std::vector<stored_snapshot>> list() const = 0;
    //! Errors: store_unavailable.
    virtual result<std::string> read(std::string_view name) const = 0;
    //! Removing what is not there is no error.
    virtual result<void> remove(std::string_view name) = 0;
};

} // namespace fasti
