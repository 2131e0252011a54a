// SPDX-License-Identifier: Apache-2.0
// What a register_instance costs in the pipeline and in the views, without sockets, threads and disk: reading
// the request, deciding and staging it, the append to a ledger that keeps nothing but stream heads, and the
// fold with the answer. One line of JSON for each part, in nanoseconds a command.
#include "adapters/clock/system_clock.hpp"
#include "adapters/crypto/uuid7_source.hpp"
#include "adapters/node/node.hpp"
#include "commands/pipeline/sequencer.hpp"
#include "domain/wire/json.hpp"
#include "domain/wire/registry_json.gen.hpp"
#include "eventstore/port/record.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace fasti; // NOLINT: one program

constexpr std::string_view body =
    R"({"address":"10.20.30.40","port":8443,"protocol":"http","version":"2.14.3","zone":"eu-central-1a",)"
    R"("tags":["blue","canary"],"metadata":{"commit":"9f2c1ab74d","image":"shop/checkout:2.14.3",)"
    R"("owner":"team-checkout"},"lease_ms":3600000})";

//! Processor time, so that neighbours do not count.
double seconds_now() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

//! Encodes and chains as every ledger must, and forgets.
class forgetful_ledger final : public ledger {
public:
    id128 log_id() const noexcept override { return {}; }
    result<std::shared_ptr<const committed_batch>> append(const append_batch& batch) override {
        auto made = std::make_shared<committed_batch>();
        made->first = head_.last + 1;
        made->slices.reserve(batch.events.size());
        made->hashes.reserve(batch.events.size());
        for (const event_draft& draft : batch.events) {
            const auto offset = static_cast<std::uint32_t>(made->bytes.size());
            const auto size = static_cast<std::uint32_t>(
                encode_record(draft, ++head_.last, made->bytes));
            made->slices.push_back({offset, size});
            head_.last_hash = hasher_.next(head_.last_hash,
                                           std::string_view(made->bytes).substr(offset, size));
            made->hashes.push_back(head_.last_hash);
            heads_[hash64(draft.stream)] = draft.stream_version;
        }
        made->last_hash = head_.last_hash;
        made->last_recorded = batch.events.back().recorded;
        return std::shared_ptr<const committed_batch>(std::move(made));
    }
    ledger_head head() const override { return head_; }
    result<std::uint64_t> stream_version(std::string_view stream) const override {
        const auto found = heads_.find(hash64(stream));
        return found == heads_.end() ? 0 : found->second;
    }
    result<std::optional<receipt>> find_receipt(std::string_view, std::string_view) const override {
        return std::optional<receipt>{};
    }
    result<std::optional<std::string>> claim_holder(std::string_view) const override {
        return std::optional<std::string>{};
    }
    result<position> read(position from, position, const event_filter&,
                          const event_visitor&) const override {
        return from;
    }
    result<void> read_stream(std::string_view, std::uint64_t, const event_visitor&) const override {
        return {};
    }
    result<hash256> hash_at(position) const override { return head_.last_hash; }
    result<position> position_at(instant) const override { return head_.last; }
    result<std::uint64_t> verify(const std::function<void(const finding&)>&,
                                 const progress_sink&) const override {
        return std::uint64_t{0};
    }

private:
    ledger_head head_;
    chain_hasher hasher_;
    boost::unordered_flat_map<std::uint64_t, std::uint64_t> heads_; // by hash of the stream
};

struct times {
    double read = 0;
    double stage = 0;
    double commit = 0;
    double fold = 0;
};

//! `text` is read in place: the command borrows from it.
std::unique_ptr<command_request> read_request(json_document& document, std::string& text,
                                              std::uint64_t number,
                                              const std::shared_ptr<const principal>& caller) {
    auto request = std::make_unique<command_request>();
    request->caller = caller;
    const std::string service = "svc-" + std::to_string(number % 100);
    const std::string instance = "node-" + std::to_string(number);
    text = body;
    const std::vector<path_field> path{{"service", request->texts.keep(service)},
                                       {"instance", request->texts.keep(instance)}};
    field_errors errors;
    registry::register_instance what;
    if (!document.parse(text).ok()) {
        std::abort();
    }
    const json_value root = document.root();
    read_json(&root, path, what, errors);
    if (!errors.empty()) {
        std::abort();
    }
    request->items.push_back({std::move(what)});
    request->done = [](command_answer& answer) {
        if (answer.outcomes.at(0).kind != outcome_kind::appended) {
            std::abort();
        }
    };
    return request;
}

void measure(std::size_t in_batch, std::uint64_t commands) {
    forgetful_ledger facts;
    system_clock time;
    crypto::uuid7_source ids(time);
    write_model model;
    sequencer decides(facts, model, time, ids);
    node live(facts, std::make_unique<view_set>(), time, {});
    const auto caller = std::make_shared<const principal>(
        principal{"token/0123456789abcdef", "", {"registry:read", "registry:write"}});
    json_document document;
    std::vector<std::unique_ptr<command_request>> requests;
    std::vector<std::string> texts(in_batch);
    times sum;
    for (std::uint64_t number = 0; number < commands;) {
        const double begin = seconds_now();
        for (std::size_t i = 0; i < in_batch; ++i) {
            requests.push_back(read_request(document, texts[i], number++, caller));
        }
        const double read = seconds_now();
        for (std::size_t i = 0; i < requests.size(); ++i) {
            if (i + 4 < requests.size()) { // as the pipeline's thread does
                decides.foresee(*requests[i + 4]);
            }
            decides.stage(std::move(requests[i]));
        }
        requests.clear();
        const double staged = seconds_now();
        auto notice = decides.commit();
        if (!notice.ok()) {
            std::abort();
        }
        const double committed = seconds_now();
        live.on_notice(std::move(notice).value());
        const double folded = seconds_now();
        sum.read += read - begin;
        sum.stage += staged - read;
        sum.commit += committed - staged;
        sum.fold += folded - committed;
    }
    const double each = 1e9 / static_cast<double>(commands);
    std::printf("{\"batch\": %zu, \"commands\": %llu, \"read_ns\": %.0f, \"stage_ns\": %.0f, "
                "\"commit_ns\": %.0f, \"fold_and_answer_ns\": %.0f}\n",
                in_batch, static_cast<unsigned long long>(commands), sum.read * each,
                sum.stage * each, sum.commit * each, sum.fold * each);
}

} // namespace

int main(int count, char** words) {
    const std::uint64_t commands = count > 1 ? std::strtoull(words[1], nullptr, 10) : 300'000;
    for (const std::size_t in_batch : {std::size_t{1}, std::size_t{32}, std::size_t{500}}) {
        measure(in_batch, commands / in_batch * in_batch);
    }
    return 0;
}
