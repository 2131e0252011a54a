// SPDX-License-Identifier: Apache-2.0
//! Snapshots in a map, for tests; counts what was read.
#pragma once

#include "projections/engine/snapshot_store.hpp"

#include <map>
#include <string>

namespace fasti::test {

class memory_snapshot_store final : public snapshot_store {
public:
    std::map<std::string, std::string, std::less<>> files;
    mutable int reads = 0;

    result<void> write(std::string_view name, std::span<const std::string_view> pieces) override {
        std::string& bytes = files[std::string{name}];
        bytes.clear();
        for (const std::string_view piece : pieces) {
            bytes += piece;
        }
        return {};
    }
    result<std::vector<stored_snapshot>> list() const override {
        std::vector<stored_snapshot> out;
        for (const auto& [name, bytes] : files) {
            out.push_back({name, bytes.size()});
        }
        return out;
    }
    result<std::string> read(std::string_view name) const override {
        ++reads;
        const auto found = files.find(name);
        if (found == files.end()) {
            return error{error_code::store_unavailable, "No such snapshot."};
        }
        return found->second;
    }
    result<void> remove(std::string_view name) override {
        const auto found = files.find(name);
        if (found != files.end()) {
            files.erase(found);
        }
        return {};
    }
};

} // namespace fasti::test
