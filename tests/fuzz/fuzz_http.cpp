// SPDX-License-Identifier: Apache-2.0
// Bytes from the network: the codec must read them the same whole and in pieces, and a connection must
// never answer more requests than there were, whatever they hold.
#include "adapters/http/connection.hpp"
#include "adapters/http/problem.hpp"
#include "domain/base/check.hpp"
#include "domain/base/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace {

using namespace fasti::http;

//! What a run of the codec came to, as text to compare.
std::string read_all(std::string_view bytes, std::size_t piece) {
    codec_limits limits;
    limits.head_bytes_max = 1024;
    limits.body_bytes_max = 512;
    limits.query_pairs_max = 8;
    codec under_test(limits);
    request current;
    std::string input;
    std::string story;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        input.append(bytes.substr(at, piece));
        for (;;) {
            const codec::outcome read = under_test.feed(input, current);
            fasti::check(read.consumed <= input.size(),
                         "the codec consumes only what it was given");
            input.erase(0, read.consumed);
            if (read.state == codec_state::bad) {
                return story + "bad";
            }
            if (read.state == codec_state::need_more) {
                break;
            }
            fasti::check(current.body.size() <= limits.body_bytes_max,
                         "a body stays within its limit");
            fasti::check(current.query.size() <= limits.query_pairs_max,
                         "a query stays within its limit");
            story.append(current.verb_name).append(" ").append(current.path).append("\n");
            for (const query_pair& pair : current.query) {
                fasti::check(fasti::is_utf8(pair.name) && fasti::is_utf8(pair.value),
                             "a query is UTF-8");
                story.append(pair.name).append("=").append(pair.value).append("\n");
            }
            std::string room;
            if (const auto path = percent_decode(current.path, room)) {
                fasti::check(fasti::is_utf8(*path), "a decoded path is UTF-8");
            }
            (void)expect_json(current);
            (void)accept_weight(current.get(header_id::accept), media::json);
            story.append(current.host).append(current.body).append("\n");
            current.clear();
        }
    }
    return story;
}

struct echo final : connection_host {
    void handle(responder to) override {
        ++asked;
        if (asked % 3 == 0) {
            waiting = to;
            return;
        }
        to.out().body.assign(to.in().path);
        to.send();
        waiting.send();
    }
    void wake(connection&) override {}
    const head_parts& heads() const override { return prepared; }
    exchange_pool& exchanges() override { return pool; }
    bool draining() const override { return false; }

    head_parts prepared;
    exchange_pool pool;
    responder waiting;
    std::size_t asked = 0;
};

void converse(std::string_view bytes) {
    echo host;
    {
        connection client(host, std::make_shared<const connection_setting>(), "127.0.0.1");
        while (!bytes.empty() && client.wants_input()) {
            const connection::span room = client.room();
            const std::size_t size = std::min(room.size, bytes.size());
            std::memcpy(room.data, bytes.data(), size);
            bytes.remove_prefix(size);
            client.received(size);
            client.resume();
            client.output().clear();
        }
        client.input_ended();
    }
    host.waiting.send();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::string whole = read_all(bytes, size + 1);
    fasti::check(whole == read_all(bytes, 1), "bytes mean the same whole and one by one");
    fasti::check(whole == read_all(bytes, 13), "bytes mean the same whole and in pieces");
    converse(bytes);
    return 0;
}
