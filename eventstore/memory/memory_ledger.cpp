// SPDX-License-Identifier: Apache-2.0
#include "eventstore/memory/memory_ledger.hpp"

#include <algorithm>
#include <set>

namespace fasti {
namespace {

error conflict(const event_draft& draft, std::uint64_t actual) {
    error failure{error_code::version_conflict, "Stream " + std::string{draft.stream} +
                                                    " is at version " + std::to_string(actual) +
                                                    ", not at " +
                                                    std::to_string(draft.stream_version - 1) + "."};
    failure.actual_version = actual;
    return failure;
}

} // namespace

memory_ledger::memory_ledger(const id128& log_id, std::uint64_t epoch) : log_id_(log_id) {
    head_.epoch = epoch;
}

result<std::shared_ptr<const committed_batch>> memory_ledger::append(const append_batch& batch) {
    const std::lock_guard lock{mutex_};
    if (auto sound = check_batch(batch, head_.last_recorded); !sound.ok()) {
        return std::move(sound).error();
    }
    if (auto allowed = check_conditions(batch); !allowed.ok()) {
        return std::move(allowed).error();
    }
    auto claims_now = claims_after(batch);
    if (!claims_now.ok()) {
        return std::move(claims_now).error();
    }
    auto committed = std::make_shared<committed_batch>();
    committed->first = head_.last + 1;
    for (const event_draft& draft : batch.events) {
        const std::size_t offset = committed->bytes.size();
        const std::size_t size = encode_record(draft, head_.last + 1, committed->bytes);
        committed->slices.push_back(
            {static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(size)});
        stored event{committed->bytes.substr(offset, size), {}, draft.recorded};
        event.hash = hasher_.next(head_.last_hash, event.canonical);
        committed->hashes.push_back(event.hash);
        ++head_.last;
        head_.last_hash = event.hash;
        head_.last_recorded = draft.recorded;
        streams_[std::string{draft.stream}].push_back(head_.last);
        events_.push_back(std::move(event));
    }
    for (const receipt_draft& draft : batch.receipts) {
        receipts_[{std::string{draft.scope}, std::string{draft.key}}] = {
            draft.body_hash, committed->first + draft.first, draft.count, draft.status};
    }
    claims_ = std::move(claims_now).value();
    committed->last_hash = head_.last_hash;
    committed->last_recorded = head_.last_recorded;
    return std::shared_ptr<const committed_batch>{std::move(committed)};
}

result<void> memory_ledger::check_conditions(const append_batch& batch) const {
    std::map<std::string_view, std::uint64_t> versions;
    for (const event_draft& draft : batch.events) {
        const auto [entry, fresh] = versions.try_emplace(draft.stream, 0);
        if (fresh) {
            entry->second = version_of(draft.stream);
        }
        if (draft.stream_version != entry->second + 1) {
            return conflict(draft, entry->second);
        }
        ++entry->second;
    }
    std::set<receipt_key> in_batch;
    for (const receipt_draft& draft : batch.receipts) {
        receipt_key key{std::string{draft.scope}, std::string{draft.key}};
        if (receipts_.contains(key) || !in_batch.insert(std::move(key)).second) {
            return error{error_code::key_reused, "The idempotency key is already remembered."};
        }
    }
    return {};
}

result<memory_ledger::claims> memory_ledger::claims_after(const append_batch& batch) const {
    claims now = claims_;
    for (const claim_draft& draft : batch.claims) {
        const auto held = now.find(draft.name);
        if (draft.stream.empty()) {
            if (held != now.end()) {
                now.erase(held);
            }
        } else if (held == now.end()) {
            now.emplace(draft.name, draft.stream);
        } else if (held->second != draft.stream) {
            return error{error_code::claim_taken, "The name " + std::string{draft.name} +
                                                      " is claimed by " + held->second + "."};
        }
    }
    return now;
}

ledger_head memory_ledger::head() const {
    const std::lock_guard lock{mutex_};
    return head_;
}

std::uint64_t memory_ledger::version_of(std::string_view stream) const {
    const auto found = streams_.find(stream);
    return found == streams_.end() ? 0 : found->second.size();
}

result<std::uint64_t> memory_ledger::stream_version(std::string_view stream) const {
    const std::lock_guard lock{mutex_};
    return version_of(stream);
}

result<std::optional<receipt>> memory_ledger::find_receipt(std::string_view scope,
                                                           std::string_view key) const {
    const std::lock_guard lock{mutex_};
    const auto found = receipts_.find({std::string{scope}, std::string{key}});
    return found == receipts_.end() ? std::optional<receipt>{} : found->second;
}

result<std::optional<std::string>> memory_ledger::claim_holder(std::string_view name) const {
    const std::lock_guard lock{mutex_};
    const auto found = claims_.find(name);
    return found == claims_.end() ? std::optional<std::string>{} : found->second;
}

const memory_ledger::stored* memory_ledger::find(position at) const {
    const std::lock_guard lock{mutex_};
    return at == 0 || at > head_.last ? nullptr : &events_[at - 1];
}

result<position> memory_ledger::read(position from, position to, const event_filter& filter,
                                     const event_visitor& visit) const {
    position at = std::max<position>(from, 1);
    for (; at <= to; ++at) {
        const stored* const event = find(at);
        if (event == nullptr) {
            break;
        }
        recorded_event view;
        check(decode_record(event->canonical, view), "bytes this ledger wrote are canonical");
        if (filter.matches(view.fact) && visit(view) == read_more::stop) {
            return at + 1;
        }
    }
    return at;
}

result<void> memory_ledger::read_stream(std::string_view stream, std::uint64_t from_version,
                                        const event_visitor& visit) const {
    std::vector<position> places;
    {
        const std::lock_guard lock{mutex_};
        if (const auto found = streams_.find(stream); found != streams_.end()) {
            places = found->second;
        }
    }
    const std::uint64_t skipped = from_version == 0 ? 0 : from_version - 1;
    for (std::uint64_t i = skipped; i < places.size(); ++i) {
        recorded_event view;
        check(decode_record(find(places[i])->canonical, view),
              "bytes this ledger wrote are canonical");
        if (visit(view) == read_more::stop) {
            break;
        }
    }
    return {};
}

result<hash256> memory_ledger::hash_at(position at) const {
    if (at == 0) {
        return hash256{};
    }
    const stored* const event = find(at);
    if (event == nullptr) {
        return error{error_code::position_unknown,
                     "The log holds no event at position " + std::to_string(at) + "."};
    }
    return event->hash;
}

result<position> memory_ledger::position_at(instant when) const {
    const std::lock_guard lock{mutex_};
    const auto later = std::upper_bound(
        events_.begin(), events_.end(), when,
        [](instant limit, const stored& event) { return limit < event.recorded; });
    return static_cast<position>(later - events_.begin());
}

result<std::uint64_t> memory_ledger::verify(const std::function<void(const finding&)>& report,
                                            const progress_sink& progress) const {
    const position last = head().last;
    std::uint64_t found = 0;
    hash256 previous;
    chain_hasher hasher;
    for (position at = 1; at <= last; ++at) {
        const stored* const event = find(at);
        recorded_event view;
        const bool sound = decode_record(event->canonical, view) && view.at == at &&
                           hasher.next(previous, event->canonical) == event->hash;
        previous = event->hash;
        if (!sound) {
            ++found;
            report({"event altered", "memory", at, at});
        }
        if (progress && !progress(at, last)) {
            break;
        }
    }
    return found;
}

} // namespace fasti
