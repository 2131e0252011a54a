// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/proof_routes.hpp"

#include "adapters/api/parameters.hpp"
#include "adapters/api/refusals.hpp"
#include "adapters/node/model_fold.hpp"
#include "domain/wire/json_writer.hpp"
#include "domain/wire/operations_json.gen.hpp"
#include "eventstore/port/token.hpp"
#include "projections/proof/proof_json.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fasti::api {
namespace {

constexpr std::int64_t progress_every_us = 200'000;
constexpr std::string_view parked_part = "parked";
constexpr std::string_view model_part = "write_model";

std::string frame(std::string_view type, std::string_view data) {
    std::string out("event: ");
    out.append(type).append("\ndata: ").append(data).append("\n\n");
    return out;
}

//! What the worker waits for from another thread; whoever stops the proof ends all waiting.
class rendezvous {
public:
    //! Begins `ask`, which is to call tell() once, and waits for that. Nothing when it was stopped.
    template <class Value, class Ask>
    std::optional<Value> wait_for(const Ask& ask) {
        const auto slot = std::make_shared<std::optional<Value>>();
        ask([this, slot](Value value) {
            const std::lock_guard lock(mutex_);
            *slot = std::move(value);
            told_.notify_all();
        });
        std::unique_lock lock(mutex_);
        told_.wait(lock, [&] { return slot->has_value() || stopped_; });
        return std::move(*slot);
    }

    void stop() {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        told_.notify_all();
    }
    bool stopped() const {
        const std::lock_guard lock(mutex_);
        return stopped_;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable told_;
    bool stopped_ = false;
};

enum class proof_kind : std::uint8_t { replay, rebuild, verify };

//! One proof on its way. Shared by the worker and what was posted to other threads.
struct job {
    job(api_context& of, proof_kind kind) : context(of), what(kind) {}

    api_context& context;
    rendezvous meeting = {};
    proof_kind what;
    std::string view = {};
    http::stream out = {};                        //!< I/O thread only
    std::int64_t pause_us_max = 0;                //!< of the I/O thread, and its own
    std::atomic<std::int64_t> model_pause_us = 0; //!< of the thread that decides commands
    std::int64_t begun_us = 0;
};

using job_pointer = std::shared_ptr<job>;

void tell(const job_pointer& of, std::string text) {
    const auto shared = std::make_shared<std::string>(std::move(text));
    of->context.post([of, shared] { of->out.write(*shared); });
}

//! The live views, asked for one after the other on the thread that owns them.
class live_parts final : public served_parts {
public:
    explicit live_parts(job_pointer of) : job_(std::move(of)) {}

    result<position> at() override {
        return or_stopped(job_->meeting.wait_for<position>([this](auto told) {
            job_->context.post([of = job_, told] { told(of->context.live->views().at()); });
        }));
    }

    std::vector<std::string> names() const override {
        std::vector<std::string> out;
        const auto any = std::make_unique<view_set>(); // the live ones are not this thread's
        any->each_view([&](const auto& view) { out.emplace_back(view.name); });
        out.emplace_back(parked_part);
        if (job_->context.show_model) {
            out.emplace_back(model_part); // stands at the head: behind everything else
        }
        return out;
    }

    result<served_part> read(std::string_view name) override {
        return name == model_part ? read_model() : read_view(std::string(name));
    }

private:
    template <class Value>
    static result<Value> or_stopped(std::optional<Value> value) {
        if (!value.has_value()) {
            return error{error_code::not_ready, "The proof was stopped before its end."};
        }
        return std::move(*value);
    }

    result<served_part> read_view(std::string name) {
        return or_stopped(job_->meeting.wait_for<served_part>([&](auto told) {
            job_->context.post([of = job_, told, name] {
                const std::int64_t begun = of->context.time.monotonic_us();
                const view_set& views = of->context.live->views();
                served_part out;
                out.at = views.at();
                if (name == parked_part) {
                    views.write_parked(out.bytes);
                } else {
                    out.bytes = bytes_of(views, name);
                }
                of->pause_us_max = std::max(of->pause_us_max,
                                            of->context.time.monotonic_us() - begun);
                told(std::move(out));
            });
        }));
    }

    result<served_part> read_model() {
        return or_stopped(job_->meeting.wait_for<served_part>([this](auto told) {
            job_->context.show_model([told, of = job_](const write_model& model, position at) {
                const std::int64_t begun = of->context.time.monotonic_us();
                served_part out;
                out.at = at;
                model.write_snapshot(out.bytes);
                of->model_pause_us = of->context.time.monotonic_us() - begun;
                told(std::move(out));
            });
        }));
    }

    job_pointer job_;
};

class sse_listener final : public proof_listener {
public:
    explicit sse_listener(job_pointer of) : job_(std::move(of)) {}

    bool progress(std::string_view step, std::uint64_t done, std::uint64_t total) override {
        const std::int64_t now = job_->context.time.monotonic_us();
        if (step != step_ || now - told_us_ >= progress_every_us) {
            step_ = step;
            told_us_ = now;
            std::string data;
            json_writer out(data);
            out.begin_object();
            out.text("step", step);
            out.number("done", done);
            out.number("total", total);
            out.end_object();
            tell(job_, frame("progress", data));
        }
        return !job_->meeting.stopped();
    }

    void found(const finding& one) override {
        if (findings_++ >= findings_told_max) {
            return;
        }
        std::string data;
        json_writer out(data);
        write_json(out, one);
        tell(job_, frame("finding", data));
    }

    void note(std::string_view sentence) override {
        if (notes_++ >= findings_told_max) {
            return;
        }
        std::string data;
        json_writer out(data);
        out.begin_object();
        out.text("text", sentence);
        out.end_object();
        tell(job_, frame("note", data));
    }

private:
    job_pointer job_;
    std::string step_;
    std::int64_t told_us_ = 0;
    std::uint64_t findings_ = 0;
    std::uint64_t notes_ = 0;
};

std::string result_document(const job& of, const proof_report& report) {
    const ledger& facts = of.context.live->facts();
    std::string body;
    json_writer out(body);
    out.begin_object();
    out.number("events", report.head);
    if (const auto hash = facts.hash_at(report.head); hash.ok()) {
        std::string token;
        write_token(facts.head().epoch, report.head, hash->prefix(), token);
        out.text("position", token);
    }
    out.number("snapshots", report.snapshots);
    out.number("findings", report.findings);
    out.number("findings_told", std::min(report.findings, findings_told_max));
    out.name("parts");
    out.begin_array();
    for (const compared_part& one : report.parts) {
        write_json(out, one);
    }
    out.end_array();
    out.number("pause_seconds_max", static_cast<double>(of.pause_us_max) / 1e6);
    out.number("commands_pause_seconds", static_cast<double>(of.model_pause_us.load()) / 1e6);
    out.number("seconds", static_cast<double>(of.context.time.monotonic_us() - of.begun_us) / 1e6);
    out.end_object();
    return body;
}

//! How few events may be left to fold on the I/O thread when rebuilt views take over.
constexpr position events_left_enough = 2'000;

//! Folds to where the live views stand, again and again until almost nothing is left; the rest and
//! the change of places happen between two batches.
result<proof_report> rebuild_and_swap(const job_pointer& of, live_parts& served,
                                      sse_listener& listener) {
    const ledger& facts = of->context.live->facts();
    const auto progress = [&](std::uint64_t done, std::uint64_t total) {
        return listener.progress("rebuild", done, total);
    };
    const auto fresh = std::make_shared<std::unique_ptr<view_set>>(std::make_unique<view_set>());
    for (;;) {
        const auto target = served.at();
        if (!target.ok()) {
            return target.error();
        }
        const position left = target.value() - (*fresh)->at();
        if (auto folded = catch_up({**fresh}, facts, target.value(), progress); !folded.ok()) {
            return std::move(folded).error();
        }
        if (left <= events_left_enough) {
            break;
        }
    }
    auto swapped = of->meeting.wait_for<result<position>>([&](auto told) {
        of->context.post([of, fresh, told] {
            const std::int64_t begun = of->context.time.monotonic_us();
            node& live = *of->context.live;
            const position at = live.views().at();
            auto folded = catch_up({**fresh}, live.facts(), at, {});
            if (folded.ok()) {
                live.adopt(std::move(*fresh));
            }
            of->pause_us_max = of->context.time.monotonic_us() - begun;
            told(folded.ok() ? result<position>{at} : result<position>{folded.error()});
        });
    });
    if (!swapped.has_value()) {
        return error{error_code::not_ready, "The rebuild was stopped before its end."};
    }
    if (!swapped->ok()) {
        return swapped->error();
    }
    proof_report report;
    report.head = swapped->value();
    return report;
}

//! On the worker, from beginning to end.
result<proof_report> prove(const job_pointer& of) {
    live_parts served(of);
    sse_listener listener(of);
    if (of->what == proof_kind::rebuild) {
        return rebuild_and_swap(of, served, listener);
    }
    model_fold model;
    const std::array<extra_fold*, 1> extras{&model};
    const proof_input input{of->context.live->facts(), served, extras, listener};
    return of->what == proof_kind::verify ? prove_everything(input, of->context.snapshots)
                                          : prove_views(input, of->view);
}

} // namespace

struct proof_routes::parts {
    api_context& context;
    job_pointer running = {};

    void admit(const call& asked, const job_pointer& one);
    void begin(const call& asked, const job_pointer& one);
    void end(const job_pointer& one, const result<proof_report>& made);
};

proof_routes::proof_routes(api_context& context) : parts_(new parts{context}) {}
proof_routes::~proof_routes() { stop(); }

void proof_routes::handle(const call& asked, query<operations::replay_params>) {
    const auto read = read_parameters<operations::replay_params>(asked);
    if (!read.ok()) {
        asked.refuse(read.error());
        return;
    }
    const auto one = std::make_shared<job>(parts_->context, proof_kind::replay);
    one->view = read->own.view ? operations::to_name(*read->own.view) : "";
    parts_->admit(asked, one);
}

void proof_routes::handle(const call& asked, query<operations::rebuild_views_params>) {
    if (auto read = read_parameters<operations::rebuild_views_params>(asked); !read.ok()) {
        asked.refuse(read.error());
        return;
    }
    parts_->admit(asked, std::make_shared<job>(parts_->context, proof_kind::rebuild));
}

void proof_routes::handle(const call& asked, query<operations::verify_params>) {
    if (auto read = read_parameters<operations::verify_params>(asked); !read.ok()) {
        asked.refuse(read.error());
        return;
    }
    parts_->admit(asked, std::make_shared<job>(parts_->context, proof_kind::verify));
}

//! One at a time, and none any more while the server drains.
void proof_routes::parts::admit(const call& asked, const job_pointer& one) {
    if (context.now == phase::draining) {
        asked.refuse(shutting_down());
        return;
    }
    if (running != nullptr) {
        asked.refuse(error{error_code::proof_running,
                           "A replay or a verification runs already; there is one at a time."});
        return;
    }
    begin(asked, one);
}

void proof_routes::parts::begin(const call& asked, const job_pointer& one) {
    one->begun_us = context.time.monotonic_us();
    // What the worker posts comes after this function, so the stream is open by then.
    const bool taken = context.proofs.run([this, one] {
        auto made = std::make_shared<result<proof_report>>(prove(one));
        one->context.post([this, one, made] { end(one, *made); });
    });
    if (!taken) {
        asked.refuse(queue_full());
        return;
    }
    running = one;
    http::response& out = asked.out();
    out.content_type = http::media::event_stream;
    out.add_header("X-Accel-Buffering", "no"); // proxies of nginx's kind would hold frames back
    out.add_header("Fasti-Position", context.live->position_token());
    one->out = asked.to.start_stream();
    if (!one->out.open()) {
        one->meeting.stop();
        return;
    }
    one->out.on_close([one] { one->meeting.stop(); });
}

void proof_routes::parts::end(const job_pointer& one, const result<proof_report>& made) {
    if (made.ok()) {
        one->out.write(frame("result", result_document(*one, *made)));
    } else {
        std::string problem;
        http::append_problem(made.error(), traits_of(made.error().code).http_status, problem);
        one->out.write(frame("failure", problem));
    }
    one->out.finish();
    if (running == one) {
        running = nullptr;
    }
}

void proof_routes::stop() {
    if (parts_->running != nullptr) {
        parts_->running->meeting.stop();
    }
}

} // namespace fasti::api
