// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/requests.hpp"

namespace fasti::bench {
namespace {

// Marks in the texts below: a letter, repeated to the width of the number that replaces it.
constexpr char service_mark = '\x01';
constexpr char instance_mark = '\x02';
constexpr char serial_mark = '\x03';

std::string service_name() { return "svc-" + std::string(6, service_mark); }
std::string instance_name() { return "node-" + std::string(8, instance_mark); }

} // namespace

request_maker::request_maker(const request_plan& plan) : plan_(plan) {
    const std::string instance_path = "/v1/services/" + service_name() + "/instances/" +
                                      instance_name();
    switch (plan.kind) {
        case request_kind::get: finish("GET " + plan.path, ""); break;
        case request_kind::discover:
            finish("GET /v1/discover/" + service_name() + "?strategy=round_robin", "");
            break;
        case request_kind::renew: finish("POST " + instance_path + "/renew", ""); break;
        case request_kind::register_instance:
            finish("PUT " + instance_path, "{" + fields() + "}");
            break;
        case request_kind::batch: {
            std::string body = "{\"mode\":\"all\",\"commands\":[";
            for (std::uint64_t item = 0; item < plan.commands; ++item) {
                const std::string names = "\"service\":\"" + service_name() + "\",\"instance\":\"" +
                                          instance_name() + "\",";
                body += std::string(item == 0 ? "" : ",") +
                        "{\"command\":\"register_instance\",\"data\":{" + names + fields() + "}}";
            }
            finish("POST /v1/commands", body + "]}");
            break;
        }
        case request_kind::etcd_put: {
            // Digits are letters of base64 too: each number is a key of its own, 24 bytes long.
            const std::string value(336, 'A'); // 252 bytes, as many as the fields of an instance
            finish("POST /v3/kv/put", "{\"key\":\"fastibenchabcdefghij" +
                                          std::string(12, serial_mark) + "\",\"value\":\"" + value +
                                          "\"}");
            break;
        }
    }
}

std::string request_maker::fields() const {
    return R"("address":"10.20.30.40","port":8443,"protocol":"http","version":"2.14.3","zone":"eu-central-1a",)"
           R"("tags":["blue","canary"],"metadata":{"commit":"9f2c1ab74d","image":"shop/checkout:2.14.3",)"
           R"("owner":"team-checkout"},"lease_ms":)" +
           std::to_string(plan_.lease_ms);
}

void request_maker::finish(const std::string& method_and_path, const std::string& body) {
    std::string head = method_and_path + " HTTP/1.1\r\nHost: " + plan_.host + "\r\n";
    if (!plan_.token.empty()) {
        head += "Authorization: Bearer " + plan_.token + "\r\n";
    }
    if (plan_.keys) {
        head += "Idempotency-Key: bench-" + std::string(12, serial_mark) + "\r\n";
    }
    if (!body.empty()) {
        head += "Content-Type: application/json\r\n";
    }
    if (method_and_path.rfind("GET ", 0) != 0) {
        head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    }
    bytes_ = head + "\r\n" + body;

    // A batch names one service and one instance for each command, in this order.
    std::uint64_t item = 0;
    for (std::size_t at = 0; at < bytes_.size();) {
        const char mark = bytes_[at];
        if (mark != service_mark && mark != instance_mark && mark != serial_mark) {
            ++at;
            continue;
        }
        const std::size_t width = bytes_.find_first_not_of(mark, at) - at;
        const digits what = mark == service_mark    ? digits::service
                            : mark == instance_mark ? digits::instance
                                                    : digits::serial;
        slots_.push_back({at, width, what, item});
        if (what == digits::instance) {
            ++item;
        }
        at += width;
    }
}

std::uint64_t request_maker::instance_number(std::uint64_t request, std::uint64_t item) const {
    constexpr std::uint64_t stride =
        1'000'003; // a prime: reads visit all names, neighbours far apart
    switch (plan_.kind) {
        case request_kind::discover:
        case request_kind::renew: return request * stride % (plan_.services * plan_.instances);
        case request_kind::batch: return plan_.first + request * plan_.commands + item;
        default: return plan_.first + request;
    }
}

void request_maker::append_to(std::string& out, std::uint64_t number) const {
    const std::size_t start = out.size();
    out.append(bytes_);
    for (const slot& place : slots_) {
        const std::uint64_t instance = instance_number(number, place.item);
        std::uint64_t value = number;
        if (place.what == digits::service) {
            value = instance % plan_.services;
        } else if (place.what == digits::instance) {
            value = instance / plan_.services;
        } else {
            value = plan_.first + number;
        }
        char* const text = out.data() + start + place.offset;
        for (std::size_t left = place.width; left > 0; --left) {
            text[left - 1] = static_cast<char>('0' + value % 10);
            value /= 10;
        }
    }
}

} // namespace fasti::bench
