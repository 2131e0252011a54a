// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load_options.hpp"

#include <arpa/inet.h>
#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fasti::bench {
namespace {

constexpr const char* usage = R"(Usage: fasti_load --addr IPV4:PORT [options]
  --mode get|discover|renew|register|batch|etcd_put   what to ask (get)
  --path PATH          of get (/health/live)
  --token-file FILE    sends its first line as bearer token
  --connections N      (64)    --pipeline N   requests under way on each connection (1)
  --seconds S          measured time, at most 600 (3)    --warmup S   before it (0.3)
  --count N            ends after N requests; not reached within --seconds: an error
  --services N --instances N   names to choose from: services, instances of each (1, 1)
  --first N            number of the first instance registered (0)
  --commands N         in one batch (100)    --lease-ms N (3600000)    --keys   an idempotency key for each
  --subscribers N      of all events, beside the requests    --ahead N   events under way to them at most (0: any)
  --each-own           subscriber N follows service N only
  --rate N             commands a second at most, with --subscribers (0: any)
  --expect STATUS      every other status is an error (200)
  --server-pids A,B    whose processor time to report
)";

template <class Number>
Number number(std::string_view name, std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        throw std::invalid_argument(std::string(name) + ": not a number: " + std::string(text));
    }
    return value;
}

void set_address(load_options& wanted, const std::string& text) {
    const std::size_t colon = text.rfind(':');
    wanted.address.sin_family = AF_INET;
    if (colon == std::string::npos ||
        ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &wanted.address.sin_addr) != 1) {
        throw std::invalid_argument("--addr: not IPV4:PORT: " + text);
    }
    wanted.address.sin_port = htons(number<std::uint16_t>("--addr", text.substr(colon + 1)));
    wanted.plan.host = text;
}

void set_mode(load_options& wanted, const std::string& text) {
    const std::map<std::string, request_kind> kinds{
        {"get", request_kind::get},     {"discover", request_kind::discover},
        {"renew", request_kind::renew}, {"register", request_kind::register_instance},
        {"batch", request_kind::batch}, {"etcd_put", request_kind::etcd_put}};
    const auto found = kinds.find(text);
    if (found == kinds.end()) {
        throw std::invalid_argument("--mode: unknown: " + text);
    }
    wanted.plan.kind = found->second;
}

void set_token(load_options& wanted, const std::string& path) {
    std::ifstream file(path);
    if (!std::getline(file, wanted.plan.token) || wanted.plan.token.empty()) {
        throw std::invalid_argument("--token-file: no token in " + path);
    }
}

void set_pids(load_options& wanted, std::string_view text) {
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        wanted.servers.push_back(number<pid_t>("--server-pids", text.substr(0, comma)));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
}

bool set(load_options& wanted, const std::string& name, const std::string& value) {
    auto& plan = wanted.plan;
    if (name == "--addr") {
        set_address(wanted, value);
    } else if (name == "--mode") {
        set_mode(wanted, value);
    } else if (name == "--path") {
        plan.path = value;
    } else if (name == "--token-file") {
        set_token(wanted, value);
    } else if (name == "--connections") {
        wanted.connections = number<unsigned>(name, value);
    } else if (name == "--pipeline") {
        wanted.pipeline = number<unsigned>(name, value);
    } else if (name == "--seconds") {
        wanted.seconds = number<double>(name, value);
    } else if (name == "--warmup") {
        wanted.warmup = number<double>(name, value);
    } else if (name == "--count") {
        wanted.count = number<std::uint64_t>(name, value);
    } else if (name == "--services") {
        plan.services = number<std::uint64_t>(name, value);
    } else if (name == "--instances") {
        plan.instances = number<std::uint64_t>(name, value);
    } else if (name == "--first") {
        plan.first = number<std::uint64_t>(name, value);
    } else if (name == "--commands") {
        plan.commands = number<std::uint64_t>(name, value);
    } else if (name == "--lease-ms") {
        plan.lease_ms = number<std::uint64_t>(name, value);
    } else if (name == "--subscribers") {
        wanted.streams = true;
        wanted.subscribers = number<unsigned>(name, value);
    } else if (name == "--ahead") {
        wanted.ahead = number<std::uint64_t>(name, value);
    } else if (name == "--rate") {
        wanted.rate = number<std::uint64_t>(name, value);
    } else if (name == "--expect") {
        wanted.expect = number<int>(name, value);
    } else if (name == "--server-pids") {
        set_pids(wanted, value);
    } else {
        return false;
    }
    return true;
}

} // namespace

const char* load_usage() { return usage; }

bool read_options(load_options& wanted, int count, char** words) {
    for (int index = 1; index < count; ++index) {
        const std::string name = words[index];
        if (name == "--help") {
            return false;
        }
        if (name == "--keys") {
            wanted.plan.keys = true;
        } else if (name == "--each-own") {
            wanted.each_own = true;
        } else if (index + 1 >= count || !set(wanted, name, words[index + 1])) {
            throw std::invalid_argument("not understood: " + name);
        } else {
            ++index;
        }
    }
    const auto& plan = wanted.plan;
    if (wanted.address.sin_port == 0 || wanted.connections < 1 || wanted.connections > 20'000 ||
        wanted.pipeline < 1 || wanted.pipeline > 1000 || wanted.subscribers > 20'000 ||
        !(wanted.seconds > 0 && wanted.seconds <= 600) ||
        !(wanted.warmup >= 0 && wanted.warmup <= 60) || plan.services < 1 || plan.instances < 1 ||
        plan.commands < 1) {
        throw std::invalid_argument("--addr is missing or a number is out of range");
    }
    if (wanted.count != 0) {
        wanted.warmup = 0; // a counted run measures all of it
    }
    return true;
}

} // namespace fasti::bench
