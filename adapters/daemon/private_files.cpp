// SPDX-License-Identifier: Apache-2.0
#include "adapters/daemon/private_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace fasti {
namespace {

constexpr mode_t owner_only_folder = 0700;
constexpr mode_t owner_only_file = 0600;
constexpr std::size_t small_file_bytes_max = 64U * 1024U * 1024U;

error unavailable(const std::string& path, const char* what) {
    return error{error_code::store_unavailable,
                 std::string(what) + " " + path + ": " + std::strerror(errno) + "."};
}

//! Closes when it goes.
class descriptor {
public:
    explicit descriptor(int number) noexcept : number_(number) {}
    ~descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    int number() const noexcept { return number_; }
    bool ok() const noexcept { return number_ >= 0; }

private:
    const int number_;
};

bool write_all(int to, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(to, bytes.data(), bytes.size());
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

enum class durability : bool { process, power };

result<void> replace(const std::string& path, std::string_view bytes, durability wanted) {
    const std::string beside = path + ".new";
    {
        const descriptor file(
            ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, owner_only_file));
        if (!file.ok()) {
            return unavailable(beside, "Cannot write");
        }
        if (!write_all(file.number(), bytes) ||
            (wanted == durability::power && ::fsync(file.number()) != 0)) {
            return unavailable(beside, "Cannot write");
        }
    }
    if (::rename(beside.c_str(), path.c_str()) != 0) {
        return unavailable(path, "Cannot replace");
    }
    if (wanted == durability::power) {
        const std::string folder = std::filesystem::path(path).parent_path();
        const descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!opened.ok() || ::fsync(opened.number()) != 0) {
            return unavailable(folder, "Cannot sync");
        }
    }
    return {};
}

} // namespace

result<void> make_private_folder(const std::string& path) {
    std::error_code failure;
    const std::filesystem::path folder(path);
    if (folder.has_parent_path()) {
        std::filesystem::create_directories(folder.parent_path(), failure);
    }
    if (::mkdir(path.c_str(), owner_only_folder) != 0 && errno != EEXIST) {
        return error{error_code::configuration_invalid,
                     "The data folder " + path + " cannot be made: " + std::strerror(errno) + "."};
    }
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
        return error{error_code::configuration_invalid,
                     "The data folder " + path + " is not a folder."};
    }
    if ((found.st_mode & 077U) != 0 && ::chmod(path.c_str(), owner_only_folder) != 0) {
        return error{error_code::configuration_invalid,
                     "The data folder " + path + " is open to others; make it private: chmod 700 " +
                         path + "."};
    }
    return {};
}

std::string read_small_file(const std::string& path) {
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string bytes;
    char part[64 * 1024];
    while (file.ok() && bytes.size() < small_file_bytes_max) {
        const ssize_t got = ::read(file.number(), part, sizeof part);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        bytes.append(part, static_cast<std::size_t>(got));
    }
    return bytes;
}

result<void> replace_small_file(const std::string& path, std::string_view bytes) {
    return replace(path, bytes, durability::process);
}

result<void> write_durable_file(const std::string& path, std::string_view bytes) {
    return replace(path, bytes, durability::power);
}

} // namespace fasti
