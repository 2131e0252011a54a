// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/offline.hpp"
#include "adapters/cli/progress.hpp"
#include "adapters/cli/table.hpp"
#include "adapters/node/model_fold.hpp"
#include "domain/wire/json_writer.hpp"
#include "projections/engine/snapshot_format.hpp"
#include "projections/engine/snapshots.hpp"

#include <algorithm>
#include <ostream>

namespace fasti::cli {
namespace {

//! Gathers findings and says each at once, so that a long run shows the first one early.
class verification {
public:
    verification(session& at, const offline_log& log)
        : at_(at), log_(log), head_(log.facts->head().last) {}

    result<void> run() {
        if (auto walked = walk_log(); !walked) {
            return walked;
        }
        return compare_folds();
    }

    int finish() {
        if (at_.json) {
            std::string out;
            json_writer writer{out};
            writer.begin_object();
            writer.name("events");
            writer.number(head_);
            writer.name("snapshots");
            writer.number(std::uint64_t{snapshots_});
            writer.name("views");
            writer.number(std::uint64_t{views_});
            writer.name("findings");
            writer.begin_array();
            for (const finding& one : found_) {
                writer.begin_object();
                writer.name("what");
                writer.text(one.what);
                writer.name("where");
                writer.text(one.where);
                writer.name("first");
                writer.number(one.first);
                writer.name("last");
                writer.number(one.last);
                writer.end_object();
            }
            writer.end_array();
            writer.end_object();
            at_.around.out << out << "\n";
        } else {
            at_.around.out << "Verified " << head_ << " events, " << snapshots_ << " snapshots and "
                           << views_ << " views against a fold from the first event: "
                           << (found_.empty() ? std::string{"nothing found"}
                                              : std::to_string(found_.size()) + " findings")
                           << ".\n";
        }
        return found_.empty() ? exit_success : exit_finding;
    }

private:
    void report(finding one) {
        if (!at_.json) {
            at_.around.out << shown_text(one.what) << "  " << shown_text(one.where);
            if (one.first != 0) {
                at_.around.out << "  positions " << one.first << " to "
                               << std::max(one.first, one.last);
            }
            at_.around.out << "\n" << std::flush;
        }
        found_.push_back(std::move(one));
    }

    result<void> walk_log() {
        progress_bar bar{"log and its indexes", "bytes", at_.around.err, at_.around.err_terminal};
        auto walked = log_.facts->verify([this](const finding& one) { report(one); },
                                         [&bar](std::uint64_t done, std::uint64_t total) {
                                             bar.show(done, total);
                                             return true;
                                         });
        return walked ? result<void>{} : result<void>{std::move(walked).error()};
    }

    //! One fold from the first event passes every snapshot's position and ends at the head.
    result<void> compare_folds() {
        const auto kept = log_.snapshots.list();
        if (!kept) {
            return kept.error();
        }
        std::vector<stored_snapshot> in_order = *kept;
        std::sort(in_order.begin(), in_order.end(),
                  [](const auto& one, const auto& other) { return one.name < other.name; });
        view_set views;
        model_fold model;
        extra_fold* const extras[] = {&model};
        const fold_target whole{views, extras};
        for (const stored_snapshot& one : in_order) {
            const std::optional<position> stands = snapshot_position(one.name);
            if (!stands || *stands > head_) {
                continue; // written after this began, or no snapshot
            }
            if (auto folded = fold_to(whole, *stands); !folded) {
                return folded;
            }
            if (auto compared = compare_snapshot(one, whole); !compared) {
                return compared;
            }
        }
        if (auto folded = fold_to(whole, head_); !folded) {
            return folded;
        }
        return compare_recovered(whole);
    }

    result<void> fold_to(const fold_target& whole, position to) {
        progress_bar bar{"fold from the first event", "events", at_.around.err,
                         at_.around.err_terminal};
        const position before = whole.views.at();
        return catch_up(whole, *log_.facts, to, [&](std::uint64_t done, std::uint64_t) {
            bar.show(before + done, head_);
            return true;
        });
    }

    result<void> compare_snapshot(const stored_snapshot& one, const fold_target& whole) {
        const auto stored = log_.snapshots.read(one.name);
        if (!stored) {
            report({"snapshot cannot be read", one.name + ": " + stored.error().message, 0, 0});
            return {};
        }
        const auto content = read_snapshot_bytes(*stored);
        if (!content) {
            report({"snapshot damaged", one.name + ": " + content.error().message, 0, 0});
            return {};
        }
        if (content->log_id != log_.facts->log_id() || content->epoch != log_.facts->head().epoch) {
            at_.say(one.name + " belongs to another history and is not used.");
            return {};
        }
        const auto expected = snapshot_of(whole, *log_.facts);
        if (!expected) {
            return expected.error();
        }
        const auto folded = read_snapshot_bytes(*expected);
        check(folded.ok(), "a snapshot made here can be read");
        ++snapshots_;
        if (content->hash != folded->hash) {
            report({"snapshot of another history", one.name, content->at, content->at});
        }
        compare_sections(one.name, *content, *folded);
        return {};
    }

    void compare_sections(const std::string& name, const snapshot_content& stored,
                          const snapshot_content& folded) {
        for (const snapshot_section& section : folded.sections) {
            const auto same = std::find_if(
                stored.sections.begin(), stored.sections.end(),
                [&section](const snapshot_section& other) { return other.name == section.name; });
            if (same == stored.sections.end() || same->fingerprint != section.fingerprint) {
                at_.say(name + ": " + std::string{section.name} +
                        " was written by other code and is not used.");
            } else if (same->bytes != section.bytes) {
                report({"view differs from a fold", name + ": " + std::string{section.name},
                        stored.at, stored.at});
            }
        }
    }

    //! What a start would make of the snapshots and the tail.
    result<void> compare_recovered(const fold_target& whole) {
        model_fold model;
        extra_fold* const extras[] = {&model};
        const auto started = recover(*log_.facts, log_.snapshots, head_, extras, {});
        if (!started) {
            return started.error();
        }
        for (const view_comparison& one : compare(*started->views, whole.views)) {
            ++views_;
            if (!one.equal) {
                report({"view differs from a fold", std::string{one.view}, head_, head_});
            }
        }
        for (const auto& [stream, key] : whole.views.parked()) {
            report({"event cannot be read by this version", stream + ": " + key.reason, key.at,
                    key.at});
        }
        return {};
    }

    session& at_;
    const offline_log& log_;
    const position head_;
    std::vector<finding> found_;
    std::size_t snapshots_ = 0;
    std::size_t views_ = 0;
};

int run_verify(session& at, const arguments& given) {
    int code = 0;
    const std::unique_ptr<offline_log> log = open_offline(at, given, open_mode::read_only, code);
    if (log == nullptr) {
        return code;
    }
    verification work{at, *log};
    if (const auto done = work.run(); !done) {
        work.finish();
        return fail_with(at, done.error());
    }
    return work.finish();
}

} // namespace

std::vector<command_spec> verify_commands() {
    command_spec verify;
    verify.words = {"verify"};
    verify.doc =
        "Prove a data folder: checksums, the chain of hashes, density, order of time, indexes, every "
        "snapshot and every view against a fold from the first event. One line for each finding; exit 1 "
        "when there are any, 78 when the log cannot be opened. Runs beside a server.";
    verify.examples = {"fasti verify", "fasti verify --data /var/lib/fasti --output json"};
    verify.options = {data_option("The data folder; absent: the default one."), output_option()};
    verify.run = run_verify;
    std::vector<command_spec> out;
    out.push_back(std::move(verify));
    return out;
}

} // namespace fasti::cli
