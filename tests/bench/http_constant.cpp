// SPDX-License-Identifier: Apache-2.0
// The least this server can do: one constant answer to every request, so that its cost per request can
// be set beside nginx with `return 200`.
// Usage: http_constant PORT [CERTIFICATE KEY]; prints the port and serves until SIGTERM.
#include "adapters/http/io_loop.hpp"
#include "adapters/http/server.hpp"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <string_view>

int main(int count, char** arguments) {
    using namespace fasti::http;
    io_loop loop;
    server serving(loop, {}, [](responder to) {
        response& out = to.out();
        out.content_type = media::text;
        out.body.append("Hello, World!");
        to.send();
    });
    listener_options options;
    if (count > 1) {
        const std::string_view port = arguments[1];
        std::from_chars(port.data(), port.data() + port.size(), options.port);
    }
    if (count > 3) {
        options.tls = tls_files{arguments[2], arguments[3]};
    }
    const auto port = serving.listen(options);
    if (!port) {
        std::fprintf(stderr, "%s\n", port.error().message.c_str());
        return 1;
    }
    std::printf("%d\n", *port);
    std::fflush(stdout);
    loop.on_signals({SIGTERM, SIGINT}, [&](int) { serving.drain(1000, [&] { loop.stop(); }); });
    loop.run();
    return 0;
}
