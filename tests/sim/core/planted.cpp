// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/core/planted.hpp"

#include "eventstore/port/record.hpp"
#include "tests/support/disk/passing_files.hpp"

#include <array>
#include <utility>

namespace fasti::sim {
namespace {

constexpr std::array<std::string_view, 10> names{"nothing",
                                                 "answer_before_sync",
                                                 "directory_sync_left_out",
                                                 "tail_not_zeroed",
                                                 "receipt_forgotten",
                                                 "view_above_mark",
                                                 "reader_steps_over",
                                                 "expiry_ignores_renewal",
                                                 "expiry_before_reading",
                                                 "snapshot_at_wrong_position"};

class late_file final : public file {
public:
    explicit late_file(std::unique_ptr<file> inner) : inner_(std::move(inner)) {}

    result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) override {
        return inner_->read_at(offset, out, size);
    }
    result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
        if (std::exchange(owed_, false)) {
            if (auto synced = inner_->sync(); !synced.ok()) {
                return synced;
            }
        }
        frame_ = offset >= sector && offset % sector == 0 && bytes.size() % sector == 0;
        return inner_->write_at(offset, bytes);
    }
    result<void> sync() override {
        owed_ = frame_;
        return owed_ ? result<void>{} : inner_->sync();
    }
    result<std::uint64_t> size() override { return inner_->size(); }

private:
    static constexpr std::size_t sector = 512;

    const std::unique_ptr<file> inner_;
    bool frame_ = false; // what was written last is a frame, not a header or a footer
    bool owed_ = false;
};

class late_files final : public passing_files {
    using passing_files::passing_files;

    std::unique_ptr<file> face(const std::string& path, std::unique_ptr<file> opened) override {
        if (!path.ends_with(".seg")) {
            return opened;
        }
        return std::make_unique<late_file>(std::move(opened));
    }
};

} // namespace

std::string_view to_name(planted what) noexcept { return names[static_cast<std::size_t>(what)]; }

std::optional<planted> planted_from_name(std::string_view name) noexcept {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name) {
            return static_cast<planted>(i);
        }
    }
    return std::nullopt;
}

std::unique_ptr<files> late_syncing(files& inner) { return std::make_unique<late_files>(inner); }

std::shared_ptr<const committed_batch> foretell(const append_batch& batch,
                                                const ledger_head& head) {
    auto out = std::make_shared<committed_batch>();
    out->first = head.last + 1;
    out->last_hash = head.last_hash;
    chain_hasher hasher;
    for (const event_draft& draft : batch.events) {
        const std::size_t begin = out->bytes.size();
        const std::size_t size = encode_record(draft, out->first + out->slices.size(), out->bytes);
        out->slices.push_back(
            {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(size)});
        out->last_hash = hasher.next(out->last_hash, std::string_view{out->bytes}.substr(begin));
        out->hashes.push_back(out->last_hash);
        out->last_recorded = draft.recorded;
    }
    return out;
}

watched_ledger::watched_ledger(segment_ledger& inner, machine& on, hooks told)
    : inner_(inner), on_(on), told_(std::move(told)) {}

result<std::shared_ptr<const committed_batch>> watched_ledger::append(const append_batch& batch) {
    told_.attempted(foretell(batch, inner_.head()));
    told_.meanwhile();
    append_batch changed = batch;
    if (on_.fault == planted::receipt_forgotten && !batch.receipts.empty() && on_.one_in(40)) {
        changed.receipts = batch.receipts.first(batch.receipts.size() - 1);
    }
    auto appended = inner_.append(changed);
    told_.meanwhile();
    return appended;
}

result<position> watched_ledger::read_for_follower(position from, position to,
                                                   const event_filter& filter,
                                                   const event_visitor& visit) const {
    if (on_.fault != planted::reader_steps_over || !on_.one_in(100)) {
        return inner_.read(from, to, filter, visit);
    }
    const position passed_over = from + (to - from) / 2;
    return inner_.read(from, to, filter, [&](const recorded_event& event) {
        return event.at == passed_over ? read_more::go_on : visit(event);
    });
}

} // namespace fasti::sim
