// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fasti::bench {

enum class request_kind { get, discover, renew, register_instance, batch, etcd_put };

struct request_plan {
    request_kind kind = request_kind::get;
    std::string host;
    std::string path = "/health/live"; // of `get`
    std::string token;                 // empty: no Authorization header
    std::uint64_t services = 1;        // names svc-000000 and on
    std::uint64_t instances = 1;       // of each service, names node-00000000 and on
    std::uint64_t first = 0;           // number of the first instance that is registered
    std::uint64_t commands = 100;      // in one batch
    bool keys = false;                 // an Idempotency-Key of its own for each request
    std::uint64_t lease_ms = 3'600'000;
};

//! Makes the n-th request of a plan. All have the same length and differ in digits only, so that making one
//! is a copy and a few stores: on two cores the load must not compete with what it measures.
class request_maker {
public:
    explicit request_maker(const request_plan& plan);

    void append_to(std::string& out, std::uint64_t number) const;
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }

private:
    enum class digits { service, instance, serial };
    struct slot {
        std::size_t offset;
        std::size_t width;
        digits what;
        std::uint64_t item; // which command of a batch
    };

    std::string fields() const;
    void finish(const std::string& method_and_path, const std::string& body);
    [[nodiscard]] std::uint64_t instance_number(std::uint64_t request, std::uint64_t item) const;

    request_plan plan_;
    std::string bytes_;
    std::vector<slot> slots_;
};

} // namespace fasti::bench
