// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/core/operations.hpp"

#include <charconv>
#include <utility>

namespace fasti::sim {
namespace {

constexpr std::string_view marker_begin = "op-";
constexpr std::uint32_t lease_lengths_ms[] = {100, 700, 3'000, 9'000, 25'000};

} // namespace

std::unique_ptr<command_request> operation::request() const {
    auto out = std::make_unique<command_request>();
    out->caller = caller;
    out->items = items; // borrow from our texts, which outlive the request
    out->mode = mode;
    out->batch_key = batch_key;
    out->dry_run = dry_run;
    out->reason = marker;
    return out;
}

std::optional<std::uint64_t> operation_of(std::string_view reason) {
    if (!reason.starts_with(marker_begin)) {
        return std::nullopt;
    }
    std::uint64_t id = 0;
    const char* const end = reason.data() + reason.size();
    const auto [stop, problem] = std::from_chars(reason.data() + marker_begin.size(), end, id);
    return problem == std::errc{} && stop == end ? std::optional{id} : std::nullopt;
}

operation_maker::operation_maker(machine& on) : on_(on) {
    for (int i = 0; i < 4; ++i) {
        callers_.push_back(std::make_shared<principal>(
            principal{"token/c" + std::to_string(i), i == 3 ? "other" : "", {"admin:*"}}));
    }
}

std::string operation_maker::any_service() {
    return "s" + std::to_string(on_.pick(0, services - 1));
}

std::string operation_maker::any_instance() {
    return "i" + std::to_string(on_.pick(0, instances - 1));
}

void operation_maker::begin(operation& out, std::uint64_t id) {
    out.id = id;
    out.marker = std::string{marker_begin} + std::to_string(id);
    out.caller = callers_[on_.pick(0, callers_.size() - 1)];
}

void operation_maker::make(operation& out, std::uint64_t id, const version_source& version_of) {
    begin(out, id);
    const std::uint64_t kind = on_.pick(0, 99);
    const std::size_t count = kind < 80 ? 1 : on_.pick(2, 6);
    out.mode = kind >= 90 ? batch_mode::all : batch_mode::each;
    out.dry_run = on_.one_in(15);
    const bool keyed = on_.pick(0, 99) < 65;
    for (std::size_t i = 0; i < count; ++i) {
        command_item item{.what = any_command(out, i)};
        if (keyed && out.mode == batch_mode::each) {
            item.idempotency_key = keep(out, "k" + std::to_string(id) + "." + std::to_string(i));
        }
        if (on_.one_in(6)) {
            put_conditions(item, version_of);
        }
        out.items.push_back(std::move(item));
    }
    if (keyed && out.mode == batch_mode::all) {
        out.batch_key = "k" + std::to_string(id);
    }
    out.repeatable = keyed && !out.dry_run;
    out.told.resize(out.mode == batch_mode::all ? 1 : count);
}

void operation_maker::make_other_body(operation& out, std::uint64_t id, const operation& before) {
    begin(out, id);
    out.caller = before.caller;
    out.other_body = true;
    command_item item{.what = any_register(out, 0)};
    std::get<registry::register_instance>(item.what).zone = keep(out,
                                                                 "zone of " + std::to_string(id));
    item.idempotency_key = keep(out, std::string{before.items.front().idempotency_key});
    out.items.push_back(std::move(item));
    out.told.resize(1);
}

void operation_maker::put_conditions(command_item& item, const version_source& version_of) {
    std::string stream;
    switch (on_.pick(0, 3)) {
        case 0: item.must_exist = true; return;
        case 1: item.must_not_exist = true; return;
        default: break;
    }
    if (append_command_stream(item.what, stream)) {
        const std::uint64_t now = version_of(stream);
        item.expected_version = on_.one_in(3) && now > 0 ? now - 1 : now;
    }
}

command operation_maker::any_command(operation& of, std::size_t item) {
    const std::uint64_t kind = on_.pick(0, 99);
    if (kind < 38) {
        return any_register(of, item);
    }
    if (kind < 52) {
        return any_update(of, item);
    }
    if (kind < 60) {
        return any_token(of, item);
    }
    const std::string_view service = keep(of, any_service());
    if (kind < 66) {
        registry::register_service what{.service = service};
        what.description = keep(of, "from " + of.marker);
        what.owner = on_.one_in(2) ? "team" : "";
        return what;
    }
    if (kind < 69) {
        return registry::deregister_service{.service = service};
    }
    const std::string_view instance = keep(of, any_instance());
    switch (on_.pick(0, 11)) {
        case 0:
        case 1: return registry::deregister_instance{.service = service, .instance = instance};
        case 2:
        case 3: return registry::drain_instance{.service = service, .instance = instance};
        case 4: return registry::resume_instance{.service = service, .instance = instance};
        case 5: return registry::start_maintenance{.service = service, .instance = instance};
        case 6: return registry::end_maintenance{.service = service, .instance = instance};
        case 7: return registry::lift_expiry_guard{};
        default: return registry::renew_lease{.service = service, .instance = instance};
    }
}

command operation_maker::any_register(operation& of, std::size_t item) {
    registry::register_instance what;
    what.service = keep(of, any_service());
    what.instance = keep(of, any_instance());
    what.address = keep(of, "10.0.0." + std::to_string(on_.pick(1, 3)));
    what.port = static_cast<std::uint16_t>(on_.pick(80, 82));
    if (on_.one_in(3)) {
        what.tags.push_back("edge");
    }
    if (on_.one_in(2)) {
        const std::size_t length = on_.one_in(10) ? on_.pick(500, 1000) : on_.pick(1, 60);
        what.metadata.push_back(
            {"op", keep(of, of.marker + "." + std::to_string(item) + std::string(length, 'x'))});
    }
    if (!on_.one_in(4)) {
        what.lease_ms = lease_lengths_ms[on_.pick(0, std::size(lease_lengths_ms) - 1)];
    }
    return what;
}

command operation_maker::any_update(operation& of, std::size_t item) {
    registry::update_instance what;
    what.service = keep(of, any_service());
    what.instance = keep(of, any_instance());
    if (on_.one_in(2)) {
        what.weight = static_cast<std::uint32_t>(on_.pick(0, 3));
    }
    if (on_.one_in(3)) {
        what.zone = keep(of, "z" + std::to_string(on_.pick(0, 2)));
    }
    if (on_.one_in(3)) {
        what.metadata.emplace().push_back({"op", keep(of, of.marker + "." + std::to_string(item))});
    }
    if (on_.one_in(5)) {
        what.lease_ms = lease_lengths_ms[on_.pick(0, std::size(lease_lengths_ms) - 1)];
    }
    return what;
}

command operation_maker::any_token(operation& of, std::size_t item) {
    if (!tokens_.empty() && on_.one_in(2)) {
        return identity::revoke_token{.token = keep(of, tokens_[on_.pick(0, tokens_.size() - 1)])};
    }
    identity::create_token what;
    std::string id = std::to_string(of.id * 10 + item);
    id.insert(0, 16 - id.size(), '0');
    tokens_.push_back(id);
    what.token = keep(of, std::move(id));
    what.name = keep(of, "for " + of.marker);
    what.permissions = {"registry:write"};
    what.secret_sha256 = keep(of, std::string(32, static_cast<char>('a' + of.id % 26)));
    return what;
}

} // namespace fasti::sim
