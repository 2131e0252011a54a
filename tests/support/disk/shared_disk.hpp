// SPDX-License-Identifier: Apache-2.0
//! A sound disk in memory whose files are shared until written: a log can be copied with one file
//! altered a hundred thousand times. For faults and crashes see sim_disk.hpp.
#pragma once

#include "eventstore/segments/files.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fasti::sim {

class shared_disk final : public files {
public:
    using contents = std::map<std::string, std::shared_ptr<const std::string>>;

    shared_disk() = default;
    explicit shared_disk(contents names) {
        for (auto& [name, content] : names) {
            names_[name] = std::make_shared<node>(node{std::move(content)});
        }
    }

    contents names() const {
        contents out;
        for (const auto& [name, held] : names_) {
            out[name] = held->now;
        }
        return out;
    }

    result<std::unique_ptr<file>> open(const std::string& path, file_mode mode) override {
        if (mode == file_mode::create) {
            names_[path] = std::make_shared<node>();
        }
        const auto found = names_.find(path);
        if (found == names_.end()) {
            return error{error_code::store_unavailable, path + " does not exist."};
        }
        return std::unique_ptr<file>{std::make_unique<shared_file>(found->second)};
    }
    result<void> rename(const std::string& from, const std::string& to) override {
        names_[to] = names_.at(from);
        names_.erase(from);
        return {};
    }
    result<void> remove(const std::string& path) override {
        names_.erase(path);
        return {};
    }
    result<void> make_directory(const std::string&) override { return {}; }
    result<std::vector<std::string>> list(const std::string& directory) override {
        std::vector<std::string> out;
        for (const auto& [name, held] : names_) {
            if (name.size() > directory.size() && name.starts_with(directory) &&
                name[directory.size()] == '/') {
                out.push_back(name.substr(directory.size() + 1));
            }
        }
        return out;
    }
    result<void> sync_directory(const std::string&) override { return {}; }
    result<std::unique_ptr<file_lock>> lock(const std::string&) override {
        return std::make_unique<file_lock>();
    }

private:
    struct node {
        std::shared_ptr<const std::string> now = std::make_shared<const std::string>();
    };

    class shared_file final : public file {
    public:
        explicit shared_file(std::shared_ptr<node> of) : node_(std::move(of)) {}

        result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) override {
            const std::string& content = *node_->now;
            if (offset >= content.size()) {
                return std::size_t{0};
            }
            return content.copy(out, size, static_cast<std::size_t>(offset));
        }
        result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
            auto written = std::make_shared<std::string>(*node_->now); // others keep what they have
            const auto at = static_cast<std::size_t>(offset);
            written->resize(std::max(written->size(), at + bytes.size()), '\0');
            written->replace(at, bytes.size(), bytes);
            node_->now = std::move(written);
            return {};
        }
        result<void> sync() override { return {}; }
        result<std::uint64_t> size() override { return std::uint64_t{node_->now->size()}; }

    private:
        const std::shared_ptr<node> node_;
    };

    std::map<std::string, std::shared_ptr<node>> names_;
};

} // namespace fasti::sim
