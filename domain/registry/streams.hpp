// SPDX-License-Identifier: Apache-2.0
//! Which streams are about a service: its own, and those of its instances.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::registry {

//! What such streams begin with; the service's name comes next.
inline constexpr std::array<std::string_view, 2> service_stream_kinds = {"service/", "instance/"};

//! The service that a stream is about; empty: none.
inline std::string_view service_of_stream(std::string_view stream) noexcept {
    for (const std::string_view kind : service_stream_kinds) {
        if (stream.starts_with(kind)) {
            stream.remove_prefix(kind.size());
            return stream.substr(0, stream.find('/'));
        }
    }
    return {};
}

//! The streams about a service, as event_filter::streams_under takes them.
inline std::vector<std::string> streams_about(std::string_view service) {
    std::vector<std::string> out;
    for (const std::string_view kind : service_stream_kinds) {
        out.push_back(std::string(kind).append(service));
    }
    return out;
}

} // namespace fasti::registry
