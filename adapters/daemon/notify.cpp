// SPDX-License-Identifier: Apache-2.0
#include "adapters/daemon/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <cstddef>

namespace fasti {

void notify_service_manager(std::string_view socket_path, std::string_view state) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    const bool known = !socket_path.empty() && (socket_path[0] == '/' || socket_path[0] == '@');
    if (!known || socket_path.size() >= sizeof to.sun_path) {
        return;
    }
    std::copy(socket_path.begin(), socket_path.end(), std::begin(to.sun_path));
    if (socket_path[0] == '@') {
        to.sun_path[0] = '\0'; // an abstract name
    }
    const int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_fd < 0) {
        return;
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path.size());
    // Failing to tell is no reason to fail.
    [[maybe_unused]] const ssize_t sent = sendto(socket_fd, state.data(), state.size(),
                                                 MSG_NOSIGNAL,
                                                 reinterpret_cast<const sockaddr*>(&to), size);
    close(socket_fd);
}

} // namespace fasti
