// SPDX-License-Identifier: Apache-2.0
//! Small files and folders that only their owner may read.
#pragma once

#include "domain/base/result.hpp"

#include <string>
#include <string_view>

namespace fasti {

//! Makes the folder and its parents, 0700; an existing one that others may enter is made private.
//! Errors: configuration_invalid, naming the folder and what to do.
result<void> make_private_folder(const std::string& path);

//! The whole file, up to 64 MiB; empty when there is none or it cannot be read.
std::string read_small_file(const std::string& path);

//! Writes beside it and renames, 0600. Survives the process, not a loss of power: for what may be lost.
//! Errors: store_unavailable.
result<void> replace_small_file(const std::string& path, std::string_view bytes);

//! The same, synced with its folder before it returns. Errors: store_unavailable.
result<void> write_durable_file(const std::string& path, std::string_view bytes);

} // namespace fasti
