// SPDX-License-Identifier: Apache-2.0
//! All texts of one row in one allocation: length-prefixed, in a fixed order, lists behind.
#pragma once

#include "domain/base/label.hpp"
#include "domain/base/members.hpp"
#include "domain/base/packed.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace fasti {

class text_block {
public:
    //! What goes in. Borrowed during set(), from elsewhere than this block.
    struct draft {
        std::span<const std::string_view> texts;
        std::span<const std::string_view> tags;
        std::span<const label> metadata;
    };

    std::string_view bytes() const noexcept { return {bytes_.get(), size_}; }
    packed_reader read() const noexcept { return packed_reader(bytes()); }
    bool empty() const noexcept { return size_ == 0; }
    // Always inline, as in domain/base/cell_table.hpp.
    [[gnu::always_inline]] void prefetch() const noexcept { __builtin_prefetch(bytes_.get()); }
    //! All of it at once, where all of it will be read.
    [[gnu::always_inline]] void prefetch_whole() const noexcept {
        for (std::size_t at = 0; at < size_; at += 64) {
            __builtin_prefetch(bytes_.get() + at);
        }
    }
    //! What it takes from the heap.
    std::size_t room() const noexcept { return rounded(size_); }

    void set(const draft& from) {
        const std::size_t size = measure(from);
        make_room(size);
        char* at = bytes_.get();
        for (const std::string_view text : from.texts) {
            at = put_packed(at, text);
        }
        at = put_packed(at, from.tags.size());
        for (const std::string_view tag : from.tags) {
            at = put_packed(at, tag);
        }
        at = put_packed(at, from.metadata.size());
        for (const label& one : from.metadata) {
            at = put_packed(put_packed(at, one.key), one.value);
        }
    }

    //! Takes bytes that were a block's; well_formed() said so.
    void set_bytes(std::string_view from) {
        make_room(from.size());
        if (!from.empty()) {
            std::memcpy(bytes_.get(), from.data(), from.size());
        }
    }

    //! Whether bytes are those of a block with so many texts.
    static bool well_formed(std::string_view bytes, std::size_t texts) noexcept {
        packed_reader in(bytes);
        for (std::size_t i = 0; i < texts; ++i) {
            in.text();
        }
        for (std::size_t tags = in.count(1); tags > 0 && in.ok(); --tags) {
            in.text();
        }
        for (std::size_t labels = in.count(2); labels > 0 && in.ok(); --labels) {
            in.text();
            in.text();
        }
        return in.finished();
    }

private:
    static std::size_t rounded(std::size_t size) noexcept { return (size + 15) / 16 * 16; }

    static std::size_t measure(const draft& from) noexcept {
        std::size_t size = packed_bytes(from.tags.size()) + packed_bytes(from.metadata.size());
        for (const std::string_view text : from.texts) {
            size += packed_bytes(text);
        }
        for (const std::string_view tag : from.tags) {
            size += packed_bytes(tag);
        }
        for (const label& one : from.metadata) {
            size += packed_bytes(one.key) + packed_bytes(one.value);
        }
        return size;
    }

    void make_room(std::size_t size) {
        if (rounded(size) != rounded(size_)) {
            bytes_.reset(new char[rounded(size)]);
        }
        size_ = static_cast<std::uint32_t>(size);
    }

    std::unique_ptr<char[]> bytes_;
    std::uint32_t size_ = 0;
};

//! Walks a block: first its texts in order, then its tags, then its metadata.
class text_walker {
public:
    explicit text_walker(const text_block& block) noexcept : in_(block.read()) {}

    std::string_view text() noexcept { return in_.text(); }
    //! The next texts, into the members from the First-th on.
    template <std::size_t First = 0, class Row, std::size_t Count>
    [[gnu::always_inline]] void into(Row& out, const text_members<Row, Count>& members) noexcept {
        [&]<std::size_t... At>(std::index_sequence<At...>) {
            ((out.*members[First + At] = in_.text()), ...);
        }
        (std::make_index_sequence<Count - First>());
    }
    void skip(std::size_t texts) noexcept {
        for (std::size_t i = 0; i < texts; ++i) {
            in_.text();
        }
    }
    template <class Texts>
    void tags(Texts& out) {
        out.clear();
        for (std::uint64_t left = in_.number(); left > 0; --left) {
            out.push_back(in_.text());
        }
    }
    template <class Labels>
    void metadata(Labels& out) {
        out.clear();
        for (std::uint64_t left = in_.number(); left > 0; --left) {
            const std::string_view key = in_.text();
            out.push_back({key, in_.text()});
        }
    }

private:
    packed_reader in_;
};

} // namespace fasti
