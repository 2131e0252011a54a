// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/router.hpp"

#include "domain/base/utf8.hpp"

#include <optional>

namespace fasti::http {
namespace {

//! One path on its way through the tree.
class walk {
public:
    walk(std::string_view path, std::string& room)
        : rest_(path), room_(room), plain_(is_plain(path)) {
        room_.clear();
        if (!plain_) {
            // Each byte is decoded at most twice, as a segment and in a tail: views stay valid.
            room_.reserve(2 * path.size());
        }
    }

    route_match run(method verb) {
        if (rest_.empty() || rest_.front() != '/') {
            return out_;
        }
        rest_.remove_prefix(1);
        while (!rest_.empty() || after_slash_) {
            if (!step()) {
                return out_;
            }
        }
        arrive(verb);
        return out_;
    }

private:
    //! Nothing to decode and nothing to check, as nearly always.
    static bool is_plain(std::string_view path) noexcept {
        bool other = false;
        for (const char c : path) {
            other |= c == '%' || static_cast<unsigned char>(c) >= 0x80;
        }
        return !other;
    }

    //! Takes one segment, or all that is left when the tree says so. False: out_ tells the end.
    bool step() {
        const std::size_t slash = rest_.find('/');
        const std::string_view raw = rest_.substr(0, slash);
        const auto segment = decode(raw);
        if (!segment) {
            return false;
        }
        const trie_node& here = trie_node_at(node_);
        if (const auto next = trie_literal(here, *segment)) {
            node_ = *next;
        } else if (here.capture != 0 && !raw.empty()) {
            if (segment->find('/') != std::string_view::npos) {
                out_.status = route_status::malformed;
                return false;
            }
            keep(*segment);
            node_ = here.capture;
        } else if (here.tail != 0 && !rest_.empty()) {
            return take_tail(here.tail);
        } else {
            return false;
        }
        after_slash_ = slash != std::string_view::npos;
        rest_ = after_slash_ ? rest_.substr(slash + 1) : std::string_view{};
        return true;
    }

    bool take_tail(std::uint16_t node) {
        const auto all = decode(rest_);
        if (!all) {
            return false;
        }
        keep(*all);
        node_ = node;
        rest_ = {};
        after_slash_ = false;
        return true;
    }

    std::optional<std::string_view> decode(std::string_view raw) {
        if (plain_) {
            return raw;
        }
        if (raw.find('%') == std::string_view::npos) {
            if (!is_utf8(raw)) {
                out_.status = route_status::malformed;
                return std::nullopt;
            }
            return raw;
        }
        const std::size_t at = room_.size();
        room_.append(raw);
        const auto size = percent_decode(room_.data() + at, raw.size());
        if (!size) {
            out_.status = route_status::malformed;
            return std::nullopt;
        }
        room_.resize(at + *size);
        return std::string_view(room_).substr(at, *size);
    }

    void keep(std::string_view value) { out_.fields[out_.field_count++].value = value; }

    void arrive(method verb) {
        const trie_node& here = trie_node_at(node_);
        for (const route& one : trie_routes(here)) {
            if (one.verb == verb) {
                out_.status = route_status::found;
                out_.to = &one;
                for (std::size_t i = 0; i < out_.field_count; ++i) {
                    out_.fields[i].name = one.captures[i];
                }
                return;
            }
        }
        if (!here.allow.empty()) {
            out_.status = route_status::no_method;
            out_.allow = here.allow;
        }
    }

    std::string_view rest_;
    std::string& room_;
    route_match out_;
    std::uint16_t node_ = 0;
    const bool plain_;
    bool after_slash_ = false; //!< an empty segment is still to come
};

} // namespace

route_match match(method verb, std::string_view path, std::string& room) {
    return walk(path, room).run(verb);
}

} // namespace fasti::http
