// SPDX-License-Identifier: Apache-2.0
//! Wraps a ledger and fails on command: before the disk is asked, or after it said yes.
#pragma once

#include "eventstore/port/ledger.hpp"

#include <optional>
#include <utility>

namespace fasti {

class faulty_ledger final : public ledger {
public:
    explicit faulty_ledger(ledger& inner) : inner_(inner) {}

    std::optional<error> room;         //!< what ensure_room() answers while set
    std::optional<error> before_write; //!< the next append fails and writes nothing
    std::optional<error> reply_lost;   //!< the next append writes and then says this
    std::optional<error> unreadable;   //!< what reads of events and hashes answer while set

    result<std::shared_ptr<const committed_batch>> append(const append_batch& batch) override {
        if (before_write.has_value()) {
            return *std::exchange(before_write, std::nullopt);
        }
        auto appended = inner_.append(batch);
        if (reply_lost.has_value()) {
            return *std::exchange(reply_lost, std::nullopt);
        }
        return appended;
    }
    result<void> ensure_room(std::size_t bytes) override {
        if (room.has_value()) {
            return *room;
        }
        return inner_.ensure_room(bytes);
    }
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
        return unreadable.has_value() ? result<position>{*unreadable}
                                      : inner_.read(from, to, filter, visit);
    }
    result<void> read_stream(std::string_view stream, std::uint64_t from_version,
                             const event_visitor& visit) const override {
        return inner_.read_stream(stream, from_version, visit);
    }
    result<hash256> hash_at(position at) const override {
        return unreadable.has_value() ? result<hash256>{*unreadable} : inner_.hash_at(at);
    }
    result<position> position_at(instant when) const override { return inner_.position_at(when); }
    result<std::uint64_t> verify(const std::function<void(const finding&)>& report,
                                 const progress_sink& progress) const override {
        return inner_.verify(report, progress);
    }

private:
    ledger& inner_;
};

} // namespace fasti
