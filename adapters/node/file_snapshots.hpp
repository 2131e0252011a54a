// SPDX-License-Identifier: Apache-2.0
//! Snapshots as files of one folder, through the same door to the disk as the log.
//! Thread: any, one call at a time for writing.
#pragma once

#include "eventstore/segments/files.hpp"
#include "projections/engine/snapshot_store.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

class file_snapshots final : public snapshot_store {
public:
    //! `writer` keeps the unfinished files of two processes apart: a server's, and those of whoever
    //! writes beside it.
    file_snapshots(files& disk, std::string folder, std::string writer = {})
        : disk_(disk), folder_(std::move(folder)), writer_(std::move(writer)) {}

    //! In pieces with a sync each, so that the log's own syncs never wait behind a large one.
    result<void> write(std::string_view name, std::span<const std::string_view> pieces) override;
    result<std::vector<stored_snapshot>> list() const override;
    result<std::string> read(std::string_view name) const override;
    result<void> remove(std::string_view name) override;

private:
    std::string path_of(std::string_view name) const;

    files& disk_;
    const std::string folder_;
    const std::string writer_;
};

} // namespace fasti
