// SPDX-License-Identifier: Apache-2.0
//! A server of plain sockets for tests of clients: answers from a function, one connection at a time.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fasti::testing {

class tiny_http {
public:
    //! Gets the whole request, head and body; returns the whole answer. Connections close after it.
    using handler = std::function<std::string(const std::string& request)>;

    explicit tiny_http(handler answer) : answer_(std::move(answer)) {
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        bind(listener_, reinterpret_cast<sockaddr*>(&at), size);
        listen(listener_, 16);
        getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
        port_ = ntohs(at.sin_port);
        thread_ = std::thread{[this] { serve(); }};
    }
    ~tiny_http() { stop(); }
    tiny_http(const tiny_http&) = delete;
    tiny_http& operator=(const tiny_http&) = delete;

    //! Afterwards nobody answers on the address.
    void stop() {
        if (thread_.joinable()) {
            shutdown(listener_, SHUT_RDWR);
            thread_.join();
            close(listener_);
        }
    }

    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    std::vector<std::string> requests() const {
        const std::lock_guard hold{lock_};
        return requests_;
    }

    static std::string answer(int status, const std::string& body,
                              const std::string& headers = {}) {
        return "HTTP/1.1 " + std::to_string(status) +
               " X\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\nConnection: close\r\n" + headers + "\r\n" + body;
    }

private:
    void serve() {
        int connection;
        while ((connection = accept(listener_, nullptr, nullptr)) >= 0) {
            std::string request;
            char piece[4096];
            while (!complete(request)) {
                const ssize_t size = recv(connection, piece, sizeof piece, 0);
                if (size <= 0) {
                    break;
                }
                request.append(piece, static_cast<std::size_t>(size));
            }
            {
                const std::lock_guard hold{lock_};
                requests_.push_back(request);
            }
            const std::string text = answer_(request);
            send(connection, text.data(), text.size(), MSG_NOSIGNAL);
            close(connection);
        }
    }

    static bool complete(const std::string& request) {
        const std::size_t head = request.find("\r\n\r\n");
        if (head == std::string::npos) {
            return false;
        }
        const std::size_t length = request.find("Content-Length: ");
        const std::size_t body = length == std::string::npos || length > head
                                     ? 0
                                     : std::stoul(request.substr(length + 16));
        return request.size() >= head + 4 + body;
    }

    handler answer_;
    int listener_ = -1;
    int port_ = 0;
    mutable std::mutex lock_;
    std::vector<std::string> requests_;
    std::thread thread_;
};

} // namespace fasti::testing
