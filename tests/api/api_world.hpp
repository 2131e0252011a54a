// SPDX-License-Identifier: Apache-2.0
//! The whole API in front of a node, both driven by the test: connections without sockets, real workers, and
//! what these post is run by the test, which plays the I/O thread.
#pragma once

#include "adapters/api/http_api.hpp"
#include "adapters/crypto/token_text.hpp"
#include "adapters/http/connection.hpp"
#include "eventstore/memory/memory_ledger.hpp"
#include "tests/sim/hand_driven_node.hpp"
#include "tests/support/memory_snapshot_store.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace fasti::api {

//! Work posted to the test's thread.
class posted_work {
public:
    void post(std::function<void()> work) {
        const std::lock_guard lock(mutex_);
        work_.push_back(std::move(work));
        some_.notify_one();
    }
    //! Runs one piece; waits for it if there is none yet.
    void run_one() {
        std::function<void()> work;
        {
            std::unique_lock lock(mutex_);
            const bool come = some_.wait_for(lock, std::chrono::seconds(20),
                                             [this] { return !work_.empty(); });
            ASSERT_TRUE(come) << "nobody posted anything";
            work = std::move(work_.front());
            work_.pop_front();
        }
        work();
    }
    //! Runs all that was posted so far.
    void run_all() {
        for (const auto& work : take_all()) {
            work();
        }
    }

private:
    std::deque<std::function<void()>> take_all() {
        const std::lock_guard lock(mutex_);
        return std::exchange(work_, {});
    }

    std::mutex mutex_;
    std::condition_variable some_;
    std::deque<std::function<void()>> work_;
};

//! One client on a connection of its own.
struct api_client {
    std::unique_ptr<http::connection> line;

    bool waits() const { return line->output().empty(); }
    //! What came since the last call, as it is on the wire.
    std::string take() const { return std::exchange(line->output(), {}); }
};

struct api_world : http::connection_host {
    posted_work posted;
    fake_clock time;
    fake_ids ids;
    memory_ledger facts{id128{}, 7};
    hand_driven_node node{facts, time, ids, {}};
    std::vector<std::string> logged;
    telemetry::logger log{log_to(*this)};
    telemetry::metrics_registry metrics;
    test::memory_snapshot_store snapshots;
    worker slow{"slow", 16, slow_lanes};
    worker folds{"folds", 2};
    worker proofs{"proofs", 1};
    api_context context{.time = time,
                        .log = log,
                        .metrics = metrics,
                        .snapshots = snapshots,
                        .slow = slow,
                        .folds = folds,
                        .proofs = proofs,
                        .post = [this](auto work) { posted.post(std::move(work)); },
                        .version = "1.2.3"};
    http::exchange_pool pool;
    http::head_parts prepared;
    http_api api{context};
    std::shared_ptr<http::connection_setting> setting = std::make_shared<http::connection_setting>();
    std::shared_ptr<const principal> caller = std::make_shared<principal>(
        principal{"system/test", "", {std::string(permission_everything)}});

    ~api_world() {
        api.stop_long_work();
        proofs.stop();
        folds.stop();
        slow.stop();
    }

    //! Recovery is over.
    void serve() {
        context.commands_waiting = [] { return std::size_t{0}; };
        api.start(*node);
    }

    //! The header of a token that may do everything.
    std::string let_in() {
        const crypto::fresh_token fresh = crypto::make_token();
        identity::create_token what;
        what.name = "test";
        what.permissions = {permission_everything};
        what.token = fresh.parts.id;
        what.secret_sha256 = fresh.parts.secret_sha256.as_bytes();
        EXPECT_EQ(node.run(what, caller).kind, outcome_kind::appended);
        return "Authorization: Bearer " + fresh.text + "\r\n";
    }

    api_client send(const std::string& path, const std::string& headers = "") {
        api_client made{std::make_unique<http::connection>(*this, setting, "127.0.0.1")};
        const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers +
                                    "\r\n";
        const http::connection::span room = made.line->room();
        std::memcpy(room.data, request.data(), request.size());
        made.line->received(request.size());
        return made;
    }
    //! The answer as it is on the wire.
    std::string ask(const std::string& path, const std::string& headers = "") {
        const api_client made = send(path, headers);
        while (made.waits() && !testing::Test::HasFatalFailure()) {
            posted.run_one();
        }
        return made.take();
    }

    void register_instance(std::string_view service, std::string_view instance,
                           std::uint32_t weight = 1) {
        registry::register_instance what;
        what.service = service;
        what.instance = instance;
        what.address = "10.0.0.1";
        what.port = 80;
        what.weight = weight;
        EXPECT_EQ(node.run(what, caller).kind, outcome_kind::appended);
    }

    void handle(http::responder to) override { api.handle(to); }
    void answered(const http::request& in, const http::response& out) override {
        api.answered(in, out);
    }
    void wake(http::connection&) override {}
    const http::head_parts& heads() const override { return prepared; }
    http::exchange_pool& exchanges() override { return pool; }
    bool draining() const override { return false; }

private:
    static telemetry::log_options log_to(api_world& of) {
        telemetry::log_options how;
        how.now = [&of] { return of.time.wall; };
        how.sink = [&of](std::string_view text) { of.logged.emplace_back(text); };
        return how;
    }
};

} // namespace fasti::api
