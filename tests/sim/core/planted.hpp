// SPDX-License-Identifier: Apache-2.0
//! The ledger as the simulated server sees it: tells when an append is under way, and makes the
//! planted mistakes. The door to the disk likewise.
#pragma once

#include "eventstore/segments/files.hpp"
#include "eventstore/segments/segment_ledger.hpp"
#include "tests/sim/core/machine.hpp"

#include <functional>
#include <memory>

namespace fasti::sim {

//! What the batch will be once it is durable: its canonical bytes and hashes, made by ourselves.
std::shared_ptr<const committed_batch> foretell(const append_batch& batch, const ledger_head& head);

class watched_ledger : public ledger {
public:
    struct hooks {
        //! Before anything is written.
        std::function<void(const std::shared_ptr<const committed_batch>&)> attempted;
        //! While the disk works: what other threads do meanwhile.
        std::function<void()> meanwhile;
    };

    watched_ledger(segment_ledger& inner, machine& on, hooks told);

    result<std::shared_ptr<const committed_batch>> append(const append_batch& batch) override;
    result<void> ensure_room(std::size_t bytes) override { return inner_.ensure_room(bytes); }
    id128 log_id() const noexcept override { return inner_.log_id(); }
    ledger_head head() const override { return inner_.head(); }
    result<std::uint64_t> stream_version(std::string_view stream) const override {
        return inner_.stream_version(stream);
    }
    result<std::uint64_t> version_to_append(std::string_view stream) override {
        return inner_.version_to_append(stream);
    }
    result<std::optional<receipt>> find_receipt(std::string_view scope,
                                                std::string_view key) const override {
        return inner_.find_receipt(scope, key);
    }
    result<std::optional<std::string>> claim_holder(std::string_view name) const override {
        return inner_.claim_holder(name);
    }
    result<position> read(position from, position to, const event_filter& filter,
                          const event_visitor& visit) const override {
        return inner_.read(from, to, filter, visit);
    }
    result<void> read_stream(std::string_view stream, std::uint64_t from_version,
                             const event_visitor& visit) const override {
        return inner_.read_stream(stream, from_version, visit);
    }
    result<hash256> hash_at(position at) const override { return inner_.hash_at(at); }
    result<position> position_at(instant when) const override { return inner_.position_at(when); }
    result<std::uint64_t> verify(const std::function<void(const finding&)>& report,
                                 const progress_sink& progress) const override {
        return inner_.verify(report, progress);
    }

    //! As a follower reads it.
    result<position> read_for_follower(position from, position to, const event_filter& filter,
                                       const event_visitor& visit) const;

private:
    segment_ledger& inner_;
    machine& on_;
    const hooks told_;
};

//! A door that answers the sync of a frame at once and does it before the next write.
std::unique_ptr<files> late_syncing(files& inner);

} // namespace fasti::sim
