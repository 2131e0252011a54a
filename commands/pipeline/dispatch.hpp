// SPDX-License-Identifier: Apache-2.0
//! Which part of the write model a command or an event concerns, found by what each context declares.
#pragma once

#include "commands/pipeline/write_model.hpp"
#include "domain/base/context.hpp"
#include "domain/wire/commands.gen.hpp"

#include <string>

namespace fasti {

template <class Command>
auto& state_for(write_model& model, [[maybe_unused]] const Command& what) {
    if constexpr (requires(const decision_context& context) {
                      registry::decide(model.registry, what, context);
                  }) {
        return model.registry;
    } else {
        return model.identity;
    }
}

//! Hands an event to the state of the context that declares it.
template <class Event>
void evolve_model(write_model& model, const Event& fact, const event_context& context) {
    if constexpr (requires { registry::evolve(model.registry, fact, context); }) {
        registry::evolve(model.registry, fact, context);
    } else {
        identity::evolve(model.identity, fact, context);
    }
}

//! Whether the resource a command is about exists now.
template <class Command>
bool exists(const write_model& model, const Command& what) {
    if constexpr (requires { what.instance; }) {
        return model.registry.has_instance(what.service, what.instance);
    } else if constexpr (requires { what.service; }) {
        return model.registry.has_service(what.service);
    } else if constexpr (requires { what.token; }) {
        return model.identity.has_token(what.token);
    } else {
        return true;
    }
}

//! Empty for a command that has none.
template <class Command>
void name_stream([[maybe_unused]] const Command& what, std::string& out) {
    out.clear();
    if constexpr (requires { append_stream_of(what, out); }) {
        append_stream_of(what, out);
    }
}

} // namespace fasti
