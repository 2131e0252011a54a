// SPDX-License-Identifier: Apache-2.0
#include "projections/proof/proof.hpp"

#include "projections/engine/snapshot_format.hpp"
#include "projections/engine/snapshots.hpp"
#include "projections/proof/row_differences.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace fasti {
namespace {

constexpr std::string_view parked_part = "parked";

//! Whether an error says that stored bytes are wrong, and not that the proof could not go on.
bool is_damage(const error& why) {
    return why.code == error_code::store_damaged || why.code == error_code::format_newer ||
           why.code == error_code::format_older;
}

class prover {
public:
    explicit prover(const proof_input& input) : in_(input) {}

    result<proof_report> views(std::string_view wanted);
    result<proof_report> everything(const snapshot_store& snapshots);

private:
    result<void> walk_log();
    result<void> fold_to(position to, position target);
    result<void> check_snapshots(const snapshot_store& snapshots, position target);
    void check_snapshot(const stored_snapshot& one, const snapshot_store& snapshots);
    void compare_section(const std::string& snapshot, const snapshot_content& content,
                         const snapshot_section& should);
    result<void> compare_served(std::string_view wanted);
    void tell_differences(std::string_view part, std::string_view bytes, position at,
                          const std::string& where);
    std::string folded_bytes(std::string_view part) const;

    void found(std::string what, std::string where, position first, position last) {
        ++report_.findings;
        in_.listener.found({std::move(what), std::move(where), first, last});
    }

    const proof_input& in_;
    std::unique_ptr<view_set> views_ = std::make_unique<view_set>();
    fold_target fold_{*views_, in_.extras};
    proof_report report_;
};

result<proof_report> prover::views(std::string_view wanted) {
    const auto target = in_.served.at();
    if (!target) {
        return target.error();
    }
    if (auto folded = fold_to(*target, *target); !folded) {
        return std::move(folded).error();
    }
    if (auto compared = compare_served(wanted); !compared) {
        return std::move(compared).error();
    }
    report_.head = views_->at();
    return std::move(report_);
}

result<proof_report> prover::everything(const snapshot_store& snapshots) {
    const auto target = in_.served.at();
    if (!target) {
        return target.error();
    }
    if (auto walked = walk_log(); !walked) {
        return std::move(walked).error();
    }
    auto folded = check_snapshots(snapshots, *target);
    if (folded) {
        folded = compare_served({});
    }
    if (!folded && !is_damage(folded.error())) {
        return std::move(folded).error();
    }
    if (!folded) {
        found("the log cannot be folded: " + folded.error().message, "the log", views_->at() + 1,
              *target);
        in_.listener.note("Snapshots and views behind position " + std::to_string(views_->at()) +
                          " were not compared, since the log cannot be folded further.");
    }
    for (const auto& [stream, key] : views_->parked()) {
        found("event of type " + key.type + " cannot be read by this version: " + key.reason,
              "stream " + stream, key.at, key.at);
    }
    report_.head = views_->at();
    return std::move(report_);
}

result<void> prover::walk_log() {
    bool stopped = false;
    const auto walked = in_.facts.verify(
        [this](const finding& one) { found(one.what, one.where, one.first, one.last); },
        [&](std::uint64_t done, std::uint64_t total) {
            stopped = !in_.listener.progress("log", done, total);
            return !stopped;
        });
    if (stopped) {
        return error{error_code::not_ready, "The proof was stopped before its end."};
    }
    if (!walked && !is_damage(walked.error())) {
        return walked.error();
    }
    if (!walked) {
        found(walked.error().message, "the log", 0, 0);
    }
    return {};
}

result<void> prover::fold_to(position to, position target) {
    const position before = views_->at();
    return catch_up(fold_, in_.facts, to, [&](std::uint64_t done, std::uint64_t) {
        return in_.listener.progress("fold", before + done, std::max(target, before + done));
    });
}

//! One fold passes the position of each snapshot on its way to the target.
result<void> prover::check_snapshots(const snapshot_store& snapshots, position target) {
    auto listed = snapshots.list();
    if (!listed) {
        return std::move(listed).error();
    }
    std::vector<stored_snapshot> in_order = std::move(listed).value();
    std::sort(in_order.begin(), in_order.end(),
              [](const auto& one, const auto& other) { return one.name < other.name; });
    for (const stored_snapshot& one : in_order) {
        const auto at = snapshot_position(one.name);
        if (!at) {
            in_.listener.note("The file " + one.name + " has no name of a snapshot.");
            continue;
        }
        if (*at > target) {
            in_.listener.note("Snapshot " + one.name + " is newer than this proof.");
            continue;
        }
        if (auto folded = fold_to(*at, target); !folded) {
            return folded;
        }
        check_snapshot(one, snapshots);
    }
    return fold_to(target, target);
}

void prover::check_snapshot(const stored_snapshot& one, const snapshot_store& snapshots) {
    const std::string where = "snapshot " + one.name;
    const position at = views_->at();
    const auto bytes = snapshots.read(one.name);
    if (!bytes) {
        const auto now = snapshots.list();
        const bool gone = now && std::none_of(now->begin(), now->end(), [&](const auto& other) {
                              return other.name == one.name;
                          });
        if (!gone) { // else the server let it go meanwhile
            found("snapshot cannot be read: " + bytes.error().message, where, at, at);
        }
        return;
    }
    const auto content = read_snapshot_bytes(*bytes);
    if (!content) {
        found(content.error().message, where, at, at);
        return;
    }
    if (content->log_id != in_.facts.log_id() || content->epoch != in_.facts.head().epoch) {
        in_.listener.note("Snapshot " + one.name + " is of another history and is not used.");
        return;
    }
    const auto expected = snapshot_of(fold_, in_.facts);
    const auto should = expected ? read_snapshot_bytes(*expected)
                                 : result<snapshot_content>{expected.error()};
    if (!should) {
        found("the state at this position cannot be written down: " + should.error().message, where,
              at, at);
        return;
    }
    ++report_.snapshots;
    if (content->at != should->at || content->hash != should->hash ||
        content->recorded != should->recorded) {
        found("the snapshot says it stands at another place of the chain than its name", where, at,
              at);
    }
    for (const snapshot_section& section : should->sections) {
        compare_section(where, *content, section);
    }
}

void prover::compare_section(const std::string& snapshot, const snapshot_content& content,
                             const snapshot_section& should) {
    const auto same = std::find_if(
        content.sections.begin(), content.sections.end(),
        [&](const snapshot_section& other) { return other.name == should.name; });
    if (same == content.sections.end() || same->fingerprint != should.fingerprint) {
        in_.listener.note("Of " + snapshot + " the part " + std::string(should.name) +
                          " was written by another version and is not used.");
    } else if (same->bytes != should.bytes) {
        found(std::string(should.name) + " differs from a fold from the first event", snapshot,
              content.at, content.at);
        tell_differences(should.name, same->bytes, content.at, snapshot);
    }
}

result<void> prover::compare_served(std::string_view wanted) {
    std::vector<std::string> names = in_.served.names();
    if (!wanted.empty()) {
        const std::string_view part = part_of_view(wanted);
        const std::string_view sought = part.empty() ? wanted : part;
        std::erase_if(names, [&](const std::string& name) { return name != sought; });
        if (names.empty()) {
            return error{error_code::malformed,
                         "There is no view " + std::string(wanted) + " to compare."};
        }
    }
    std::uint64_t done = 0;
    for (const std::string& name : names) {
        if (!in_.listener.progress("views", done++, names.size())) {
            return error{error_code::not_ready, "The proof was stopped before its end."};
        }
        const auto served = in_.served.read(name);
        if (!served) {
            return served.error();
        }
        if (auto folded = fold_to(served->at, served->at); !folded) {
            return folded;
        }
        if (views_->at() != served->at) {
            return error{error_code::internal, "What is served went back while it was compared."};
        }
        const bool equal = served->bytes == folded_bytes(name);
        report_.parts.push_back({name, served->at, served->bytes.size(), equal});
        if (!equal) {
            found(name + " as served differs from a fold from the first event",
                  "position " + std::to_string(served->at), served->at, served->at);
            tell_differences(name, served->bytes, served->at, "as served");
        }
    }
    return {};
}

void prover::tell_differences(std::string_view part, std::string_view bytes, position at,
                              const std::string& where) {
    std::uint64_t rows = 0;
    const bool read = tell_row_differences(*views_, part, bytes, [&](std::string line) {
        if (rows++ < rows_told_max) {
            found(std::move(line), where, at, at);
        }
    });
    if (!read && !views_of_part(part).empty()) {
        found(std::string(part) + " is not written as this version writes it", where, at, at);
    } else if (rows > rows_told_max) {
        found(
            std::to_string(rows - rows_told_max) + " more rows of " + std::string(part) + " differ",
            where, at, at);
    }
}

std::string prover::folded_bytes(std::string_view part) const {
    if (part == parked_part) {
        std::string out;
        views_->write_parked(out);
        return out;
    }
    for (const extra_fold* const extra : in_.extras) {
        if (extra->name() == part) {
            std::string out;
            extra->write_snapshot(out);
            return out;
        }
    }
    return bytes_of(*views_, part);
}

} // namespace

std::string_view part_of_view(std::string_view view) noexcept {
    if (view == "services" || view == "instances" || view == registry_view::name) {
        return registry_view::name;
    }
    if (view == registry_metrics_view::name) {
        return registry_metrics_view::name;
    }
    const auto own = std::find(own_view_names.begin(), own_view_names.end(), view);
    return own == own_view_names.end() ? std::string_view{} : *own;
}

result<proof_report> prove_views(const proof_input& input, std::string_view view) {
    return prover(input).views(view);
}

result<proof_report> prove_everything(const proof_input& input, const snapshot_store& snapshots) {
    return prover(input).everything(snapshots);
}

} // namespace fasti
