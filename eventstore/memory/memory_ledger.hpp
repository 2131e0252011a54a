// SPDX-License-Identifier: Apache-2.0
//! The oracle: a ledger in plain containers, so simple that it is obviously right. Every other
//! ledger must behave like it; tests and dry tools use it. It forgets everything when it ends.
#pragma once

#include "eventstore/port/ledger.hpp"
#include "eventstore/port/record.hpp"

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace fasti {

class memory_ledger final : public ledger {
public:
    memory_ledger(const id128& log_id, std::uint64_t epoch);

    id128 log_id() const noexcept override { return log_id_; }
    result<std::shared_ptr<const committed_batch>> append(const append_batch& batch) override;
    ledger_head head() const override;
    result<std::uint64_t> stream_version(std::string_view stream) const override;
    result<std::optional<receipt>> find_receipt(std::string_view scope,
                                                std::string_view key) const override;
    result<std::optional<std::string>> claim_holder(std::string_view name) const override;
    result<position> read(position from, position to, const event_filter& filter,
                          const event_visitor& visit) const override;
    result<void> read_stream(std::string_view stream, std::uint64_t from_version,
                             const event_visitor& visit) const override;
    result<hash256> hash_at(position at) const override;
    result<position> position_at(instant when) const override;
    result<std::uint64_t> verify(const std::function<void(const finding&)>& report,
                                 const progress_sink& progress) const override;

private:
    struct stored {
        std::string canonical;
        hash256 hash;
        instant recorded;
    };
    using receipt_key = std::pair<std::string, std::string>; // scope, key
    using claims = std::map<std::string, std::string, std::less<>>;

    result<void> check_conditions(const append_batch& batch) const;
    result<claims> claims_after(const append_batch& batch) const;
    std::uint64_t version_of(std::string_view stream) const;
    //! Null above the head. What it points to never moves or changes.
    const stored* find(position at) const;

    const id128 log_id_;
    mutable std::mutex mutex_; // guards everything below
    ledger_head head_;
    std::deque<stored> events_; // events_[n] is position n + 1; a deque keeps references valid
    std::map<std::string, std::vector<position>, std::less<>> streams_;
    std::map<receipt_key, receipt> receipts_;
    claims claims_;
    chain_hasher hasher_;
};

} // namespace fasti
