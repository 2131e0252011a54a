// SPDX-License-Identifier: Apache-2.0
//! Batches of drafts by chance, all from one seed: mostly sound, sometimes stale, repeated or
//! taken, so that every answer of append() is met. Owns the text its drafts borrow.
#pragma once

#include "eventstore/port/ledger.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

class random_batches {
public:
    explicit random_batches(std::uint64_t seed) : random_(seed) {}

    //! A batch against what `log` holds now. Valid until the next call.
    append_batch next(const ledger& log) {
        texts_.clear();
        events_.clear();
        receipts_.clear();
        claims_.clear();
        versions_.clear();
        recorded_ = log.head().last_recorded;
        const std::size_t count = chance(10) ? 1 + below(40) : 1 + below(4);
        for (std::size_t i = 0; i < count; ++i) {
            add_event(log);
        }
        for (std::size_t i = 0; i < count; i += 1 + below(3)) {
            if (chance(70)) {
                add_receipt(i, static_cast<std::uint32_t>(1 + below(count - i)));
            }
        }
        while (chance(20)) {
            claims_.push_back({keep("kind/name" + std::to_string(below(12))),
                               chance(40) ? std::string_view{} : keep(stream_name())});
        }
        return {events_, receipts_, claims_};
    }

    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
    bool chance(unsigned percent) { return below(100) < percent; }
    std::string stream_name() {
        return (chance(80) ? "registry/instance/" : "config/") + std::string{"s"} +
               std::to_string(below(60));
    }
    std::string key_name() { return "key-" + std::to_string(below(4000)); }
    static constexpr std::string_view scope = "acme/token-1";

private:
    std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

    void add_event(const ledger& log) {
        event_draft draft;
        draft.stream = keep(stream_name());
        auto [version, fresh] = versions_.try_emplace(std::string{draft.stream}, 0);
        if (fresh) {
            version->second = *log.stream_version(draft.stream);
        }
        draft.stream_version = ++version->second;
        if (chance(1)) {
            draft.stream_version += below(3); // stale or ahead, most of the time
        }
        draft.type = chance(50) ? "instance_registered" : "instance_updated";
        draft.revision = static_cast<std::uint32_t>(1 + below(3));
        for (auto& byte : draft.command.bytes) {
            byte = static_cast<std::uint8_t>(below(256));
        }
        draft.index = static_cast<std::uint32_t>(below(3));
        recorded_.us += chance(30) ? 0 : static_cast<std::int64_t>(1 + below(1000));
        draft.recorded = recorded_;
        draft.tenant = chance(50) ? "acme" : "";
        draft.actor = keep("token/" + std::to_string(below(3)));
        draft.reason = chance(30) ? "because" : "";
        std::string data(below(chance(5) ? 9000 : 300), '\0');
        for (char& byte : data) {
            byte = static_cast<char>(below(256));
        }
        draft.data = keep(std::move(data));
        events_.push_back(draft);
    }

    void add_receipt(std::size_t first, std::uint32_t count) {
        receipt_draft draft;
        draft.scope = scope;
        draft.key = keep(key_name());
        draft.body_hash.bytes[0] = static_cast<std::uint8_t>(below(256));
        draft.first = first;
        draft.count = count;
        draft.status = 201;
        draft.command = chance(10) ? "canonical" : "";
        receipts_.push_back(draft);
    }

    std::mt19937_64 random_;
    std::deque<std::string> texts_;
    std::vector<event_draft> events_;
    std::vector<receipt_draft> receipts_;
    std::vector<claim_draft> claims_;
    std::map<std::string, std::uint64_t, std::less<>> versions_;
    instant recorded_;
};

} // namespace fasti
