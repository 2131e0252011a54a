// SPDX-License-Identifier: Apache-2.0
//! Registry events as a busy installation makes them, the same ones in every run: input of the figures that
//! need a log without having to go through a server for it.
#pragma once

#include "domain/wire/events.gen.hpp"
#include "eventstore/port/event.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::bench {

struct shape {
    std::uint32_t services = 1;
    std::uint32_t per_service = 1;
    std::uint32_t changes = 0;       //!< events after the registrations
    std::uint32_t lease_ms = 10'000; //!< 0: no lease
};

//! First registers every instance, round the services as real agents do, then changes random ones: six in ten
//! updated, the others drained and taken back.
class made_events {
public:
    explicit made_events(const shape& of)
        : of_(of), random_(42), versions_(static_cast<std::size_t>(of.services) * of.per_service) {
        for (std::uint32_t i = 0; i < of.services; ++i) {
            services_.push_back("payments-service-" + std::to_string(i));
        }
        for (std::uint32_t i = 0; i < of.per_service; ++i) {
            instances_.push_back("payments-node-" + std::to_string(i));
        }
    }

    //! The next event, which lives until the call after it; null: that was the last.
    const event_draft* next() {
        const std::uint64_t registrations = versions_.size();
        const std::uint64_t at = made_;
        if (at == registrations + of_.changes) {
            return nullptr;
        }
        ++made_;
        if (at < registrations) {
            put<registry::instance_registered>(static_cast<std::uint32_t>(at % of_.services),
                                               static_cast<std::uint32_t>(at / of_.services));
        } else {
            change(static_cast<std::uint32_t>(random_() % of_.services),
                   static_cast<std::uint32_t>(random_() % of_.per_service), random_() % 10);
        }
        return &draft_;
    }

    const std::vector<std::string>& services() const { return services_; }
    const std::vector<std::string>& instances() const { return instances_; }

    //! Bytes of all names and values of the registered instances: what they take however they are kept.
    std::uint64_t text_bytes() const { return text_bytes_; }

private:
    void change(std::uint32_t service, std::uint32_t instance, std::uint64_t kind) {
        if (kind < 6) {
            put<registry::instance_updated>(service, instance);
        } else if (kind < 8) {
            add(registry::instance_drain_started{services_[service], instances_[instance]}, service,
                instance);
        } else {
            add(registry::instance_drain_ended{services_[service], instances_[instance]}, service,
                instance);
        }
    }

    template <class Event>
    void put(std::uint32_t service, std::uint32_t instance) {
        Event what;
        const std::string address = "10.1." + std::to_string(instance % 250) + ".7";
        const std::string build = std::to_string(random_() % 100'000);
        what.service = services_[service];
        what.instance = instances_[instance];
        what.address = address;
        what.port = 8080;
        what.protocol = "http";
        what.version = "1.4.2";
        what.weight = 100;
        what.zone = "eu-central-1a";
        what.tags = {"blue", "canary"};
        what.metadata = {{"build", build}, {"team", "payments"}};
        what.lease_ms = of_.lease_ms;
        if (made_ <= versions_.size()) {
            text_bytes_ += what.service.size() + what.instance.size() + address.size() +
                           build.size() + what.protocol.size() + what.version.size() +
                           what.zone.size() +
                           std::string_view{"bluecanarybuildteampayments"}.size();
        }
        add(what, service, instance);
    }

    template <class Event>
    void add(const Event& what, std::uint32_t service, std::uint32_t instance) {
        data_.clear();
        encode(what, data_);
        stream_ = stream_of(what);
        draft_ = {};
        draft_.stream = stream_;
        draft_.stream_version = ++versions_[service * instances_.size() + instance];
        draft_.type = Event::type_name;
        draft_.revision = Event::revision_now;
        draft_.recorded = instant{1'700'000'000'000'000 +
                                  static_cast<std::int64_t>(made_ - 1) * 50};
        draft_.actor = "token/00000000000000aa";
        draft_.data = data_;
    }

    shape of_;
    std::mt19937_64 random_;
    std::vector<std::uint64_t> versions_;
    std::vector<std::string> services_;
    std::vector<std::string> instances_;
    std::uint64_t made_ = 0;
    std::uint64_t text_bytes_ = 0;
    std::string data_;
    std::string stream_;
    event_draft draft_;
};

} // namespace fasti::bench
