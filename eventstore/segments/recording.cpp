// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/recording.hpp"

#include "eventstore/segments/bytes.hpp"

#include <mutex>
#include <utility>

namespace fasti {
namespace {

constexpr std::size_t fixed_bytes = 1 + 3 * sizeof(std::uint64_t) + 3 * sizeof(std::uint32_t);

//! The record itself; shared by the door and the files it opened.
class record_file {
public:
    explicit record_file(std::unique_ptr<file> handle) : handle_(std::move(handle)) {}

    result<void> add(const recorded_operation& what) {
        std::string entry(fixed_bytes + what.path.size() + what.path_to.size() + what.bytes.size(),
                          '\0');
        segments::byte_writer out{entry.data()};
        out.number(static_cast<std::uint8_t>(what.kind));
        out.number(what.file);
        out.number(what.offset);
        out.number(what.size);
        out.number(static_cast<std::uint32_t>(what.path.size()));
        out.number(static_cast<std::uint32_t>(what.path_to.size()));
        out.number(static_cast<std::uint32_t>(what.bytes.size()));
        out.bytes(what.path);
        out.bytes(what.path_to);
        out.bytes(what.bytes);
        const std::lock_guard lock{mutex_};
        auto put = handle_->write_at(end_, entry);
        end_ += entry.size();
        return put;
    }
    std::uint64_t next_number() {
        const std::lock_guard lock{mutex_};
        return ++numbers_;
    }

private:
    std::mutex mutex_;
    const std::unique_ptr<file> handle_;
    std::uint64_t end_ = 0;
    std::uint64_t numbers_ = 0;
};

recorded_operation operation(recorded_kind kind, std::string_view path,
                             std::string_view path_to = {}) {
    recorded_operation out;
    out.kind = kind;
    out.path = path;
    out.path_to = path_to;
    return out;
}

class recorded_file final : public file {
public:
    recorded_file(std::unique_ptr<file> handle, std::shared_ptr<record_file> record,
                  std::uint64_t number)
        : handle_(std::move(handle)), record_(std::move(record)), number_(number) {}

    result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) override {
        return handle_->read_at(offset, out, size);
    }
    result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
        auto noted = note_bytes(offset, bytes);
        return noted.ok() ? handle_->write_at(offset, bytes) : noted;
    }
    result<void> begin_write(std::uint64_t offset, std::string_view bytes) override {
        auto noted = note_bytes(offset, bytes);
        return noted.ok() ? handle_->begin_write(offset, bytes) : noted;
    }
    result<void> write_zeros(std::uint64_t offset, std::size_t size) override {
        auto noted = note(recorded_kind::write_zeros, offset, size, {});
        return noted.ok() ? handle_->write_zeros(offset, size) : noted;
    }
    result<void> sync() override {
        auto synced = handle_->sync();
        if (!synced.ok()) {
            return synced;
        }
        recorded_operation what;
        what.kind = recorded_kind::sync;
        what.file = number_;
        return record_->add(what); // after it is done: what the record promises is on the disk
    }
    result<std::uint64_t> size() override { return handle_->size(); }

private:
    //! Before it is done: what may be on the disk is in the record.
    result<void> note(recorded_kind kind, std::uint64_t offset, std::size_t size,
                      std::string_view bytes) {
        recorded_operation what;
        what.kind = kind;
        what.file = number_;
        what.offset = offset;
        what.size = size;
        what.bytes = bytes;
        return record_->add(what);
    }
    result<void> note_bytes(std::uint64_t offset, std::string_view bytes) {
        const bool zeros = bytes.find_first_not_of('\0') == std::string_view::npos;
        return zeros ? note(recorded_kind::write_zeros, offset, bytes.size(), {})
                     : note(recorded_kind::write, offset, bytes.size(), bytes);
    }

    const std::unique_ptr<file> handle_;
    const std::shared_ptr<record_file> record_;
    const std::uint64_t number_;
};

class recording_files final : public files {
public:
    recording_files(files& disk, std::shared_ptr<record_file> record)
        : disk_(disk), record_(std::move(record)) {}

    result<std::unique_ptr<file>> open(const std::string& path, file_mode mode) override {
        recorded_operation what = operation(recorded_kind::open, path);
        what.file = record_->next_number();
        what.size = static_cast<std::uint64_t>(mode);
        auto handle = disk_.open(path, mode);
        if (!handle.ok()) {
            return handle;
        }
        if (auto noted = record_->add(what); !noted.ok()) {
            return std::move(noted).error();
        }
        return std::unique_ptr<file>{
            std::make_unique<recorded_file>(std::move(handle).value(), record_, what.file)};
    }
    result<void> rename(const std::string& from, const std::string& to) override {
        auto noted = record_->add(operation(recorded_kind::rename, from, to));
        return noted.ok() ? disk_.rename(from, to) : noted;
    }
    result<void> remove(const std::string& path) override {
        auto noted = record_->add(operation(recorded_kind::remove, path));
        return noted.ok() ? disk_.remove(path) : noted;
    }
    result<void> make_directory(const std::string& path) override {
        auto noted = record_->add(operation(recorded_kind::make_directory, path));
        return noted.ok() ? disk_.make_directory(path) : noted;
    }
    result<std::vector<std::string>> list(const std::string& directory) override {
        return disk_.list(directory);
    }
    result<void> sync_directory(const std::string& path) override {
        auto synced = disk_.sync_directory(path);
        return synced.ok() ? record_->add(operation(recorded_kind::sync_directory, path)) : synced;
    }
    result<std::unique_ptr<file_lock>> lock(const std::string& path) override {
        return disk_.lock(path);
    }

private:
    files& disk_;
    const std::shared_ptr<record_file> record_;
};

} // namespace

result<std::unique_ptr<files>> make_recording_files(files& disk, const std::string& record_path) {
    auto handle = disk.open(record_path, file_mode::create);
    if (!handle.ok()) {
        return std::move(handle).error();
    }
    auto record = std::make_shared<record_file>(std::move(handle).value());
    return std::unique_ptr<files>{std::make_unique<recording_files>(disk, std::move(record))};
}

std::uint64_t each_recorded(std::string_view record,
                            const std::function<void(const recorded_operation&)>& use) {
    segments::byte_reader in{record};
    std::uint64_t count = 0;
    while (!in.rest.empty()) {
        recorded_operation what;
        what.kind = static_cast<recorded_kind>(in.number<std::uint8_t>());
        what.file = in.number<std::uint64_t>();
        what.offset = in.number<std::uint64_t>();
        what.size = in.number<std::uint64_t>();
        const auto path_size = in.number<std::uint32_t>();
        const auto path_to_size = in.number<std::uint32_t>();
        const auto bytes_size = in.number<std::uint32_t>();
        what.path = in.bytes(path_size);
        what.path_to = in.bytes(path_to_size);
        what.bytes = in.bytes(bytes_size);
        if (in.bad) {
            break;
        }
        ++count;
        use(what);
    }
    return count;
}

} // namespace fasti
