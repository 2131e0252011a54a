// SPDX-License-Identifier: Apache-2.0
#include "domain/registry/state.hpp"

#include "domain/base/check.hpp"

#include <utility>

namespace fasti::registry {
namespace {

template <class Record>
void free_record(Record* record) noexcept {
    record_deleter{}(record);
}

} // namespace

state::~state() { clear(); }

void state::clear() noexcept {
    keep();
    instances_.for_each([](instance_record& record) { free_record(&record); });
    services_.for_each([](service_record& record) { free_record(&record); });
    instances_.clear();
    services_.clear();
    guard_until_.reset();
}

void state::keep() noexcept {
    for (const change& one : journal_) {
        free_record(one.instance_before);
        free_record(one.service_before);
    }
    journal_.clear();
}

void state::drop() {
    while (!journal_.empty()) {
        const change one = journal_.back();
        journal_.pop_back();
        switch (one.what) {
            case change::kind::guard: guard_until_ = one.guard_before; break;
            case change::kind::instance:
                if (one.instance_after != nullptr && one.instance_before != nullptr) {
                    instances_.replace(one.instance_after->hash, one.instance_after,
                                       one.instance_before);
                } else if (one.instance_after != nullptr) {
                    unlink(one.instance_after);
                } else {
                    link(one.instance_before);
                }
                free_record(one.instance_after);
                break;
            case change::kind::service:
                // By name: a record known only by its instances may have come and gone since.
                if (service_record* there = find(one.service); there != nullptr) {
                    services_.erase(there->hash, there);
                    if (one.service_before != nullptr) {
                        one.service_before->instances = there->instances;
                    }
                    free_record(there);
                }
                if (one.service_before != nullptr) {
                    services_.insert(one.service_before->hash, one.service_before);
                }
                break;
        }
    }
}

service_record* state::find(std::string_view service) const {
    return services_.find(hash_of_service(service), [&](const service_record& record) {
        return record.service() == service;
    });
}

const service_record* state::find_service(std::string_view service) const { return find(service); }

instance_record* state::find(std::string_view service, std::string_view instance) const {
    return instances_.find(hash_of_instance(service, instance), [&](const instance_record& record) {
        return record.is_named(service, instance);
    });
}

const instance_record* state::find_instance(std::string_view service,
                                            std::string_view instance) const {
    return find(service, instance);
}

std::uint64_t state::foresee(std::string_view stream) const noexcept {
    const std::size_t first = stream.find('/');
    const std::size_t second = first == stream.npos ? stream.npos : stream.find('/', first + 1);
    if (second == stream.npos) {
        return 0;
    }
    const std::uint64_t hash = hash_of_instance(stream.substr(first + 1, second - first - 1),
                                                stream.substr(second + 1));
    instances_.prefetch(hash);
    return hash;
}

void state::fetch(std::uint64_t foreseen) const noexcept {
    if (const instance_record* record = instances_.guess(foreseen)) {
        const auto* bytes = reinterpret_cast<const char*>(record);
        __builtin_prefetch(bytes);
        __builtin_prefetch(bytes + 64); // the names stand behind the head
        __builtin_prefetch(bytes + 128);
    }
}

void state::link(instance_record* record) {
    instances_.insert(record->hash, record);
    const std::string_view name = record->service();
    service_record* service = find(name);
    if (service == nullptr) {
        service = make_implicit_record(name).release();
        services_.insert(service->hash, service);
    }
    ++service->instances;
}

void state::unlink(const instance_record* record) {
    instances_.erase(record->hash, record);
    service_record* service = find(record->service());
    check(service != nullptr && service->instances > 0, "a service counts its instances");
    --service->instances;
    if (service->instances == 0 && !service->registered) {
        services_.erase(service->hash, service);
        free_record(service);
    }
}

void state::set_instance(instance_ptr made) {
    instance_record* after = made.release();
    const std::string_view service = after->service();
    instance_record* before = find(service, after->instance());
    if (before != nullptr) {
        instances_.replace(after->hash, before, after);
    } else {
        link(after);
    }
    journal_.push_back(
        {.what = change::kind::instance, .instance_before = before, .instance_after = after});
}

void state::erase_instance(std::string_view service, std::string_view instance) {
    instance_record* before = find(service, instance);
    if (before == nullptr) {
        return;
    }
    unlink(before);
    journal_.push_back({.what = change::kind::instance, .instance_before = before});
}

void state::set_service(service_ptr made) {
    service_record* after = made.release();
    service_record* before = find(after->service());
    if (before != nullptr) {
        after->instances = before->instances;
        services_.replace(after->hash, before, after);
    } else {
        services_.insert(after->hash, after);
    }
    journal_.push_back({.what = change::kind::service,
                        .service_before = before,
                        .service = before != nullptr ? before->service() : after->service()});
}

void state::unregister_service(std::string_view service) {
    service_record* before = find(service);
    if (before == nullptr || !before->registered) {
        return;
    }
    if (before->instances > 0) {
        set_service(make_implicit_record(service));
        return;
    }
    services_.erase(before->hash, before);
    journal_.push_back(
        {.what = change::kind::service, .service_before = before, .service = before->service()});
}

void state::set_guard(std::optional<instant> until) {
    journal_.push_back({.what = change::kind::guard, .guard_before = guard_until_});
    guard_until_ = until;
}

void state::for_each_service(const std::function<void(const service_record&)>& visit) const {
    services_.for_each([&](const service_record& record) { visit(record); });
}

void state::for_each_instance(const std::function<void(const instance_record&)>& visit) const {
    instances_.for_each([&](const instance_record& record) { visit(record); });
}

} // namespace fasti::registry
