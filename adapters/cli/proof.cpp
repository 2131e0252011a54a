// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/proof.hpp"

#include "adapters/cli/offline.hpp"
#include "adapters/cli/progress.hpp"
#include "adapters/cli/sse.hpp"
#include "adapters/cli/table.hpp"
#include "adapters/node/model_fold.hpp"
#include "domain/wire/json_writer.hpp"
#include "projections/engine/snapshots.hpp"
#include "projections/proof/proof_json.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <vector>

namespace fasti::cli {
namespace {

//! What a proof tells, shown as it comes; a list in JSON only when it is over.
class proof_printer {
public:
    proof_printer(session& at, const proof_question& what) : at_(at), what_(what) {}

    void progress(const std::string& step, std::uint64_t done, std::uint64_t total) {
        if (step != step_) {
            bar_.reset();
            step_ = step;
        }
        if (bar_ == nullptr) {
            bar_ = std::make_unique<progress_bar>(step, step == "views" ? "parts" : "events",
                                                  at_.around.err, at_.around.err_terminal);
        }
        bar_->show(done, total);
    }

    void found(const finding& one) {
        ++findings_;
        if (at_.json) {
            told_.push_back(one);
            return;
        }
        bar_.reset();
        at_.around.out << shown_text(one.what) << "  " << shown_text(one.where);
        if (one.first != 0) {
            at_.around.out << "  positions " << one.first << " to "
                           << std::max(one.first, one.last);
        }
        at_.around.out << "\n" << std::flush;
    }

    void note(std::string_view sentence) {
        bar_.reset();
        at_.say(shown_text(sentence));
    }

    int finish(const proof_report& report) {
        bar_.reset();
        const bool equal = std::all_of(report.parts.begin(), report.parts.end(),
                                       [](const compared_part& one) { return one.equal; });
        const std::uint64_t findings = std::max(report.findings, findings_);
        if (at_.json) {
            print_json(report, findings);
        } else if (what_.kind == proof_kind::rebuild) {
            at_.around.out << "Rebuilt the views from " << counted(report.head, "event")
                           << "; they are served now.\n";
        } else if (what_.kind == proof_kind::verify) {
            at_.around.out << "Verified " << counted(report.head, "event") << ", "
                           << counted(report.snapshots, "snapshot") << " and "
                           << counted(report.parts.size(), "part")
                           << " of the state against a fold from the first event: "
                           << (findings == 0 ? "nothing found" : counted(findings, "finding"))
                           << ".\n";
        } else {
            print_parts(report);
        }
        return equal && findings == 0 ? exit_success : exit_finding;
    }

private:
    void print_parts(const proof_report& report) {
        table shown{{"PART", "POSITION", "BYTES", "RESULT"}};
        for (const compared_part& one : report.parts) {
            shown.add({one.name, std::to_string(one.at), std::to_string(one.bytes),
                       one.equal ? "equal" : "DIFFERENT"});
        }
        shown.print(at_.around.out, at_.colour);
    }

    void print_json(const proof_report& report, std::uint64_t findings) {
        std::string out;
        json_writer writer{out};
        writer.begin_object();
        writer.number("events", report.head);
        writer.number("snapshots", report.snapshots);
        writer.number("findings_count", findings);
        writer.name("findings");
        writer.begin_array();
        for (const finding& one : told_) {
            write_json(writer, one);
        }
        writer.end_array();
        writer.name("parts");
        writer.begin_array();
        for (const compared_part& one : report.parts) {
            write_json(writer, one);
        }
        writer.end_array();
        writer.end_object();
        at_.around.out << out << "\n";
    }

    session& at_;
    const proof_question& what_;
    std::string step_;
    std::unique_ptr<progress_bar> bar_;
    std::uint64_t findings_ = 0;
    std::vector<finding> told_;
};

std::uint64_t number_in(json_value object, std::string_view name) {
    return object.find(name).as_unsigned().value_or(0);
}

proof_report report_from(json_value document) {
    proof_report out;
    out.head = number_in(document, "events");
    out.snapshots = number_in(document, "snapshots");
    out.findings = number_in(document, "findings");
    for (const json_member one : document.find("parts")) {
        out.parts.push_back({plain_text(one.value.find("part")), number_in(one.value, "position"),
                             number_in(one.value, "bytes"), one.value.find("equal").boolean()});
    }
    return out;
}

//! Follows the server's proof to its end.
int ask_server(session& at, client& by, const proof_question& what) {
    exchange_request request;
    switch (what.kind) {
        case proof_kind::compare: request.target = "/v1/replay"; break;
        case proof_kind::verify: request.target = "/v1/verify"; break;
        case proof_kind::rebuild:
            request.method = "POST";
            request.target = "/v1/views/rebuild";
            break;
    }
    if (!what.view.empty()) {
        request.target += "?view=" + url_encoded(what.view);
    }
    request.headers.emplace_back("Accept", "text/event-stream");
    proof_printer printer{at, what};
    std::optional<int> code;
    sse_reader reader;
    const auto take = [&](const sse_event& event) {
        const std::unique_ptr<json_text> data = read_json(event.data);
        const json_value root = data->root();
        if (event.type == "progress") {
            printer.progress(plain_text(root.find("step")), number_in(root, "done"),
                             number_in(root, "total"));
        } else if (event.type == "finding") {
            printer.found({plain_text(root.find("what")), plain_text(root.find("where")),
                           number_in(root, "first"), number_in(root, "last")});
        } else if (event.type == "note") {
            printer.note(plain_text(root.find("text")));
        } else if (event.type == "result") {
            code = printer.finish(report_from(root));
        } else if (event.type == "failure") {
            exchange_answer failed;
            failed.status = static_cast<int>(number_in(root, "status"));
            failed.body = event.data;
            code = report(at, by, failed);
        }
        return !code.has_value();
    };
    const exchange_answer answer = by.stream(
        request, [&](std::string_view piece) { return reader.feed(piece, take); });
    if (code) {
        return *code;
    }
    if (!answer.good()) {
        return report(at, by, answer);
    }
    return at.fail(exit_unreachable, "The server ended before it had a result. " + answer.trouble);
}

class printing_listener final : public proof_listener {
public:
    explicit printing_listener(proof_printer& to) : to_(to) {}
    bool progress(std::string_view step, std::uint64_t done, std::uint64_t total) override {
        to_.progress(std::string{step}, done, total);
        return true;
    }
    void found(const finding& one) override { to_.found(one); }
    void note(std::string_view sentence) override { to_.note(sentence); }

private:
    proof_printer& to_;
};

//! What a start would serve: the newest good snapshot and the events after it.
class started_parts final : public served_parts {
public:
    std::unique_ptr<view_set> views;
    model_fold model;

    result<position> at() override { return views->at(); }
    std::vector<std::string> names() const override {
        std::vector<std::string> out;
        views->each_view([&out](const auto& view) { out.emplace_back(view.name); });
        out.emplace_back(parked);
        out.emplace_back(model.name());
        return out;
    }
    result<served_part> read(std::string_view name) override {
        served_part out;
        out.at = views->at();
        if (name == parked) {
            views->write_parked(out.bytes);
        } else if (name == model.name()) {
            model.write_snapshot(out.bytes);
        } else {
            out.bytes = bytes_of(*views, name);
        }
        return out;
    }

private:
    static constexpr std::string_view parked = "parked";
};

int prove_here(session& at, const arguments& given, const proof_question& what) {
    int code = 0;
    const std::unique_ptr<offline_log> log = open_offline(at, given, open_mode::read_only, code);
    if (log == nullptr) {
        return code;
    }
    proof_printer printer{at, what};
    printing_listener listener{printer};
    started_parts served;
    extra_fold* const started[] = {&served.model};
    auto start = recover(*log->facts, log->snapshots, log->facts->head().last, started, {});
    if (!start) {
        return fail_with(at, start.error());
    }
    for (const std::string& ignored : start->ignored) {
        at.say(ignored);
    }
    served.views = std::move(start->views);
    model_fold model;
    extra_fold* const extras[] = {&model};
    const proof_input input{*log->facts, served, extras, listener};
    const auto report = what.kind == proof_kind::verify ? prove_everything(input, log->snapshots)
                                                        : prove_views(input, what.view);
    return report ? printer.finish(*report) : fail_with(at, report.error());
}

} // namespace

int run_proof(session& at, const arguments& given, const proof_question& what) {
    if (given.has("data")) {
        return prove_here(at, given, what);
    }
    const std::unique_ptr<client> by = connect(at, given);
    return by == nullptr ? exit_usage : ask_server(at, *by, what);
}

} // namespace fasti::cli
