// SPDX-License-Identifier: Apache-2.0
//! Settings from flags, environment, file and defaults, in this order of precedence, by one table.
//! Everything from outside (environment, user, flags) comes in as data, so that tests need no setenv.
#pragma once

#include "adapters/config/config.gen.hpp"
#include "domain/base/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace fasti {

enum class config_kind : std::uint8_t { text, path, endpoint, boolean, number, choice, list };
enum class config_unit : std::uint8_t { none, ms, bytes, percent, count };

//! Where a key's value is held in a config.
using config_member = std::variant<std::string*, bool*, std::uint64_t*, std::vector<std::string>*>;

struct config_key {
    std::string_view name;        //!< "http.listen"
    std::string_view flag;        //!< "listen", without dashes
    std::string_view environment; //!< "FASTI_HTTP__LISTEN"
    config_kind kind;
    config_unit unit;
    std::uint64_t min;
    std::uint64_t max;
    std::size_t items_max;
    bool power_of_two;
    bool reload; //!< takes effect on SIGHUP
    bool secret; //!< never shown
    std::span<const std::string_view> choices;
    std::string_view doc;
    config_member (*member)(config& of);
};

//! In the order of the declaration.
extern const std::array<config_key, config_key_count> config_keys;

enum class config_origin : std::uint8_t { standard, service_manager, file, environment, flag };

struct config_source {
    config_origin origin = config_origin::standard;
    std::string where; //!< "/etc/fasti/fasti.toml:12", "FASTI_HTTP__LISTEN", "--listen", "default"
};

//! What is known before anything is read.
struct config_inputs {
    std::vector<std::pair<std::string, std::string>> environment;
    std::vector<std::pair<std::string, std::string>> flags; //!< flag without dashes -> text
    std::optional<std::string> file;                        //!< --config
    bool root = false;
};

struct loaded_config {
    config values;
    std::array<config_source, config_key_count> sources; //!< beside config_keys
    std::string file;                                    //!< the one read; empty: none
    std::vector<std::string> warnings;                   //!< unknown FASTI_ variables
};

//! Reads and checks everything. All faults are reported at once, one field error each with key,
//! source and reason.
//! Errors: configuration_invalid.
result<loaded_config> load_config(const config_inputs& inputs);

//! The same from the text of a file that was read already; `name` is for messages.
result<loaded_config> load_config(const config_inputs& inputs, std::string_view file_text,
                                  std::string_view name);

//! What a reload found different: taken over into `running`, or waiting for a restart (key names).
struct config_changes {
    std::vector<std::string_view> applied;
    std::vector<std::string_view> need_restart;
};
config_changes apply_reload(loaded_config& running, const loaded_config& fresh);

//! The value as text, "(secret)" for a secret that is set.
std::string shown_value(const config_key& key, const config& values);
bool same_value(const config_key& key, const config& one, const config& other);

//! All messages of a failure, one line each, for stderr.
std::string describe(const error& failure);

//! The process's own environment and user.
config_inputs inputs_of_process();

//! "127.0.0.1:8400", "[::1]:8400", "localhost:0" taken apart.
struct endpoint {
    std::string host;
    std::uint16_t port = 0;
};
std::optional<endpoint> endpoint_from(std::string_view text);
//! Whether the host is localhost or an address of the loopback networks.
bool is_loopback(std::string_view host);

//! The known name least far from a mistyped one; nothing when none is near.
std::optional<std::string_view> nearest_name(std::string_view mistyped,
                                             std::span<const std::string_view> known);

//! A number with an optional suffix of its unit ("30s", "64KiB").
std::optional<std::uint64_t> number_from(std::string_view text, config_unit unit);

} // namespace fasti
