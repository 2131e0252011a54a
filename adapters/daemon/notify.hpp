// SPDX-License-Identifier: Apache-2.0
//! Tells a service manager how the server is (the datagram protocol of sd_notify, without its library).
#pragma once

#include <string_view>

namespace fasti {

//! Sends "READY=1" or the like to $NOTIFY_SOCKET; does nothing when there is none or nobody listens.
void notify_service_manager(std::string_view socket_path, std::string_view state);

} // namespace fasti
