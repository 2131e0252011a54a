// SPDX-License-Identifier: Apache-2.0
//! One HTTP answer and how it becomes bytes. Heads are put together from parts prepared once a
//! second, so that an answer costs a few copies and nothing is formatted but its length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fasti::http {

//! What browsers may do with an answer.
enum class content_policy : std::uint8_t {
    data, //!< nothing: it is data
    page, //!< a page of ours: inline styles, nothing loaded, nothing run
};

namespace media {
inline constexpr std::string_view json = "application/json";
inline constexpr std::string_view problem = "application/problem+json";
inline constexpr std::string_view health = "application/health+json";
inline constexpr std::string_view cloudevents_batch = "application/cloudevents-batch+json";
inline constexpr std::string_view cloudevent = "application/cloudevents+json";
inline constexpr std::string_view event_stream = "text/event-stream";
inline constexpr std::string_view text = "text/plain; charset=utf-8";
inline constexpr std::string_view html = "text/html; charset=utf-8";
inline constexpr std::string_view metrics_text = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr std::string_view openmetrics =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";
} // namespace media

class response {
public:
    int status = 200;
    std::string_view content_type = media::json; //!< must outlive the answer: name a constant
    content_policy policy = content_policy::data;
    bool close = false;  //!< the connection ends after this answer
    std::string headers; //!< whole lines "Name: value\r\n", by add_header
    std::string body;

    //! Line breaks and other control characters in the value become spaces.
    void add_header(std::string_view name, std::string_view value);
    void add_header(std::string_view name, std::uint64_t value);

    //! Makes it ready for the next answer; keeps memory.
    void clear() noexcept;
};

//! How an answer ends on the wire.
enum class framing : std::uint8_t { sized, chunked, until_close };

struct wire_form {
    framing how = framing::sized;
    bool head_only = false;
    bool keep_alive = true;
    bool http_1_0 = false;
    bool over_tls = false;
};

//! The parts of heads that are equal for every answer.
class head_parts {
public:
    head_parts();
    //! Seconds since 1970; cheap when they are those of the last call.
    void set_time(std::int64_t seconds);
    void write(const response& from, const wire_form& form, std::string& out) const;

private:
    std::int64_t seconds_ = -1;
    std::string common_data_; //!< Server, Date and what browsers must be told
    std::string common_page_;
};

//! "Sat, 21 Nov 2026 09:00:00 GMT" (RFC 9110)
std::string http_date(std::int64_t seconds);

//! One chunk of a chunked answer; the last one is `last_chunk`.
void write_chunk_size(std::size_t bytes, std::string& out);
void write_chunk(std::string_view bytes, std::string& out);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

std::string_view reason_phrase(int status) noexcept;

//! JSON text in quotes, escaped; bytes that are not UTF-8 become U+FFFD.
void append_json_text(std::string_view text, std::string& out);

} // namespace fasti::http
