// SPDX-License-Identifier: Apache-2.0
#include "domain/wire/plain_json.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace fasti {
namespace {

//! Objects up to this size are checked for doubles by comparing each pair.
constexpr std::size_t pairwise_max = 16;
//! Deeper texts go to the complete parser, whatever the limit.
constexpr std::size_t plain_depth_max = 32;
//! So many digits fit in 64 bits whatever they are.
constexpr std::size_t plain_digits_max = 19;

//! Most keys differ in length or first letter: seen without a call.
bool same_key(std::string_view one, std::string_view other) noexcept {
    return one.size() == other.size() &&
           (one.empty() || (one.front() == other.front() && one == other));
}

constexpr std::uint64_t each_byte(unsigned char byte) { return 0x0101010101010101U * byte; }

//! The high bit of every byte that is zero; the lowest one set is exact.
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
    return (word - each_byte(1)) & ~word & each_byte(0x80);
}

class plain_reader {
public:
    plain_reader(std::string_view text, std::size_t depth_max, std::vector<json_node>& nodes)
        : at_(text.data()),
          end_(text.data() + text.size()),
          depth_max_(std::min(depth_max, plain_depth_max)),
          nodes_(nodes) {}

    bool whole() {
        blanks();
        std::string_view no_key;
        if (!value(no_key)) {
            return false;
        }
        while (depth_ > 0) {
            if (!step()) {
                return false;
            }
        }
        blanks();
        return at_ == end_;
    }

private:
    //! Where a container began, and how many values it has so far.
    struct container {
        std::uint32_t node = 0;
        std::uint32_t count = 0;
        bool object = false;
    };

    void blanks() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) {
            ++at_;
        }
    }

    bool take(char letter) {
        if (at_ == end_ || *at_ != letter) {
            return false;
        }
        ++at_;
        return true;
    }

    //! The next value of the innermost container, or its end.
    bool step() {
        container& inner = open_[depth_ - 1];
        blanks();
        if (take(inner.object ? '}' : ']')) {
            return close();
        }
        if (inner.count > 0) {
            if (!take(',')) {
                return false;
            }
            blanks();
        }
        ++inner.count;
        std::string_view key;
        if (inner.object) {
            if (!take('"') || !rest_of_text(key)) {
                return false;
            }
            blanks();
            if (!take(':')) {
                return false;
            }
            blanks();
        }
        return value(key);
    }

    bool value(std::string_view key) {
        if (at_ == end_) {
            return false;
        }
        const char first = *at_;
        if (first == '"') {
            ++at_;
            return rest_of_text(add(json_kind::text, key).text);
        }
        if (first >= '0' && first <= '9') {
            return number(add(json_kind::integer, key).bits);
        }
        switch (first) {
            case '{': return open(key, json_kind::object);
            case '[': return open(key, json_kind::array);
            case 't': add(json_kind::boolean, key).bits = 1; return word("true");
            case 'f': add(json_kind::boolean, key); return word("false");
            case 'n': add(json_kind::null, key); return word("null");
            default: return false;
        }
    }

    json_node& add(json_kind kind, std::string_view key) {
        json_node& node = nodes_.emplace_back();
        node.kind = kind;
        node.end = static_cast<std::uint32_t>(nodes_.size());
        node.key = key;
        return node;
    }

    bool open(std::string_view key, json_kind kind) {
        if (depth_ == depth_max_) {
            return false;
        }
        ++at_;
        open_[depth_++] = {static_cast<std::uint32_t>(nodes_.size()), 0, kind == json_kind::object};
        add(kind, key);
        return true;
    }

    bool close() {
        const container& done = open_[--depth_];
        nodes_[done.node].count = done.count;
        nodes_[done.node].end = static_cast<std::uint32_t>(nodes_.size());
        return !done.object || repeated_key(nodes_, done.node) == nullptr;
    }

    bool word(std::string_view expected) {
        if (static_cast<std::size_t>(end_ - at_) < expected.size() ||
            std::memcmp(at_, expected.data(), expected.size()) != 0) {
            return false;
        }
        at_ += expected.size();
        return true;
    }

    bool number(std::uint64_t& out) {
        const char* const begin = at_;
        while (at_ != end_ && *at_ >= '0' && *at_ <= '9') {
            out = out * 10 +
                  static_cast<std::uint64_t>(*at_ - '0'); // wraps only where it is refused
            ++at_;
        }
        const auto digits = static_cast<std::size_t>(at_ - begin);
        const bool more = at_ != end_ && (*at_ == '.' || *at_ == 'e' || *at_ == 'E');
        return !more && digits <= plain_digits_max && (*begin != '0' || digits == 1);
    }

    //! Behind the opening quote; false at an escape, a control character or the end. Eight bytes at a
    //! time as long as there are so many.
    bool rest_of_text(std::string_view& out) {
        const char* const begin = at_;
        while (end_ - at_ >= 8) {
            std::uint64_t bytes = 0;
            std::memcpy(&bytes, at_, sizeof bytes);
            const std::uint64_t found = zero_bytes(bytes ^ each_byte('"')) |
                                        zero_bytes(bytes ^ each_byte('\\')) |
                                        ((bytes - each_byte(0x20)) & ~bytes & each_byte(0x80));
            if (found != 0) {
                at_ += first_byte(found);
                return ends_text(begin, out);
            }
            at_ += 8;
        }
        while (at_ != end_ && *at_ != '"' && *at_ != '\\' &&
               static_cast<unsigned char>(*at_) >= 0x20) {
            ++at_;
        }
        return ends_text(begin, out);
    }

    static int first_byte(std::uint64_t found) noexcept {
        static_assert(std::endian::native == std::endian::little);
        return std::countr_zero(found) / 8;
    }

    bool ends_text(const char* begin, std::string_view& out) {
        out = {begin, static_cast<std::size_t>(at_ - begin)};
        return take('"');
    }

    const char* at_;
    const char* const end_;
    const std::size_t depth_max_;
    std::vector<json_node>& nodes_;
    std::size_t depth_ = 0;
    std::array<container, plain_depth_max> open_;
};

} // namespace

bool read_plain_json(std::string_view text, std::size_t depth_max, std::vector<json_node>& nodes) {
    return plain_reader(text, depth_max, nodes).whole();
}

const json_node* repeated_key(const std::vector<json_node>& nodes, std::uint32_t object) {
    const json_node* const all = nodes.data();
    const std::uint32_t end = all[object].end;
    if (all[object].count <= pairwise_max) {
        for (std::uint32_t one = object + 1; one < end; one = all[one].end) {
            for (std::uint32_t other = all[one].end; other < end; other = all[other].end) {
                if (same_key(all[one].key, all[other].key)) {
                    return &all[one];
                }
            }
        }
        return nullptr;
    }
    std::vector<const json_node*> members;
    members.reserve(all[object].count);
    for (std::uint32_t one = object + 1; one < end; one = all[one].end) {
        members.push_back(&all[one]);
    }
    std::sort(members.begin(), members.end(),
              [](const json_node* a, const json_node* b) { return a->key < b->key; });
    const auto twice = std::adjacent_find(
        members.begin(), members.end(),
        [](const json_node* a, const json_node* b) { return a->key == b->key; });
    return twice == members.end() ? nullptr : *twice;
}

} // namespace fasti
