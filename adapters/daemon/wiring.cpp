// SPDX-License-Identifier: Apache-2.0
//! The one place that sees every part. A server is one struct whose members stand in the order in
//! which they depend on each other, so they are taken apart in the reverse order.
#include "adapters/api/http_api.hpp"
#include "adapters/api/metrics_page.hpp"
#include "adapters/clock/system_clock.hpp"
#include "adapters/crypto/digest.hpp"
#include "adapters/crypto/uuid7_source.hpp"
#include "adapters/daemon/admin_token.hpp"
#include "adapters/daemon/housekeeping.hpp"
#include "adapters/daemon/lease_checkpoints.hpp"
#include "adapters/daemon/private_files.hpp"
#include "adapters/daemon/serve.hpp"
#include "adapters/http/io_loop.hpp"
#include "adapters/http/server.hpp"
#include "adapters/node/file_snapshots.hpp"
#include "adapters/node/model_fold.hpp"
#include "adapters/node/thread_name.hpp"
#include "commands/pipeline/sequencer.hpp"
#include "eventstore/segments/posix_files.hpp"
#include "eventstore/segments/recording.hpp"
#include "eventstore/segments/segment_ledger.hpp"
#include "projections/engine/snapshots.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace fasti {
namespace {

constexpr std::uint32_t tick_ms = 8;          // hearing what was sent, then leases lapse
constexpr std::uint32_t slow_tick_ms = 100;   // time-outs of waits; the leases' checkpoint
constexpr std::size_t slow_waiting_max = 256; // in each lane
constexpr std::size_t folds_waiting_max = 16;
constexpr int exit_store_failed = 74; // EX_IOERR

//! A door that records what passes when a test asked for one (see fasti_crash_image).
std::unique_ptr<files> record_of(files& disk, const std::string& path) {
    if (path.empty()) {
        return nullptr;
    }
    auto recorder = make_recording_files(disk, path);
    check(recorder.ok(), "a record that a test asked for can be written");
    return std::move(recorder).value();
}

struct server_process {
    loaded_config settings;
    telemetry::logger& log;
    const serve_hooks& hooks;

    system_clock time = {};
    crypto::uuid7_source ids{time};
    posix_files real_disk = {};
    std::unique_ptr<files> recorder = record_of(real_disk, hooks.record_files); // tests only
    files& disk = recorder ? *recorder : real_disk;
    std::unique_ptr<segment_ledger> facts = {};
    file_snapshots snapshots{disk, snapshot_folder(settings.values.data.dir)};
    http::io_loop loop = {};
    worker slow{"slow", slow_waiting_max, api::slow_lanes}; // short turns
    worker folds{"folds", folds_waiting_max};               // past views: seconds each
    worker proofs{"proofs", 1};
    telemetry::metrics_registry metrics = {};
    api::api_context context{.time = time,
                             .log = log,
                             .metrics = metrics,
                             .snapshots = snapshots,
                             .slow = slow,
                             .folds = folds,
                             .proofs = proofs,
                             .post = [this](auto work) { loop.post(std::move(work)); }};
    std::unique_ptr<api::http_api> api = {};
    std::unique_ptr<http::server> sockets = {};
    std::unique_ptr<write_model> model = {};
    std::unique_ptr<sequencer> decides = {};
    std::unique_ptr<node> live = {};
    std::unique_ptr<lease_checkpoints> checkpoints = {};
    std::unique_ptr<pipeline_thread> pipeline = {};
    std::unique_ptr<housekeeping> house = {};
    std::thread recovering = {};
    std::atomic<bool> stopping = false;
    std::optional<error> failure = {};
    bool hearing = false; //!< waits for all that can be read now
    std::uint16_t port = 0;

    result<void> open();
    result<void> listen();
    void recover();
    void start(recovery state);
    void start_pipeline();
    void go_public();
    void hear();
    void slow_tick();
    void on_signal(int number);
    void reload();
    void drain();
    void close();
};

result<void> server_process::open() {
    const std::string& data = settings.values.data.dir;
    if (auto made = make_private_folder(data); !made.ok()) {
        return made;
    }
    segment_options how;
    how.path = log_folder(data);
    how.segment_bytes = settings.values.store.segment_bytes;
    crypto::fill_random(how.fresh_log_id.bytes);
    std::array<std::uint8_t, 8> epoch{};
    crypto::fill_random(epoch);
    std::memcpy(&how.fresh_epoch, epoch.data(), epoch.size());
    how.report = [this](const store_note& note) { log.warn(note.text); };
    auto opened = open_segments(disk, how);
    if (!opened.ok()) {
        return std::move(opened).error();
    }
    facts = std::move(opened).value();
    return {};
}

result<void> server_process::listen() {
    const auto& http = settings.values.http;
    http::server_options how;
    how.limits.codec.head_bytes_max = http.header_bytes_max;
    how.limits.codec.body_bytes_max = http.body_bytes_max;
    how.patience.header_ms = static_cast<std::uint32_t>(http.request_timeout_ms);
    how.patience.body_ms = static_cast<std::uint32_t>(http.request_timeout_ms);
    how.patience.idle_ms = static_cast<std::uint32_t>(http.idle_timeout_ms);
    how.connections_max = http.connections_max;
    context.version = hooks.version;
    context.started_us = time.monotonic_us();
    context.options.access_log = http.access_log;
    context.options.followers_max = settings.values.sse.followers_max;
    context.options.follower_bytes_max = settings.values.sse.buffer_bytes_max;
    context.options.past_bytes_max = settings.values.past.memory_bytes_max;
    api = std::make_unique<api::http_api>(context);
    sockets = std::make_unique<http::server>(loop, how,
                                             [this](http::responder to) { api->handle(to); });
    sockets->on_answered(
        [this](const http::request& in, const http::response& out) { api->answered(in, out); });
    metrics.add_collector(telemetry::write_process_metrics);
    metrics.add_collector([this](telemetry::metrics_writer& to) {
        api::write_connection_metrics(sockets->counters(), to);
    });
    const auto where = endpoint_from(http.listen);
    check(where.has_value(), "the configuration checks endpoints");
    http::listener_options listener;
    listener.address = where->host;
    listener.port = where->port;
    listener.insecure_plaintext = http.insecure_plaintext;
    listener.hosts = http.hosts;
    if (!http.tls_cert.empty()) {
        listener.tls = http::tls_files{http.tls_cert, http.tls_key};
    }
    auto bound = sockets->listen(listener);
    if (!bound.ok()) {
        return std::move(bound).error();
    }
    port = bound.value();
    return {};
}

//! On a thread of its own: the listener says meanwhile how far it is.
void server_process::recover() {
    struct outcome {
        model_fold model;
        std::optional<result<recovery>> made;
    };
    const auto done = std::make_shared<outcome>();
    const std::array<extra_fold*, 1> extras{&done->model};
    const position head = facts->head().last;
    const auto progress = [this, head](std::uint64_t folded, std::uint64_t) {
        loop.post([this, folded, head] {
            context.recovery_progress = "Folded " + std::to_string(folded) +
                                        " events towards position " + std::to_string(head) + ".";
        });
        return !stopping.load();
    };
    done->made = fasti::recover(*facts, snapshots, head, extras, progress);
    loop.post([this, done] {
        if (!done->made->ok()) {
            failure = done->made->error();
            loop.stop();
            return;
        }
        if (context.now == api::phase::draining) {
            return; // told to end meanwhile: nothing is begun any more
        }
        model = done->model.take();
        start(std::move(*done->made).value());
    });
}

void server_process::start(recovery state) {
    for (const std::string& ignored : state.ignored) {
        log.warn(ignored);
    }
    const auto& values = settings.values.registry;
    node_options how;
    how.reap_ms = static_cast<std::int64_t>(values.reap_ms);
    how.guard.ratio_percent = static_cast<std::uint32_t>(values.guard_ratio_percent);
    how.guard.lapsed_min = static_cast<std::uint32_t>(values.guard_min);
    how.guard.window_ms = static_cast<std::uint32_t>(values.guard_window_ms);
    how.guard.hold_ms = static_cast<std::uint32_t>(values.guard_hold_ms);
    decides = std::make_unique<sequencer>(*facts, *model, time, ids);
    live = std::make_unique<node>(*facts, std::move(state.views), time, how);
    checkpoints = std::make_unique<lease_checkpoints>(settings.values.data.dir + "/leases", *live,
                                                      log, context.post);
    checkpoints->start();
    start_pipeline();
    live->connect(*pipeline);
    context.commands_waiting = [this] { return pipeline->waiting(); };
    housekeeping::options keeping;
    keeping.snapshot_every_events = settings.values.snapshots.every_events;
    keeping.ladder.snapshots_max = settings.values.snapshots.keep;
    keeping.ladder.bytes_max = settings.values.snapshots.bytes_max;
    keeping.snapshot_at = state.from_snapshot;
    house = std::make_unique<housekeeping>(*facts, snapshots, keeping, log);
    live->add_observer(*house);
    context.take_snapshot = [this](auto done) { house->snapshot_now(std::move(done)); };
    context.show_model = [this](auto told) {
        pipeline->between_commits([this, told] { told(*model, facts->head().last); });
    };
    loop.every_ms(tick_ms, [this] { hear(); });
    loop.every_ms(slow_tick_ms, [this] { slow_tick(); });
    ensure_admin_token(*live, settings.values.data.dir, [this](result<void> done) {
        if (done.ok()) {
            go_public();
        } else {
            failure = std::move(done).error();
            loop.stop();
        }
    });
}

void server_process::start_pipeline() {
    pipeline_thread::hooks told;
    told.deliver = [this](commit_notice&& notice) {
        auto carried = std::make_shared<commit_notice>(std::move(notice));
        loop.post([this, carried] { live->on_notice(std::move(*carried)); });
    };
    told.fail = [this](const error& why) {
        log.error("The log cannot be written any more; ending so that nothing wrong is answered. " +
                  why.message);
        log.flush();
        std::_Exit(exit_store_failed);
    };
    told.idle = [this, fail = told.fail] {
        if (auto carried = facts->carry_on(); !carried.ok()) {
            fail(carried.error());
        }
    };
    told.wake_soon = [this] { loop.post([this] { pipeline->wake(); }); };
    const auto& queue = settings.values.pipeline;
    pipeline = std::make_unique<pipeline_thread>(
        *decides, queue_limits{queue.queue_commands_max, queue.queue_bytes_max}, std::move(told));
}

void server_process::go_public() {
    if (context.now == api::phase::draining) {
        return;
    }
    api->start(*live);
    const auto& values = settings.values;
    const auto where = endpoint_from(values.http.listen);
    const std::string host = where->host.find(':') == std::string::npos ? where->host
                                                                        : "[" + where->host + "]";
    const std::string scheme = values.http.tls_cert.empty() ? "http://" : "https://";
    log.info("serving", {{"address", scheme + host + ":" + std::to_string(port)},
                         {"data", values.data.dir},
                         {"position", live->views().at()}});
    hooks.announce("Fasti " + hooks.version + " serves on " + scheme + host + ":" +
                   std::to_string(port) + "\n  data         " + values.data.dir +
                   "\n  admin token  cat " + admin_token_path(values.data.dir) + "\n");
    hooks.notify("READY=1");
}

//! Leases lapse by what was read from the sockets, not by the clock alone: renewals that wait there
//! after a pause of this process are heard first.
void server_process::hear() {
    if (hearing) {
        return;
    }
    hearing = true;
    sockets->when_read([this, heard_us = time.monotonic_us()] {
        hearing = false;
        live->tick(heard_us);
    });
}

void server_process::slow_tick() {
    checkpoints->tick();
    api->tick();
}

void server_process::on_signal(int number) {
    if (number == SIGHUP) {
        reload();
    } else {
        drain();
    }
}

void server_process::reload() {
    auto fresh = hooks.reload();
    if (!fresh.ok()) {
        log.error("The configuration was not reloaded: nothing changes. " +
                  describe(fresh.error()));
        return;
    }
    for (const std::string& warning : fresh->warnings) {
        log.warn(warning);
    }
    const config_changes changes = apply_reload(settings, fresh.value());
    for (const std::string_view key : changes.applied) {
        log.info("reloaded", {{"key", key}});
    }
    for (const std::string_view key : changes.need_restart) {
        log.warn("changed in the file, but only a restart applies it", {{"key", key}});
    }
    if (const auto level = telemetry::log_level_from(settings.values.log.level)) {
        log.set_level(*level);
    }
    context.options.access_log = settings.values.http.access_log;
    if (auto tls = sockets->reload_tls(); !tls.ok()) {
        log.error("The certificate was not reloaded. " + tls.error().message);
    } else if (!settings.values.http.tls_cert.empty()) {
        log.info("read again", {{"certificate", settings.values.http.tls_cert}});
    }
    log.info(
        "the configuration was read again",
        {{"file", fresh->file},
         {"reloaded", changes.applied.size()},
         {"need_restart", changes.need_restart.size()},
         {"unchanged", config_key_count - changes.applied.size() - changes.need_restart.size()}});
}

void server_process::drain() {
    if (context.now == api::phase::draining) {
        loop.stop(); // asked twice: at once
        return;
    }
    context.now = api::phase::draining;
    hooks.notify("STOPPING=1");
    log.info("draining");
    api->drain();
    sockets->drain(static_cast<std::uint32_t>(settings.values.http.drain_timeout_ms),
                   [this] { loop.stop(); });
}

//! After the loop: what is staged becomes durable, threads end, the log gets its last mark.
void server_process::close() {
    stopping = true;
    if (recovering.joinable()) {
        recovering.join();
    }
    if (api != nullptr) {
        api->stop_long_work();
    }
    proofs.stop();
    folds.stop();
    slow.stop();
    if (house != nullptr) {
        live->remove_observer(*house);
        house->stop();
    }
    if (pipeline != nullptr) {
        pipeline->stop();
        checkpoints->stop();
    }
    if (facts != nullptr) {
        if (auto carried = facts->carry_on(); !carried.ok()) {
            log.error("The log could not be closed in order. " + carried.error().message);
        }
    }
    log.info("ended");
    log.flush();
}

} // namespace

result<void> serve(loaded_config settings, telemetry::logger& log, const serve_hooks& hooks) {
    server_process process{std::move(settings), log, hooks};
    if (auto opened = process.open(); !opened.ok()) {
        return opened;
    }
    if (auto listening = process.listen(); !listening.ok()) {
        return listening;
    }
    process.loop.on_signals({SIGTERM, SIGINT, SIGHUP},
                            [&process](int number) { process.on_signal(number); });
    process.recovering = std::thread([&process] {
        name_thread("recovery");
        process.recover();
    });
    process.loop.run();
    process.close();
    if (process.failure.has_value()) {
        return *process.failure;
    }
    return {};
}

std::string log_folder(const std::string& data) { return data + "/log"; }
std::string snapshot_folder(const std::string& data) { return data + "/snapshots"; }

} // namespace fasti
