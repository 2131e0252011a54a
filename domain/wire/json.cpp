// SPDX-License-Identifier: Apache-2.0
#include "domain/wire/json.hpp"

#include "domain/base/utf8.hpp"
#include "domain/wire/plain_json.hpp"

// RapidJSON asks for room in a stack that is still empty by adding to a null pointer: harmless, but
// Clang's sanitizer stops there.
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/error/error.h>
#include <rapidjson/reader.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

#include <bit>
#include <cmath>

namespace fasti {
namespace {

constexpr double beyond_any_integer = 18446744073709551615.0;

//! RapidJSON reads a lone "\udc00" as bytes that are not UTF-8.
bool has_surrogate_bytes(std::string_view text) {
    for (std::size_t at = text.find('\xED'); at != std::string_view::npos && at + 1 < text.size();
         at = text.find('\xED', at + 1)) {
        if (static_cast<unsigned char>(text[at + 1]) >= 0xA0) {
            return true;
        }
    }
    return false;
}

//! Receives what RapidJSON reads. Returning false ends the parse; `refused` says why.
class node_builder {
public:
    node_builder(std::vector<json_node>& nodes, std::size_t depth_max, bool has_escapes)
        : nodes_(nodes), depth_max_(depth_max), has_escapes_(has_escapes) {}

    std::string refused;

    bool Null() { return leaf(json_kind::null, 0); }
    bool Bool(bool value) { return leaf(json_kind::boolean, value ? 1 : 0); }
    bool Int(int value) { return Int64(value); }
    bool Uint(unsigned value) { return Uint64(value); }
    bool Int64(std::int64_t value) {
        leaf(json_kind::integer, static_cast<std::uint64_t>(value));
        nodes_.back().negative = value < 0;
        return true;
    }
    bool Uint64(std::uint64_t value) { return leaf(json_kind::integer, value); }
    bool Double(double value) {
        leaf(json_kind::number, std::bit_cast<std::uint64_t>(value));
        nodes_.back().negative = std::signbit(value);
        nodes_.back().beyond = std::fabs(value) >= beyond_any_integer;
        return true;
    }
    bool RawNumber(const char*, rapidjson::SizeType, bool) { return false; }

    bool String(const char* text, rapidjson::SizeType size, bool) {
        leaf(json_kind::text, 0);
        nodes_.back().text = {text, size};
        return is_unicode(nodes_.back().text);
    }
    bool Key(const char* text, rapidjson::SizeType size, bool) {
        key_ = {text, size};
        return is_unicode(key_);
    }

    bool StartObject() { return open(json_kind::object); }
    bool StartArray() { return open(json_kind::array); }
    bool EndArray(rapidjson::SizeType count) {
        close(count);
        return true;
    }
    bool EndObject(rapidjson::SizeType count) { return keys_differ(close(count)); }

private:
    bool leaf(json_kind kind, std::uint64_t bits) {
        json_node& node = nodes_.emplace_back();
        node.kind = kind;
        node.bits = bits;
        node.key = key_;
        node.end = static_cast<std::uint32_t>(nodes_.size());
        key_ = {};
        return true;
    }

    bool open(json_kind kind) {
        if (open_.size() >= depth_max_) {
            refused = "It nests deeper than " + std::to_string(depth_max_) + " levels.";
            return false;
        }
        open_.push_back(static_cast<std::uint32_t>(nodes_.size()));
        return leaf(kind, 0);
    }

    std::uint32_t close(std::uint32_t count) {
        const std::uint32_t at = open_.back();
        open_.pop_back();
        nodes_[at].count = count;
        nodes_[at].end = static_cast<std::uint32_t>(nodes_.size());
        return at;
    }

    bool is_unicode(std::string_view text) {
        if (has_escapes_ && has_surrogate_bytes(text)) {
            refused = "A \\u escape is half of a surrogate pair.";
            return false;
        }
        return true;
    }

    bool keys_differ(std::uint32_t object) {
        const json_node* const twice = repeated_key(nodes_, object);
        if (twice != nullptr) {
            refused = "The key `" + std::string(twice->key.substr(0, 64)) +
                      "` stands twice in one object.";
        }
        return twice == nullptr;
    }

    std::vector<json_node>& nodes_;
    std::size_t depth_max_;
    bool has_escapes_;
    std::vector<std::uint32_t> open_;
    std::string_view key_;
};

std::string_view explain(rapidjson::ParseErrorCode code) {
    switch (code) {
        case rapidjson::kParseErrorDocumentEmpty: return "it is empty";
        case rapidjson::kParseErrorDocumentRootNotSingular: return "something follows the value";
        case rapidjson::kParseErrorObjectMissName: return "an object's member has no name";
        case rapidjson::kParseErrorObjectMissColon: return "a colon is missing after a name";
        case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket: return "a comma or } is missing";
        case rapidjson::kParseErrorArrayMissCommaOrSquareBracket: return "a comma or ] is missing";
        case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex:
            return "a \\u escape is not four hex digits";
        case rapidjson::kParseErrorStringUnicodeSurrogateInvalid:
            return "a \\u escape is half of a surrogate pair";
        case rapidjson::kParseErrorStringEscapeInvalid:
            return "an escape is unknown, or a control character is not escaped";
        case rapidjson::kParseErrorStringMissQuotationMark: return "a text is not closed";
        case rapidjson::kParseErrorStringInvalidEncoding:
            return "a text holds a bare control character";
        case rapidjson::kParseErrorNumberTooBig: return "a number is too large for any use";
        case rapidjson::kParseErrorNumberMissFraction: return "a number ends in its decimal point";
        case rapidjson::kParseErrorNumberMissExponent: return "a number has an empty exponent";
        default: return "a value is expected";
    }
}

} // namespace

std::optional<std::uint64_t> json_value::as_unsigned() const noexcept {
    if (kind() != json_kind::integer || node().negative) {
        return std::nullopt;
    }
    return node().bits;
}

json_value json_value::find(std::string_view name) const noexcept {
    if (kind() == json_kind::object) {
        for (const json_member member : *this) {
            if (member.name == name) {
                return member.value;
            }
        }
    }
    return {};
}

result<void> json_document::parse(std::string& text, const json_limits& limits) {
    nodes_.clear();
    if (text.size() > limits.bytes_max) {
        return error{error_code::body_too_large,
                     "The JSON text has " + std::to_string(text.size()) + " bytes; at most " +
                         std::to_string(limits.bytes_max) + " are taken."};
    }
    // Checked for the whole text at once: the reader's own check costs a quarter of a parse. What it
    // cannot see are surrogates made by escapes; those are looked for where there are escapes.
    if (!is_utf8(text)) {
        return error{error_code::malformed, "Broken JSON: the text is not UTF-8."};
    }
    if (read_plain_json(text, limits.depth_max, nodes_)) {
        return {};
    }
    nodes_.clear();
    rapidjson::Reader reader;
    rapidjson::InsituStringStream stream(text.data());
    node_builder builder(nodes_, limits.depth_max, text.find('\\') != std::string::npos);
    constexpr unsigned flags = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag;
    const rapidjson::ParseResult parsed = reader.Parse<flags>(stream, builder);
    if (!builder.refused.empty()) {
        return error{error_code::malformed, "The JSON text is refused: " + builder.refused};
    }
    if (parsed.IsError()) {
        return error{error_code::malformed, "Broken JSON at byte " +
                                                std::to_string(parsed.Offset()) + ": " +
                                                std::string(explain(parsed.Code())) + "."};
    }
    // The reader takes a NUL for the end of the text.
    if (stream.Tell() != text.size()) {
        return error{error_code::malformed,
                     "Broken JSON at byte " + std::to_string(stream.Tell()) + ": a NUL character."};
    }
    return {};
}

} // namespace fasti
