// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <climits>
#include <utility>

namespace fasti::http {

namespace {

struct free_context {
    void operator()(SSL_CTX* held) const noexcept { SSL_CTX_free(held); }
};
struct free_session {
    void operator()(SSL* held) const noexcept { SSL_free(held); }
};

std::string last_reason() {
    std::array<char, 256> text{};
    const unsigned long code = ERR_peek_last_error();
    ERR_error_string_n(code, text.data(), text.size());
    const char* const reason = ERR_reason_error_string(code);
    ERR_clear_error();
    return reason != nullptr ? reason : text.data();
}

error refused(const std::string& what, const std::string& file) {
    return {.code = error_code::configuration_invalid,
            .message = what + " " + file + ": " + last_reason() + "."};
}

//! A client that offers protocols must offer ours; one that offers none speaks HTTP/1.1.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void*) {
    static constexpr std::array<unsigned char, 9> ours = {8,   'h', 't', 't', 'p',
                                                          '/', '1', '.', '1'};
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_size, ours.data(), ours.size(), in, in_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

} // namespace

struct tls_context::parts {
    std::unique_ptr<SSL_CTX, free_context> context;
};

tls_context::tls_context(std::unique_ptr<parts> made) : parts_(std::move(made)) {}
tls_context::~tls_context() = default;

result<std::shared_ptr<tls_context>> tls_context::load(const tls_files& files) {
    ERR_clear_error();
    auto made = std::make_unique<parts>();
    made->context.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX* const context = made->context.get();
    if (context == nullptr) {
        return refused("There is no TLS for", files.certificate);
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(
        context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_cipher_list(context,
                            "ECDHE+AESGCM:ECDHE+CHACHA20"); // of TLS 1.2: forward secret, AEAD
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
        return refused("Cannot read the TLS certificate", files.certificate);
    }
    if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        return refused("Cannot read the TLS key", files.key);
    }
    if (SSL_CTX_check_private_key(context) != 1) {
        return refused("The TLS key does not belong to the certificate", files.key);
    }
    return std::shared_ptr<tls_context>(new tls_context(std::move(made)));
}

struct tls_session::parts {
    std::shared_ptr<tls_context> context;
    std::unique_ptr<SSL, free_session> session;
    BIO* in = nullptr; //!< both owned by the session
    BIO* out_bio = nullptr;
    std::string out;
    bool ended = false;
    bool broken = false;

    void collect() {
        const std::size_t waiting = BIO_ctrl_pending(out_bio);
        if (waiting == 0) {
            return;
        }
        const std::size_t before = out.size();
        out.resize(before + waiting);
        const int got = BIO_read(out_bio, out.data() + before, static_cast<int>(waiting));
        out.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    }
    //! What a call that did not succeed means for the session.
    void judge(int returned) {
        const int why = SSL_get_error(session.get(), returned);
        ended = ended || why == SSL_ERROR_ZERO_RETURN;
        broken = broken || why == SSL_ERROR_SSL || why == SSL_ERROR_SYSCALL;
    }
};

tls_session::tls_session(std::shared_ptr<tls_context> context) : parts_(std::make_unique<parts>()) {
    parts_->context = std::move(context);
    parts_->session.reset(SSL_new(parts_->context->parts_->context.get()));
    parts_->in = BIO_new(BIO_s_mem());
    parts_->out_bio = BIO_new(BIO_s_mem());
    parts_->broken = parts_->session == nullptr || parts_->in == nullptr ||
                     parts_->out_bio == nullptr;
    if (parts_->broken) {
        BIO_free(parts_->in);
        BIO_free(parts_->out_bio);
        return;
    }
    SSL_set_bio(parts_->session.get(), parts_->in, parts_->out_bio);
    SSL_set_accept_state(parts_->session.get());
}

tls_session::~tls_session() = default;

bool tls_session::received(std::string_view encrypted) {
    if (parts_->broken) {
        return false;
    }
    ERR_clear_error();
    BIO_write(parts_->in, encrypted.data(), static_cast<int>(encrypted.size()));
    if (!ready()) {
        const int done = SSL_do_handshake(parts_->session.get());
        if (done != 1) {
            parts_->judge(done);
        }
    }
    parts_->collect();
    return !parts_->broken;
}

std::size_t tls_session::read(char* into, std::size_t size) {
    if (parts_->broken || !ready()) {
        return 0;
    }
    ERR_clear_error();
    std::size_t got = 0;
    const int done = SSL_read_ex(parts_->session.get(), into, size, &got);
    if (done != 1) {
        parts_->judge(done);
    }
    parts_->collect();
    return done == 1 ? got : 0;
}

bool tls_session::write(std::string_view plain) {
    if (parts_->broken) {
        return false;
    }
    ERR_clear_error();
    std::size_t written = 0;
    const int done = plain.empty() ? 1
                                   : SSL_write_ex(parts_->session.get(), plain.data(), plain.size(),
                                                  &written);
    if (done != 1) {
        parts_->judge(done);
    }
    parts_->collect();
    return done == 1;
}

bool tls_session::ended() const noexcept { return parts_->ended || parts_->broken; }
bool tls_session::ready() const noexcept {
    return parts_->session != nullptr && SSL_is_init_finished(parts_->session.get()) == 1;
}

void tls_session::close() {
    if (!parts_->broken && ready()) {
        ERR_clear_error();
        SSL_shutdown(parts_->session.get());
        parts_->collect();
    }
}

std::string& tls_session::output() noexcept { return parts_->out; }

} // namespace fasti::http
