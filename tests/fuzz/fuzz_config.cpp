// SPDX-License-Identifier: Apache-2.0
// A configuration file of any bytes is accepted or refused with a message; what is accepted says the
// same again through its shown values.
#include "adapters/config/config.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fasti;
    config_inputs inputs;
    inputs.environment = {{"HOME", "/home/ada"}};
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const result<loaded_config> loaded = load_config(inputs, text, "fuzz.toml");
    if (!loaded) {
        check(loaded.error().code == error_code::configuration_invalid &&
                  !describe(loaded.error()).empty(),
              "a refused file is refused as configuration, in words");
        return 0;
    }
    for (const config_key& key : config_keys) {
        const std::string shown = shown_value(key, loaded->values);
        const bool splits = key.kind == config_kind::list; // an item may hold a comma or spaces
        if (splits || shown.empty() || shown == "(secret)" ||
            loaded->sources[static_cast<std::size_t>(&key - config_keys.data())].origin !=
                config_origin::file) {
            continue;
        }
        config_inputs again = inputs;
        for (const config_key& other : config_keys) {
            if (other.kind != config_kind::list) {
                again.flags.emplace_back(other.flag, shown_value(other, loaded->values));
            }
        }
        const result<loaded_config> twice = load_config(again, {}, {});
        check(twice.ok() && same_value(key, loaded->values, twice->values),
              "shown values are accepted again and mean the same");
    }
    return 0;
}
