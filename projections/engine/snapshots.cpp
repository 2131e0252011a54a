// SPDX-License-Identifier: Apache-2.0
#include "projections/engine/snapshots.hpp"

#include "projections/engine/snapshot_format.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace fasti {
namespace {

constexpr std::string_view parked_section = "parked";
constexpr std::uint64_t parked_fingerprint = 1;

error stopped_early() {
    return error{error_code::not_ready, "The fold was stopped before its end."};
}

//! Reads one snapshot into a target, or says why not. The target must be cleared after a refusal.
class snapshot_loader {
public:
    snapshot_loader(const snapshot_content& content, const ledger& facts)
        : content_(content), facts_(facts) {}

    std::optional<std::string> load(const fold_target& into) {
        if (auto foreign = why_foreign()) {
            return foreign;
        }
        into.views.each_view([&](auto& view) {
            load_section(view.name, view.fingerprint(),
                         [&](std::string_view bytes) { return view.read_snapshot(bytes); });
        });
        load_section(parked_section, parked_fingerprint,
                     [&](std::string_view bytes) { return into.views.read_parked(bytes); });
        for (extra_fold* const extra : into.extras) {
            load_section(extra->name(), extra->fingerprint(),
                         [&](std::string_view bytes) { return extra->read_snapshot(bytes); });
        }
        into.views.stand_at(content_.at, content_.recorded);
        return refusal_ ? refusal_ : why_readable_now(into.views);
    }

private:
    std::optional<std::string> why_foreign() const {
        if (content_.log_id != facts_.log_id()) {
            return "it is of another log";
        }
        if (content_.epoch != facts_.head().epoch) {
            return "it is of another epoch of this log";
        }
        const auto hash = facts_.hash_at(content_.at);
        if (!hash || *hash != content_.hash) {
            return "the log has another history at position " + std::to_string(content_.at);
        }
        return std::nullopt;
    }

    template <class Read>
    void load_section(std::string_view name, std::uint64_t fingerprint, const Read& read) {
        if (refusal_) {
            return;
        }
        const auto found = std::find_if(
            content_.sections.begin(), content_.sections.end(),
            [&](const snapshot_section& one) { return one.name == name; });
        if (found == content_.sections.end()) {
            refusal_ = "it has no section " + std::string{name};
        } else if (found->fingerprint != fingerprint) {
            refusal_ = "section " + std::string{name} + " was written by other code";
        } else if (!read(found->bytes)) {
            refusal_ = "section " + std::string{name} + " cannot be read";
        }
    }

    //! Streams parked by older code may be readable to this one: then all is folded anew.
    std::optional<std::string> why_readable_now(const view_set& views) const {
        event_scratch scratch;
        for (const auto& [stream, key] : views.parked()) {
            decode_status status = decode_status::malformed;
            const auto seen = facts_.read(key.at, key.at, {}, [&](const recorded_event& event) {
                status = visit_event(event.fact.type, event.fact.revision, event.fact.data, scratch,
                                     [](const auto&) {});
                return read_more::stop;
            });
            if (seen && status == decode_status::ok) {
                return "stream " + stream + " was parked in it and can be read now";
            }
        }
        return std::nullopt;
    }

    const snapshot_content& content_;
    const ledger& facts_;
    std::optional<std::string> refusal_;
};

//! Whole snapshots at or below a position, the newest first.
std::vector<stored_snapshot> candidates(const snapshot_store& store, position to) {
    auto listed = store.list();
    std::vector<stored_snapshot> out;
    if (listed) {
        out = std::move(listed).value();
    }
    std::erase_if(out, [&](const stored_snapshot& one) {
        const auto at = snapshot_position(one.name);
        return !at || *at > to;
    });
    std::sort(out.begin(), out.end(),
              [](const auto& one, const auto& other) { return one.name > other.name; });
    return out;
}

//! A snapshot and the bytes that its sections borrow.
struct owned_snapshot {
    std::vector<std::string> bytes;
    snapshot_content content;
};

result<owned_snapshot> written_down(const fold_target& what, const ledger& facts) {
    owned_snapshot out;
    snapshot_content& content = out.content;
    content.log_id = facts.log_id();
    content.epoch = facts.head().epoch;
    content.at = what.views.at();
    content.recorded = what.views.recorded();
    const auto hash = facts.hash_at(content.at);
    if (!hash) {
        return hash.error();
    }
    content.hash = *hash;
    std::vector<std::string>& bytes = out.bytes;
    bytes.reserve(what.extras.size() + 8); // sections borrow: the strings must not move
    what.views.each_view([&](const auto& view) {
        view.write_snapshot(bytes.emplace_back());
        content.sections.push_back({view.name, view.fingerprint(), bytes.back()});
    });
    what.views.write_parked(bytes.emplace_back());
    content.sections.push_back({parked_section, parked_fingerprint, bytes.back()});
    for (const extra_fold* const extra : what.extras) {
        extra->write_snapshot(bytes.emplace_back());
        content.sections.push_back({extra->name(), extra->fingerprint(), bytes.back()});
    }
    return out;
}

} // namespace

result<std::string> snapshot_of(const fold_target& what, const ledger& facts) {
    const auto written = written_down(what, facts);
    if (!written) {
        return written.error();
    }
    return write_snapshot_bytes(written->content);
}

result<kept_snapshot> keep_snapshot(const fold_target& what, const ledger& facts,
                                    snapshot_store& store, const ladder_limits& limits) {
    const auto written = written_down(what, facts);
    if (!written) {
        return written.error();
    }
    const std::string head = write_snapshot_head(written->content);
    std::vector<std::string_view> pieces{head};
    pieces.insert(pieces.end(), written->bytes.begin(), written->bytes.end());
    kept_snapshot kept;
    kept.at = what.views.at();
    kept.name = snapshot_name(kept.at, facts.head().epoch);
    for (const std::string_view piece : pieces) {
        kept.bytes += piece.size();
    }
    if (auto stored = store.write(kept.name, pieces); !stored) {
        return std::move(stored).error();
    }
    for (const stored_snapshot& old :
         superfluous(candidates(store, std::numeric_limits<position>::max()), limits)) {
        if (store.remove(old.name)) {
            kept.removed.push_back(old.name);
        }
    }
    return kept;
}

result<kept_snapshot> keep_snapshot_beside(extra_folds extras, const ledger& facts,
                                           snapshot_store& store, const ladder_limits& limits,
                                           const progress_sink& progress) {
    auto folded = recover(facts, store, facts.head().last, extras, progress);
    if (!folded) {
        return std::move(folded).error();
    }
    if (progress && !progress(folded->events_folded, folded->events_folded)) {
        return stopped_early();
    }
    return keep_snapshot({*folded->views, extras}, facts, store, limits);
}

result<recovery> recover(const ledger& facts, const snapshot_store& store, position to,
                         extra_folds extras, const progress_sink& progress) {
    recovery out;
    out.views = std::make_unique<view_set>();
    for (const stored_snapshot& one : candidates(store, std::min(to, facts.head().last))) {
        if (progress && !progress(0, to)) { // a large one takes a moment to load
            return stopped_early();
        }
        const auto bytes = store.read(one.name);
        const auto content = bytes ? read_snapshot_bytes(*bytes)
                                   : result<snapshot_content>{bytes.error()};
        std::optional<std::string> refusal;
        if (content) {
            refusal = snapshot_loader(*content, facts).load({*out.views, extras});
        } else {
            refusal = content.error().message;
        }
        if (!refusal) {
            out.from_snapshot = content->at;
            break;
        }
        const bool ends = refusal->ends_with('.');
        out.ignored.push_back("Snapshot " + one.name + " is not used: " + *refusal +
                              (ends ? "" : "."));
        out.views = std::make_unique<view_set>();
        for (extra_fold* const extra : extras) {
            extra->clear();
        }
    }
    if (auto done = catch_up({*out.views, extras}, facts, to, progress); !done) {
        return std::move(done).error();
    }
    out.events_folded = out.views->at() - out.from_snapshot;
    // Sorts the services now: the first list should not make the answering thread wait for it.
    out.views->registry().services_from({}, [](service_id) { return false; });
    return out;
}

//! Lets go, one after the other, of the snapshot whose gap to the next newer one is smallest for
//! its age: that leaves gaps which grow with age.
std::vector<stored_snapshot> superfluous(std::vector<stored_snapshot> kept,
                                         const ladder_limits& limits) {
    std::sort(kept.begin(), kept.end(),
              [](const auto& one, const auto& other) { return one.name > other.name; });
    std::vector<stored_snapshot> out;
    std::uint64_t bytes = 0;
    for (const stored_snapshot& one : kept) {
        bytes += one.bytes;
    }
    const auto at = [&](std::size_t i) { return snapshot_position(kept[i].name).value_or(0); };
    while (kept.size() > 1 && (kept.size() > limits.snapshots_max || bytes > limits.bytes_max)) {
        std::size_t least = 1;
        double least_worth = std::numeric_limits<double>::max();
        for (std::size_t i = 1; i < kept.size(); ++i) {
            const position older = i + 1 < kept.size() ? at(i + 1) : 0;
            const double age = static_cast<double>(at(0) - older) + 1.0;
            const double worth = static_cast<double>(at(i - 1) - older) / age;
            if (worth < least_worth) {
                least_worth = worth;
                least = i;
            }
        }
        bytes -= kept[least].bytes;
        out.push_back(std::move(kept[least]));
        kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(least));
    }
    return out;
}

} // namespace fasti
