// SPDX-License-Identifier: Apache-2.0
//! TLS as another codec: encrypted bytes in, plain bytes out, and back, without a socket. A plain
//! connection therefore runs the very same code with this left out.
#pragma once

#include "domain/base/result.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace fasti::http {

struct tls_files {
    std::string certificate; //!< PEM, leaf first, then its chain
    std::string key;         //!< PEM
};

//! Certificate, key and rules (TLS 1.2 or newer, ALPN http/1.1) for any number of sessions.
class tls_context {
public:
    //! Errors: configuration_invalid, naming the file and what OpenSSL says of it.
    static result<std::shared_ptr<tls_context>> load(const tls_files& files);
    ~tls_context();
    tls_context(const tls_context&) = delete;
    tls_context& operator=(const tls_context&) = delete;

private:
    friend class tls_session;
    struct parts;
    explicit tls_context(std::unique_ptr<parts> made);
    std::unique_ptr<parts> parts_;
};

class tls_session {
public:
    explicit tls_session(std::shared_ptr<tls_context> context);
    ~tls_session();
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;

    //! Takes bytes from the socket. False when the session is broken: send output(), then close.
    bool received(std::string_view encrypted);
    //! Plain bytes into the buffer; 0 when there are none now.
    std::size_t read(char* into, std::size_t size);
    //! Encrypts; false when the session is broken. Only after ready().
    bool write(std::string_view plain);
    //! The other side said that it sends no more.
    bool ended() const noexcept;
    bool ready() const noexcept; //!< the handshake is done
    //! Says that we send no more.
    void close();
    //! Encrypted bytes for the socket, taken by the caller.
    std::string& output() noexcept;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace fasti::http
