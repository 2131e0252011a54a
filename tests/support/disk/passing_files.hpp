// SPDX-License-Identifier: Apache-2.0
//! A door to a disk that passes everything on; who derives from it gives its files another face.
#pragma once

#include "eventstore/segments/files.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fasti::sim {

class passing_files : public files {
public:
    //! `inner` must outlive it.
    explicit passing_files(files& inner) : inner_(inner) {}

    result<std::unique_ptr<file>> open(const std::string& path, file_mode mode) final {
        auto opened = inner_.open(path, mode);
        if (!opened.ok()) {
            return opened;
        }
        return face(path, std::move(opened).value());
    }
    result<void> rename(const std::string& from, const std::string& to) final {
        return inner_.rename(from, to);
    }
    result<void> remove(const std::string& path) final { return inner_.remove(path); }
    result<void> make_directory(const std::string& path) final {
        return inner_.make_directory(path);
    }
    result<std::vector<std::string>> list(const std::string& directory) final {
        return inner_.list(directory);
    }
    result<void> sync_directory(const std::string& path) final {
        return inner_.sync_directory(path);
    }
    result<std::unique_ptr<file_lock>> lock(const std::string& path) final {
        return inner_.lock(path);
    }

protected:
    //! What stands for a file that was opened.
    virtual std::unique_ptr<file> face(const std::string& path, std::unique_ptr<file> opened) = 0;

private:
    files& inner_;
};

} // namespace fasti::sim
