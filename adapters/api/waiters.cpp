// SPDX-License-Identifier: Apache-2.0
#include "adapters/api/waiters.hpp"

#include "domain/registry/streams.hpp"
#include "eventstore/port/record.hpp"

#include <algorithm>
#include <utility>

namespace fasti::api {

void waiters::add(waiter one) {
    const std::string key = one.watched.one ? one.watched.name : std::string();
    const std::int64_t until = one.until_us;
    const place at = by_time_.emplace(until, std::move(one));
    by_service_[key].push_back(at);
}

void waiters::wake(const std::vector<std::string_view>& services,
                   const std::function<bool(waiter&)>& answered) {
    const auto wake_key = [&](std::string_view key) {
        const auto found = by_service_.find(key);
        if (found == by_service_.end()) {
            return;
        }
        // Taken out while looked at: an answer may lead to another wait under the same key.
        std::list<place> some = std::move(found->second);
        by_service_.erase(found);
        wake(some, answered);
        if (!some.empty()) {
            auto& left = by_service_[std::string(key)];
            left.splice(left.end(), some);
        }
    };
    wake_key("");
    for (const std::string_view service : services) {
        if (!service.empty()) {
            wake_key(service);
        }
    }
}

void waiters::wake(std::list<place>& some, const std::function<bool(waiter&)>& answered) {
    for (auto one = some.begin(); one != some.end();) {
        if (answered((*one)->second)) {
            by_time_.erase(*one);
            one = some.erase(one);
        } else {
            ++one;
        }
    }
}

void waiters::end_overdue(std::int64_t now_us, const std::function<void(const waiter&)>& end) {
    const auto is_over = [&](place one) {
        return one->first <= now_us || one->second.asked.to.client_gone();
    };
    for (auto key = by_service_.begin(); key != by_service_.end();) {
        key->second.remove_if([&](place one) {
            if (!is_over(one)) {
                return false;
            }
            end(one->second);
            by_time_.erase(one);
            return true;
        });
        key = key->second.empty() ? by_service_.erase(key) : std::next(key);
    }
}

void waiters::end_all(const std::function<void(const waiter&)>& end) {
    by_service_.clear();
    for (const auto& [until, one] : std::exchange(by_time_, {})) {
        end(one);
    }
}

std::vector<std::string_view> touched_services(const committed_batch& batch) {
    std::vector<std::string_view> services;
    recorded_event event;
    for (std::size_t i = 0; i < batch.slices.size(); ++i) {
        if (!decode_record(batch.canonical(i), event)) {
            continue;
        }
        services.push_back(registry::service_of_stream(event.fact.stream));
    }
    std::sort(services.begin(), services.end());
    services.erase(std::unique(services.begin(), services.end()), services.end());
    return services;
}

} // namespace fasti::api
