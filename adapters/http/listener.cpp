// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/listener.hpp"

#include <boost/asio/ip/address.hpp>

#include <utility>

namespace fasti::http {

namespace {

error not_usable(std::string message) {
    return {.code = error_code::configuration_invalid, .message = std::move(message)};
}

} // namespace

result<listener_plan> plan_listener(const listener_options& wanted,
                                    const connection_limits& limits) {
    listener_plan plan;
    plan.ip = wanted.address == "localhost" ? "127.0.0.1" : wanted.address;
    boost::system::error_code failed;
    const boost::asio::ip::address address = boost::asio::ip::make_address(plan.ip, failed);
    if (failed) {
        return not_usable("The listener's address " + wanted.address + " is not an IP address.");
    }
    if (!address.is_loopback() && !wanted.tls && !wanted.insecure_plaintext) {
        return not_usable(
            "The listener " + wanted.address +
            " is outside loopback and has no TLS: tokens would cross the network in the "
            "clear. Give a certificate and key, or allow it with --insecure-plaintext.");
    }
    if (wanted.tls) {
        result<std::shared_ptr<tls_context>> loaded = tls_context::load(*wanted.tls);
        if (!loaded) {
            return std::move(loaded).error();
        }
        plan.tls = std::move(loaded).value();
    }
    auto setting = std::make_shared<connection_setting>();
    setting->limits = limits;
    setting->over_tls = wanted.tls.has_value();
    setting->hosts = wanted.hosts;
    if (address.is_loopback() || !wanted.hosts.empty()) {
        const std::string own = address.is_v6() ? "[" + plan.ip + "]" : plan.ip;
        setting->hosts.insert(setting->hosts.end(), {"localhost", "127.0.0.1", "[::1]", own});
    }
    plan.setting = std::move(setting);
    return plan;
}

wait_verdict judge_wait(connection_phase at, std::uint64_t waited_ms,
                        const time_limits& limits) noexcept {
    switch (at) {
        case connection_phase::idle:
            return waited_ms >= limits.idle_ms ? wait_verdict::close_quietly : wait_verdict::go_on;
        case connection_phase::reading_head:
            return waited_ms >= limits.header_ms ? wait_verdict::answer_late : wait_verdict::go_on;
        case connection_phase::reading_body:
            return waited_ms >= limits.body_ms ? wait_verdict::answer_late : wait_verdict::go_on;
        case connection_phase::writing:
            return waited_ms >= limits.write_ms ? wait_verdict::cut : wait_verdict::go_on;
        case connection_phase::busy: break;
    }
    return wait_verdict::go_on;
}

} // namespace fasti::http
