// SPDX-License-Identifier: Apache-2.0
//! Structured log lines: JSON for machines, text for people. A line is made by the caller's thread and
//! written by a thread of the logger, so that a slow reader of stderr never holds a request up.
#pragma once

#include "domain/base/instant.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace fasti::telemetry {

enum class log_level : std::uint8_t { debug, info, warn, error, off };
enum class log_format : std::uint8_t { json, text };

std::string_view to_name(log_level level) noexcept;
std::optional<log_level> log_level_from(std::string_view name) noexcept;

//! A named value. Names are ours, snake_case; text is redacted and made valid UTF-8 when written.
struct log_field {
    enum class kind_of : std::uint8_t { text, signed_number, unsigned_number, real, boolean };
    std::string_view name;
    kind_of kind;
    union {
        std::string_view text;
        std::int64_t signed_number;
        std::uint64_t unsigned_number;
        double real;
        bool boolean;
    };

    template <class Value>
    log_field(std::string_view name_given, const Value& value) noexcept : name(name_given) {
        if constexpr (std::is_same_v<Value, bool>) {
            kind = kind_of::boolean;
            boolean = value;
        } else if constexpr (std::is_floating_point_v<Value>) {
            kind = kind_of::real;
            real = value;
        } else if constexpr (std::is_integral_v<Value> && std::is_signed_v<Value>) {
            kind = kind_of::signed_number;
            signed_number = value;
        } else if constexpr (std::is_integral_v<Value>) {
            kind = kind_of::unsigned_number;
            unsigned_number = value;
        } else {
            kind = kind_of::text;
            text = std::string_view{value};
        }
    }
};

struct log_options {
    log_level level = log_level::info;
    log_format format = log_format::json;
    bool colour = false;
    std::vector<std::string> secret_names; //!< more field names whose values are never written
    std::size_t pending_bytes_max =
        1024U * 1024U; //!< lines waiting to be written; more are counted and dropped
    std::uint32_t repeats_per_second_max = 20;  //!< of one warning or error; 0: no bound
    std::function<instant()> now;               //!< absent: the machine's clock
    std::function<void(std::string_view)> sink; //!< absent: stderr
};

//! Thread: any, for all members.
class logger {
public:
    explicit logger(log_options options);
    ~logger(); //!< writes what is pending
    logger(const logger&) = delete;
    logger& operator=(const logger&) = delete;

    bool on(log_level level) const noexcept {
        return level >= level_.load(std::memory_order_relaxed);
    }
    void set_level(log_level level) noexcept { level_.store(level, std::memory_order_relaxed); }

    //! Nothing is formatted or allocated when the level is off. A correlation id goes in the
    //! field `correlation_id`.
    void debug(std::string_view message, std::initializer_list<log_field> fields = {}) {
        if (on(log_level::debug)) {
            write(log_level::debug, message, fields);
        }
    }
    void info(std::string_view message, std::initializer_list<log_field> fields = {}) {
        if (on(log_level::info)) {
            write(log_level::info, message, fields);
        }
    }
    void warn(std::string_view message, std::initializer_list<log_field> fields = {}) {
        if (on(log_level::warn)) {
            write(log_level::warn, message, fields);
        }
    }
    void error(std::string_view message, std::initializer_list<log_field> fields = {}) {
        if (on(log_level::error)) {
            write(log_level::error, message, fields);
        }
    }
    void write(log_level level, std::string_view message, std::span<const log_field> fields);
    void write(log_level level, std::string_view message, std::initializer_list<log_field> fields) {
        write(level, message, std::span<const log_field>{fields.begin(), fields.size()});
    }

    //! Returns once everything written so far has left the process: before it ends on purpose.
    void flush();

private:
    struct state;
    std::atomic<log_level> level_;
    std::unique_ptr<state> state_;
};

//! json or text by the name of the setting, `auto` by whether stderr is a terminal; colour on a
//! terminal unless NO_COLOR is set.
log_options log_options_for(std::string_view level, std::string_view format);

} // namespace fasti::telemetry
