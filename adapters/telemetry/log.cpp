// SPDX-License-Identifier: Apache-2.0
#include "adapters/telemetry/log.hpp"

#include "adapters/telemetry/redact.hpp"
#include "domain/base/ids.hpp"

#include <sys/prctl.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

namespace fasti::telemetry {
namespace {

constexpr std::array<std::string_view, 5> level_names = {"debug", "info", "warn", "error", "off"};
constexpr std::size_t text_bytes_max = 8192; //!< of one value; a longer one is cut

instant machine_now() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::microseconds>(since).count()};
}

void write_to_stderr(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(STDERR_FILENO, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) {
            return; // nobody is left to be told
        }
        bytes.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
    }
}

//! Length of the valid UTF-8 sequence at the front, 0 when there is none.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [text](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto follows = [&byte](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
    const unsigned first = byte(0);
    if (first < 0x80U) {
        return 1;
    }
    if (first >= 0xc2U && first <= 0xdfU) {
        return follows(1) ? 2 : 0;
    }
    if (first >= 0xe0U && first <= 0xefU) {
        const bool fits = !(first == 0xe0U && byte(1) < 0xa0U) &&
                          !(first == 0xedU && byte(1) > 0x9fU);
        return fits && follows(1) && follows(2) ? 3 : 0;
    }
    if (first >= 0xf0U && first <= 0xf4U) {
        const bool fits = !(first == 0xf0U && byte(1) < 0x90U) &&
                          !(first == 0xf4U && byte(1) > 0x8fU);
        return fits && follows(1) && follows(2) && follows(3) ? 4 : 0;
    }
    return 0;
}

//! Escaped for JSON; control characters cannot forge a line of the text format either.
void append_escaped(std::string_view text, std::string& out) {
    static constexpr char digits[] = "0123456789abcdef";
    while (!text.empty()) {
        const auto c = static_cast<unsigned char>(text.front());
        const std::size_t length = sequence_length(text);
        if (length == 0) {
            out += "\\ufffd";
        } else if (c == '"' || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c < 0x20 || c == 0x7f) {
            out += "\\u00";
            out += digits[c >> 4U];
            out += digits[c & 15U];
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
}

template <class Number>
void append_number(Number number, std::string& out) {
    char digits[32];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_text(std::string_view text, std::string& out) {
    thread_local std::string clean;
    clean.clear();
    append_redacted(text.substr(0, text_bytes_max), clean);
    append_escaped(clean, out);
    if (text.size() > text_bytes_max) {
        out += "...";
    }
}

//! A value without quotes where the kind needs none.
void append_value(const log_field& field, bool secret, std::string& out) {
    using kind_of = log_field::kind_of;
    if (secret) {
        out.append("\"").append(redacted).append("\"");
        return;
    }
    switch (field.kind) {
        case kind_of::text:
            out += '"';
            append_text(field.text, out);
            out += '"';
            return;
        case kind_of::signed_number: append_number(field.signed_number, out); return;
        case kind_of::unsigned_number: append_number(field.unsigned_number, out); return;
        case kind_of::real:
            if (field.real - field.real != 0) {
                out += "null"; // JSON knows no infinities
            } else {
                append_number(field.real, out);
            }
            return;
        case kind_of::boolean: out += field.boolean ? "true" : "false"; return;
    }
}

bool is_plain_word(std::string_view text) {
    for (const char c : text) {
        if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7f || (c & 0x80) != 0) {
            return false;
        }
    }
    return !text.empty();
}

} // namespace

//! How often one warning came in this second, so that a fault in a loop cannot fill a disk.
struct repeat {
    std::uint64_t message_hash = 0;
    std::int64_t second = 0;
    std::uint32_t count = 0;
    std::uint64_t left_out = 0;
};

struct logger::state {
    log_options options;
    std::mutex lock;
    std::condition_variable wake;
    std::condition_variable written;
    std::string pending;
    std::uint64_t dropped = 0;
    std::uint64_t added = 0; //!< bytes ever put into pending
    std::uint64_t done = 0;  //!< bytes ever written
    std::array<repeat, 64> repeats{};
    bool stopping = false;
    std::thread writer;

    void run();
    bool admit(std::string_view message, instant now, std::uint64_t& left_out);
    void make(log_level level, instant now, std::string_view message,
              std::span<const log_field> fields, std::string& out) const {
        if (options.format == log_format::json) {
            make_json(level, now, message, fields, out);
        } else {
            make_text(level, now, message, fields, out);
        }
    }
    void make_json(log_level level, instant now, std::string_view message,
                   std::span<const log_field> fields, std::string& out) const;
    void make_text(log_level level, instant now, std::string_view message,
                   std::span<const log_field> fields, std::string& out) const;
};

void logger::state::run() {
    std::string batch;
    std::unique_lock hold{lock};
    while (true) {
        wake.wait(hold, [this] { return stopping || !pending.empty(); });
        if (pending.empty()) {
            return;
        }
        batch.swap(pending);
        const std::uint64_t lost = std::exchange(dropped, 0);
        hold.unlock();
        options.sink(batch);
        if (lost > 0) {
            std::string line;
            const log_field field{"lines", lost};
            make(log_level::warn, options.now(),
                 "Log lines were dropped: nobody reads fast enough.", {&field, 1}, line);
            options.sink(line);
        }
        hold.lock();
        done += batch.size();
        batch.clear();
        written.notify_all();
    }
}

bool logger::state::admit(std::string_view message, instant now, std::uint64_t& left_out) {
    if (options.repeats_per_second_max == 0) {
        return true;
    }
    const std::uint64_t hash = hash64(message);
    const std::int64_t second = now.us / 1'000'000;
    const std::lock_guard hold{lock};
    repeat& seen = repeats[hash % repeats.size()];
    if (seen.message_hash != hash) {
        seen = {hash, second, 0, 0};
    } else if (seen.second != second) {
        seen.second = second;
        seen.count = 0;
    }
    if (++seen.count > options.repeats_per_second_max) {
        ++seen.left_out;
        return false;
    }
    left_out = std::exchange(seen.left_out, 0);
    return true;
}

void logger::state::make_json(log_level level, instant now, std::string_view message,
                              std::span<const log_field> fields, std::string& out) const {
    char time[27];
    write_rfc3339(now, time);
    out.append("{\"time\":\"").append(time, sizeof time).append("\",\"level\":\"");
    out.append(level_names[static_cast<std::size_t>(level)]).append("\",\"message\":\"");
    append_text(message, out);
    out += '"';
    for (const log_field& field : fields) {
        out.append(",\"");
        append_escaped(field.name, out);
        out.append("\":");
        append_value(field, is_secret_name(field.name, options.secret_names), out);
    }
    out.append("}\n");
}

void logger::state::make_text(log_level level, instant now, std::string_view message,
                              std::span<const log_field> fields, std::string& out) const {
    static constexpr std::array<std::string_view, 4> words = {"DEBUG", "INFO ", "WARN ", "ERROR"};
    static constexpr std::array<std::string_view, 4> colours = {"\x1b[2m", "\x1b[32m", "\x1b[33m",
                                                                "\x1b[31m"};
    const std::size_t index = static_cast<std::size_t>(level) % words.size();
    char time[27];
    write_rfc3339(now, time);
    time[10] = ' ';
    out.append(time, 23).append(" ");
    if (options.colour) {
        out.append(colours[index]).append(words[index]).append("\x1b[0m ");
    } else {
        out.append(words[index]).append(" ");
    }
    append_text(message, out);
    for (const log_field& field : fields) {
        out.append(options.colour ? "  \x1b[2m" : "  ").append(field.name);
        out.append(options.colour ? "=\x1b[0m" : "=");
        const bool secret = is_secret_name(field.name, options.secret_names);
        if (!secret && field.kind == log_field::kind_of::text && is_plain_word(field.text)) {
            append_text(field.text, out);
        } else {
            append_value(field, secret, out);
        }
    }
    out.append("\n");
}

std::string_view to_name(log_level level) noexcept {
    return level_names[static_cast<std::size_t>(level)];
}

std::optional<log_level> log_level_from(std::string_view name) noexcept {
    for (std::size_t i = 0; i < level_names.size(); ++i) {
        if (level_names[i] == name) {
            return static_cast<log_level>(i);
        }
    }
    return std::nullopt;
}

logger::logger(log_options options) : level_(options.level), state_(std::make_unique<state>()) {
    state_->options = std::move(options);
    if (!state_->options.now) {
        state_->options.now = machine_now;
    }
    if (!state_->options.sink) {
        state_->options.sink = write_to_stderr;
    }
    state_->writer = std::thread{[held = state_.get()] {
        (void)prctl(PR_SET_NAME, "log");
        held->run();
    }};
}

logger::~logger() {
    {
        const std::lock_guard hold{state_->lock};
        state_->stopping = true;
    }
    state_->wake.notify_one();
    state_->writer.join();
}

void logger::write(log_level level, std::string_view message, std::span<const log_field> fields) {
    if (!on(level) || level == log_level::off) {
        return;
    }
    thread_local std::string line;
    line.clear();
    const instant now = state_->options.now();
    std::uint64_t left_out = 0;
    if (level >= log_level::warn && !state_->admit(message, now, left_out)) {
        return;
    }
    thread_local std::vector<log_field> all;
    if (left_out > 0) {
        all.assign(fields.begin(), fields.end());
        all.emplace_back("left_out", left_out);
        fields = all;
    }
    state_->make(level, now, message, fields, line);
    const std::lock_guard hold{state_->lock};
    if (state_->pending.size() + line.size() > state_->options.pending_bytes_max) {
        ++state_->dropped;
        return;
    }
    state_->pending += line;
    state_->added += line.size();
    state_->wake.notify_one();
}

void logger::flush() {
    std::unique_lock hold{state_->lock};
    const std::uint64_t until = state_->added;
    state_->written.wait(hold, [this, until] { return state_->done >= until; });
}

log_options log_options_for(std::string_view level, std::string_view format) {
    log_options options;
    options.level = log_level_from(level).value_or(log_level::info);
    const bool terminal = isatty(STDERR_FILENO) == 1;
    const bool text = format == "text" || (format == "auto" && terminal);
    options.format = text ? log_format::text : log_format::json;
    const char* no_colour = std::getenv("NO_COLOR"); // NOLINT: read once at start
    options.colour = text && terminal && (no_colour == nullptr || *no_colour == '\0');
    return options;
}

} // namespace fasti::telemetry
