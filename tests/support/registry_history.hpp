// SPDX-License-Identifier: Apache-2.0
//! Random but repeatable histories of registry and token events, as the log would hold them.
#pragma once

#include "domain/wire/events.gen.hpp"
#include "eventstore/port/event.hpp"

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace fasti::test {

//! One event with text of its own.
struct owned_event {
    std::string stream;
    std::string type;
    std::string data;
    std::string actor = "token/00000000000000aa";
    std::string reason;
    std::string cause;
    std::uint64_t stream_version = 0;
    std::uint32_t revision = 1;
    instant recorded;
    position at = 0;

    event_draft draft() const {
        event_draft out;
        out.stream = stream;
        out.stream_version = stream_version;
        out.type = type;
        out.revision = revision;
        out.recorded = recorded;
        out.actor = actor;
        out.reason = reason;
        out.cause = cause;
        out.data = data;
        return out;
    }
    recorded_event recorded_form() const {
        recorded_event out;
        out.at = at;
        out.fact = draft();
        return out;
    }
};

//! Writes events one after the other, counting positions, versions and time.
class history_writer {
public:
    template <class Event>
    const owned_event& add(const Event& what) {
        owned_event made;
        made.stream = stream_of(what);
        made.type = Event::type_name;
        made.revision = Event::revision_now;
        encode(what, made.data);
        return add_raw(std::move(made));
    }

    const owned_event& add_raw(owned_event made) {
        made.stream_version = ++versions_[made.stream];
        made.at = events.size() + 1;
        made.recorded = now;
        now.us += step_us;
        events.push_back(std::move(made));
        return events.back();
    }

    std::vector<owned_event> events;
    instant now{1'700'000'000'000'000};
    std::int64_t step_us = 1'000'000;

private:
    std::map<std::string, std::uint64_t> versions_;
};

//! A history in which every event could have been decided: nothing is drained that is not there.
class random_history {
public:
    random_history(std::uint64_t seed, unsigned services, unsigned instances)
        : random_(seed), services_(services), instances_(instances) {}

    const std::vector<owned_event>& make(std::size_t count) {
        while (writer.events.size() < count) {
            step();
        }
        return writer.events;
    }

    history_writer writer;

private:
    struct life {
        bool known = false;
        bool expired = false;
    };

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

    void step() {
        if (below(50) == 0) {
            writer.now.us += static_cast<std::int64_t>(below(400)) * 1'000'000;
        }
        const std::string service = "service-" + std::to_string(below(services_));
        switch (below(12)) {
            case 0: return step_service(service);
            case 1: return step_token();
            case 2: return step_guard();
            default: return step_instance(service, "instance-" + std::to_string(below(instances_)));
        }
    }

    void step_service(const std::string& service) {
        bool& registered = registered_[service];
        if (registered && below(3) == 0) {
            writer.add(registry::service_deregistered{service});
            registered = false;
        } else if (registered) {
            writer.add(registry::service_updated{service, words(), "owner", {"a", "b"}, {}});
        } else {
            writer.add(registry::service_registered{service, words(), "", {"a"}, {{"k", "v"}}});
            registered = true;
        }
    }

    void step_token() {
        const std::string id = "00000000000000" + std::to_string(10 + below(90));
        const std::string secret(32, static_cast<char>('a' + below(26)));
        bool& known = tokens_[id];
        if (known) {
            writer.add(identity::token_revoked{id});
        } else {
            writer.add(identity::token_created{id, "ci", {"registry:read"}, {}, secret});
        }
        known = true;
    }

    void step_guard() {
        guard_ = !guard_;
        const instant until = writer.now.plus_ms(60'000);
        if (guard_) {
            writer.add(registry::expiry_guard_raised{10, 20, 1000, until});
        } else {
            writer.add(registry::expiry_guard_lifted{until});
        }
    }

    template <class Event>
    void put(const std::string& service, const std::string& instance) {
        Event what;
        const std::string address = "10.0.0." + std::to_string(below(250));
        const std::string version = "1." + std::to_string(below(3));
        const std::string zone = "z" + std::to_string(below(3));
        const std::string text = words();
        what.service = service;
        what.instance = instance;
        what.address = address;
        what.port = static_cast<std::uint16_t>(1 + below(60'000));
        what.protocol = "http";
        what.version = version;
        what.weight = static_cast<std::uint32_t>(below(200));
        what.zone = zone;
        if (below(2) == 0) {
            what.tags = {"blue", "green"};
        }
        if (below(2) == 0) {
            what.metadata = {{"build", text}, {"team", "core"}};
        }
        if (below(2) == 0) {
            what.lease_ms = static_cast<std::uint32_t>(1000 + below(100'000));
        }
        writer.add(what);
    }

    void step_instance(const std::string& service, const std::string& instance) {
        life& of = lives_[service + "/" + instance];
        if (!of.known || of.expired) {
            if (of.known && below(4) == 0) {
                writer.add(registry::instance_reaped{service, instance});
                of = {};
                return;
            }
            put<registry::instance_registered>(service, instance);
            of = {true, false};
            return;
        }
        switch (below(8)) {
            case 0: writer.add(registry::instance_drain_started{service, instance}); break;
            case 1: writer.add(registry::instance_drain_ended{service, instance}); break;
            case 2: writer.add(registry::instance_maintenance_started{service, instance}); break;
            case 3: writer.add(registry::instance_maintenance_ended{service, instance}); break;
            case 4:
                writer.add(registry::instance_expired{service, instance, 1000, writer.now});
                of.expired = true;
                break;
            case 5:
                writer.add(registry::instance_deregistered{service, instance});
                of = {};
                break;
            default: put<registry::instance_updated>(service, instance);
        }
    }

    std::string words() { return std::string(below(40), 'w'); }

    std::mt19937_64 random_;
    unsigned services_;
    unsigned instances_;
    std::map<std::string, bool> registered_;
    std::map<std::string, bool> tokens_;
    std::map<std::string, life> lives_;
    bool guard_ = false;
};

} // namespace fasti::test
