// SPDX-License-Identifier: Apache-2.0
// What each part of a register_instance costs by itself, without sockets, threads and disk, so that a profile
// of the whole has something to be compared with. One line of JSON for each part.
#include "domain/wire/json.hpp"
#include "domain/wire/registry_json.gen.hpp"
#include "domain/wire/registry_stored.gen.hpp"
#include "eventstore/port/record.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace fasti; // NOLINT: one program

constexpr std::string_view body =
    R"({"address":"10.20.30.40","port":8443,"protocol":"http","version":"2.14.3","zone":"eu-central-1a",)"
    R"("tags":["blue","canary"],"metadata":{"commit":"9f2c1ab74d","image":"shop/checkout:2.14.3",)"
    R"("owner":"team-checkout"},"lease_ms":3600000})";

double seconds_now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

//! The best of five repeats: the parts compete with nobody when they are quickest.
template <class Work>
void measure(std::string_view part, std::uint64_t times, const Work& work) {
    double best = 1e9;
    for (int repeat = 0; repeat < 5; ++repeat) {
        const double begin = seconds_now();
        for (std::uint64_t i = 0; i < times; ++i) {
            work(i);
        }
        best = std::min(best, (seconds_now() - begin) / static_cast<double>(times));
    }
    std::printf("{\"part\": \"%.*s\", \"ns\": %.1f}\n", static_cast<int>(part.size()), part.data(),
                best * 1e9);
}

void check_that(bool true_one, const char* what) {
    if (!true_one) {
        std::fprintf(stderr, "parts_bench: not true: %s\n", what);
        std::exit(1);
    }
}

} // namespace

int main(int count, char** words) {
    const std::uint64_t times = count > 1 ? std::strtoull(words[1], nullptr, 10) : 200'000;
    json_document document;
    std::string text;
    const std::vector<path_field> path{{"service", "svc-000001"}, {"instance", "node-00000001"}};

    measure("copy the body", times, [&](std::uint64_t) { text.assign(body); });
    measure("parse JSON", times, [&](std::uint64_t) {
        text.assign(body);
        check_that(document.parse(text).ok(), "the body is JSON");
    });
    registry::register_instance command;
    measure("parse JSON, read register_instance", times, [&](std::uint64_t) {
        text.assign(body);
        field_errors errors;
        registry::register_instance made;
        check_that(document.parse(text).ok(), "the body is JSON");
        const json_value root = document.root();
        read_json(&root, path, made, errors);
        check_that(errors.empty(), "the fields are valid");
        command = std::move(made);
    });

    registry::instance_registered event;
    event.service = command.service;
    event.instance = command.instance;
    event.address = command.address;
    event.port = command.port;
    event.protocol = command.protocol;
    event.version = command.version;
    event.weight = command.weight;
    event.zone = command.zone;
    event.tags = command.tags;
    event.metadata = command.metadata;
    event.lease_ms = command.lease_ms;
    std::string data;
    measure("encode instance_registered", times, [&](std::uint64_t) {
        data.clear();
        encode(event, data);
    });
    event_draft draft;
    draft.stream = "instance/svc-000001/node-00000001";
    draft.stream_version = 1;
    draft.type = event.type_name;
    draft.recorded = instant{1'700'000'000'000'000};
    draft.actor = "token/00000000000000aa";
    draft.data = data;
    std::string record;
    measure("encode the record", times, [&](std::uint64_t number) {
        record.clear();
        encode_record(draft, number + 1, record);
    });
    chain_hasher hasher;
    hash256 hash;
    measure("hash the record", times, [&](std::uint64_t) { hash = hasher.next(hash, record); });
    std::printf("{\"part\": \"bytes of a record\", \"bytes\": %zu}\n", record.size());
    return hash.prefix() == 0 ? 1 : 0;
}
