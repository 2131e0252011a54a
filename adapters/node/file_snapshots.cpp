// SPDX-License-Identifier: Apache-2.0
#include "adapters/node/file_snapshots.hpp"

#include <algorithm>
#include <utility>

namespace fasti {
namespace {

constexpr std::string_view ending = ".snapshot";
constexpr std::string_view unfinished = ".tmp";
constexpr std::size_t piece_bytes = 1024U * 1024U;

} // namespace

result<void> file_snapshots::write(std::string_view name,
                                   std::span<const std::string_view> pieces) {
    if (auto made = disk_.make_directory(folder_); !made.ok()) {
        return made;
    }
    const std::string path = path_of(name);
    const std::string beside = path + writer_ + std::string(unfinished);
    auto opened = disk_.open(beside, file_mode::create);
    if (!opened.ok()) {
        return std::move(opened).error();
    }
    file& target = *opened.value();
    std::uint64_t end = 0;
    for (std::string_view left : pieces) {
        while (!left.empty()) {
            const std::string_view now = left.substr(0, piece_bytes);
            if (auto written = target.write_at(end, now); !written.ok()) {
                return written;
            }
            if (auto synced = target.sync(); !synced.ok()) {
                return synced;
            }
            end += now.size();
            left.remove_prefix(now.size());
        }
    }
    if (auto renamed = disk_.rename(beside, path); !renamed.ok()) {
        return renamed;
    }
    return disk_.sync_directory(folder_);
}

result<std::vector<stored_snapshot>> file_snapshots::list() const {
    auto names = disk_.list(folder_);
    if (!names.ok()) {
        return std::move(names).error();
    }
    std::vector<stored_snapshot> kept;
    for (const std::string& name : names.value()) {
        if (!name.ends_with(ending)) {
            continue;
        }
        auto opened = disk_.open(folder_ + "/" + name, file_mode::read);
        if (!opened.ok()) {
            continue; // removed meanwhile by the server that owns the folder
        }
        const auto size = opened.value()->size();
        if (size.ok()) {
            kept.push_back({name.substr(0, name.size() - ending.size()), size.value()});
        }
    }
    return kept;
}

result<std::string> file_snapshots::read(std::string_view name) const {
    auto opened = disk_.open(path_of(name), file_mode::read);
    if (!opened.ok()) {
        return std::move(opened).error();
    }
    const auto size = opened.value()->size();
    if (!size.ok()) {
        return size.error();
    }
    std::string bytes(size.value(), '\0');
    auto got = opened.value()->read_at(0, bytes.data(), bytes.size());
    if (!got.ok()) {
        return std::move(got).error();
    }
    bytes.resize(got.value());
    return bytes;
}

result<void> file_snapshots::remove(std::string_view name) {
    auto removed = disk_.remove(path_of(name));
    if (!removed.ok()) {
        const auto still = list();
        const bool gone = still.ok() && std::none_of(still.value().begin(), still.value().end(),
                                                     [&](const stored_snapshot& one) {
                                                         return one.name == name;
                                                     });
        if (!gone) {
            return removed;
        }
    }
    return disk_.sync_directory(folder_);
}

std::string file_snapshots::path_of(std::string_view name) const {
    return folder_ + "/" + std::string(name) + std::string(ending);
}

} // namespace fasti
