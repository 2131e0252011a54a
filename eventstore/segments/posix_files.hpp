// SPDX-License-Identifier: Apache-2.0
//! The real disk: the only place of the log with system calls.
#pragma once

#include "eventstore/segments/direct_writer.hpp"
#include "eventstore/segments/files.hpp"

namespace fasti {

class posix_files final : public files {
public:
    posix_files() : queue_(make_write_queue()) {}
    result<std::unique_ptr<file>> open(const std::string& path, file_mode mode) override;
    result<void> rename(const std::string& from, const std::string& to) override;
    result<void> remove(const std::string& path) override;
    result<void> make_directory(const std::string& path) override;
    result<std::vector<std::string>> list(const std::string& directory) override;
    result<void> sync_directory(const std::string& path) override;
    result<std::unique_ptr<file_lock>> lock(const std::string& path) override;

private:
    const std::shared_ptr<write_queue> queue_; // of the files opened here
};

} // namespace fasti
