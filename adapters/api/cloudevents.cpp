// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/cloudevents.hpp"

#include "domain/wire/json_writer.hpp"
#include "eventstore/port/token.hpp"

#include <array>
#include <charconv>
#include <cstddef>

namespace fasti::api {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void append_hex(std::string_view bytes, std::string& out) {
    const std::size_t at = out.size();
    out.resize(at + bytes.size() * 2);
    char* to = out.data() + at;
    for (const char byte : bytes) {
        *to++ = hex_digits[static_cast<unsigned char>(byte) >> 4U];
        *to++ = hex_digits[static_cast<unsigned char>(byte) & 0xFU];
    }
}

void append_hex(std::uint64_t value, std::string& out) {
    for (int shift = 60; shift >= 0; shift -= 4) {
        out += hex_digits[(value >> static_cast<unsigned>(shift)) & 0xFU];
    }
}

void append_number(std::uint64_t value, std::string& out) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

//! Standard alphabet with padding (RFC 4648), as CloudEvents asks.
void append_base64(std::string_view bytes, std::string& out) {
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t left = bytes.size() - i;
        std::uint32_t group = std::uint32_t{static_cast<unsigned char>(bytes[i])} << 16U;
        group |= left > 1 ? std::uint32_t{static_cast<unsigned char>(bytes[i + 1])} << 8U : 0U;
        group |= left > 2 ? std::uint32_t{static_cast<unsigned char>(bytes[i + 2])} : 0U;
        out += base64_digits[group >> 18U];
        out += base64_digits[(group >> 12U) & 0x3FU];
        out += left > 1 ? base64_digits[(group >> 6U) & 0x3FU] : '=';
        out += left > 2 ? base64_digits[group & 0x3FU] : '=';
    }
}

void append_text(std::string_view quoted_name, std::string_view value, std::string& out) {
    if (!value.empty()) {
        out += quoted_name;
        json_writer(out).text(value);
    }
}

//! As the registered extension "authcontext" names kinds of principals.
std::string_view auth_type(std::string_view actor) {
    if (actor.starts_with("token/")) {
        return "api_key";
    }
    return actor.starts_with("system/") ? "system" : "unknown";
}

} // namespace

cloudevent_writer::cloudevent_writer(const id128& log, std::uint64_t epoch) : epoch_(epoch) {
    head_ = R"({"specversion":"1.0","source":"/fasti/)";
    append_hex(log.as_bytes(), head_);
    head_ += R"(","epoch":")";
    append_hex(epoch, head_);
    head_ += R"(","id":")";
}

void cloudevent_writer::write(const recorded_event& event, const hash256& chain, std::string& out) {
    write_attributes(event, chain, out);
    write_data(event.fact, out);
    out += '}';
}

void cloudevent_writer::write_attributes(const recorded_event& event, const hash256& chain,
                                         std::string& out) const {
    const event_draft& fact = event.fact;
    out += head_;
    append_hex(fact.command.as_bytes(), out);
    out += '-';
    append_number(fact.index, out);
    out += R"(","type":")";
    out += event_type_prefix;
    out += fact.type;
    out += '"';
    append_text(R"(,"subject":)", fact.stream, out);
    out += R"(,"time":")";
    char time[27];
    write_rfc3339(fact.recorded, time);
    out.append(time, sizeof time);
    out += R"(","position":")";
    append_number(event.at, out);
    out += R"(","streamversion":")";
    append_number(fact.stream_version, out);
    out += R"(","revision":")";
    append_number(fact.revision, out);
    out += R"(","chainhash":")";
    append_hex(chain.as_bytes(), out);
    out += '"';
    if (fact.correlation.empty() && !fact.command.empty()) {
        out += R"(,"correlationid":")";
        append_hex(fact.command.as_bytes(), out);
        out += '"';
    }
    append_text(R"(,"correlationid":)", fact.correlation, out);
    append_text(R"(,"causationid":)", fact.cause, out);
    if (!fact.actor.empty()) {
        append_text(R"(,"authtype":)", auth_type(fact.actor), out);
        append_text(R"(,"authid":)", fact.actor, out);
    }
    append_text(R"(,"traceparent":)", fact.trace, out);
    append_text(R"(,"tenant":)", fact.tenant, out);
    append_text(R"(,"reason":)", fact.reason, out);
}

void cloudevent_writer::write_data(const event_draft& fact, std::string& out) {
    const std::size_t mark = out.size();
    out += R"(,"datacontenttype":"application/json","data":)";
    json_writer json(out);
    if (write_event_json(fact.type, fact.revision, fact.data, scratch_, json) !=
        decode_status::ok) {
        out.resize(mark);
        out += R"(,"datacontenttype":"application/protobuf","data_base64":")";
        append_base64(fact.data, out);
        out += '"';
    }
}

void cloudevent_writer::write_frame(const recorded_event& event, const hash256& chain,
                                    std::string& out) {
    out += "id: ";
    write_token(epoch_, event.at, chain.prefix(), out);
    out += "\nevent: ";
    out += event.fact.type;
    out += "\ndata: ";
    write(event, chain, out);
    out += "\n\n";
}

} // namespace fasti::api
