// SPDX-License-Identifier: Apache-2.0
//! What a listener may be and how long clients may take, decided without a socket.
#pragma once

#include "adapters/http/connection.hpp"
#include "adapters/http/tls.hpp"
#include "domain/base/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fasti::http {

struct listener_options {
    std::string address = "127.0.0.1"; //!< an IP address, or "localhost"
    std::uint16_t port = 0;            //!< 0: any free one
    std::optional<tls_files> tls = {};
    bool insecure_plaintext = false;     //!< allow plain HTTP outside loopback
    std::vector<std::string> hosts = {}; //!< further names answered for
};

struct listener_plan {
    std::string ip;
    std::shared_ptr<const connection_setting> setting;
    std::shared_ptr<tls_context> tls; //!< null: plain
};

//! On loopback only loopback names and `hosts` are answered for (DNS rebinding); elsewhere any,
//! unless `hosts` names some.
//! Errors: configuration_invalid: no such address, TLS files not readable, or plain HTTP outside
//!         loopback without insecure_plaintext.
result<listener_plan> plan_listener(const listener_options& wanted,
                                    const connection_limits& limits);

struct time_limits {
    std::uint32_t header_ms = 10'000; //!< from the first byte of a request to the end of its head
    std::uint32_t body_ms = 30'000;
    std::uint32_t idle_ms = 75'000;
    std::uint32_t write_ms = 30'000; //!< without a byte taken by the client
};

enum class wait_verdict : std::uint8_t { go_on, close_quietly, answer_late, cut };

//! What to do with a connection that made no progress for this long. A request that a handler works
//! on may take as long as the handler likes.
wait_verdict judge_wait(connection_phase at, std::uint64_t waited_ms,
                        const time_limits& limits) noexcept;

} // namespace fasti::http
