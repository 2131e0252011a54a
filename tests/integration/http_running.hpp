// SPDX-License-Identifier: Apache-2.0
//! A server with real sockets for the tests in this folder.
#pragma once

#include "adapters/http/io_loop.hpp"
#include "adapters/http/server.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fasti::http {

//! A server on its own thread. /later waits for release(); /stream stays open; all else is echoed.
class running {
public:
    explicit running(server_options options = {}, listener_options listener = {}) {
        serving_ = std::make_unique<server>(loop_, options, [this](responder to) { handle(to); });
        const result<std::uint16_t> bound = serving_->listen(listener);
        EXPECT_TRUE(bound.ok());
        port = bound.ok() ? *bound : 0;
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~running() {
        loop_.stop();
        thread_.join();
    }
    running(const running&) = delete;
    running& operator=(const running&) = delete;

    //! Runs on the io thread and waits for its end.
    template <class Work>
    void on_loop(Work work) {
        std::promise<void> done;
        loop_.post([&] {
            work();
            done.set_value();
        });
        done.get_future().wait();
    }
    void post(std::function<void()> work) { loop_.post(std::move(work)); }
    //! Runs `work` on the io thread, waits until all that had arrived by its end was heard, and returns how many
    //! requests there were then.
    template <class Work>
    std::uint64_t hear_after(Work work) {
        std::promise<std::uint64_t> heard;
        loop_.post([&] {
            work();
            serving_->when_read([&] { heard.set_value(serving_->counters().requests); });
        });
        return heard.get_future().get();
    }
    void release() {
        on_loop([this] {
            for (const responder& each : waiting_) {
                if (each.open()) {
                    each.out().body = "released";
                    each.send();
                }
            }
            waiting_.clear();
        });
    }
    server_counters counters() {
        server_counters seen;
        on_loop([&] { seen = serving_->counters(); });
        return seen;
    }
    std::future<void> drain(std::uint32_t deadline_ms) {
        auto ended = std::make_shared<std::promise<void>>();
        on_loop([&] { serving_->drain(deadline_ms, [ended] { ended->set_value(); }); });
        return ended->get_future();
    }
    server& serving() { return *serving_; }
    //! The paths asked for, in the order of their handling.
    std::vector<std::string> asked() {
        std::vector<std::string> seen;
        on_loop([&] { seen = asked_; });
        return seen;
    }

    std::uint16_t port = 0;
    std::promise<void> left; //!< a client of /later or /stream went away

private:
    void handle(responder to) {
        const std::string path(to.in().path);
        asked_.push_back(path);
        if (path == "/later") {
            to.on_cancel([this, to] {
                to.send();
                left.set_value();
            });
            waiting_.push_back(to);
        } else if (path == "/stream") {
            to.out().content_type = media::event_stream;
            const stream open = to.start_stream();
            open.on_close([this] { left.set_value(); });
            open.write("data: 1\n\n");
        } else if (path == "/big") {
            to.out().body.assign(8U << 20U, 'x');
            to.send();
        } else {
            to.out().body = path + to.in().body;
            to.send();
        }
    }

    io_loop loop_;
    std::unique_ptr<server> serving_;
    std::vector<responder> waiting_;
    std::vector<std::string> asked_;
    std::thread thread_;
};

} // namespace fasti::http
