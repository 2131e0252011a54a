// SPDX-License-Identifier: Apache-2.0
//! A door that writes down every change that passes through it, so that tests can build the disk as
//! a power cut would have left it at any moment of a real run (tests/support/disk/crash_image.hpp).
#pragma once

#include "eventstore/segments/files.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fasti {

enum class recorded_kind : std::uint8_t {
    open = 1,       //!< path; `file` is its number from here on, `size` the file_mode
    write,          //!< file number in `file`
    write_zeros,    //!< the same without the bytes
    sync,           //!< of a file; written down once it returned
    rename,         //!< path and path_to
    remove,         //!< path
    make_directory, //!< path
    sync_directory, //!< path; written down once it returned
};

struct recorded_operation {
    recorded_kind kind = recorded_kind::open;
    std::uint64_t file = 0; //!< numbered by the opens, from 1
    std::uint64_t offset = 0;
    std::uint64_t size = 0; //!< bytes written; of an open: the file_mode
    std::string_view path;
    std::string_view path_to;
    std::string_view bytes;
};

//! Passes everything on to `disk`, which must outlive it, and writes the record to a new file there.
result<std::unique_ptr<files>> make_recording_files(files& disk, const std::string& record_path);

//! Calls back for each operation of a record in order; stops at one that was cut off by the end of
//! the process. Returns how many there were.
std::uint64_t each_recorded(std::string_view record,
                            const std::function<void(const recorded_operation&)>& use);

} // namespace fasti
