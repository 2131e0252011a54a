// SPDX-License-Identifier: Apache-2.0
//! What simulated clients ask for: requests from a seed that can be sent again word for word.
//! The reason of each is a marker of its own, so that every event tells which operation made it.
#pragma once

#include "commands/pipeline/request.hpp"
#include "tests/sim/core/machine.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::sim {

enum class op_state : std::uint8_t { made, waiting, unanswered, answered };

//! Positions that an answer named.
struct told_range {
    position first = 0;
    std::uint32_t count = 0;
};

struct operation {
    std::uint64_t id = 0;
    std::string marker;
    std::shared_ptr<const principal> caller;
    std::deque<std::string> texts; // what the items borrow from
    std::vector<command_item> items;
    batch_mode mode = batch_mode::each;
    std::string batch_key;
    bool dry_run = false;
    bool repeatable = false; //!< every part of it has a key
    bool other_body = false; //!< its key was used by an operation that appended
    op_state state = op_state::made;
    std::vector<told_range> told; //!< for each item (mode all: one in all); count 0: not appended

    std::unique_ptr<command_request> request() const;
    //! Where receipts of this operation are kept.
    std::string scope() const { return caller->tenant + "/" + caller->actor; }
};

//! "op-12": the number; nothing for reasons of others.
std::optional<std::uint64_t> operation_of(std::string_view reason);

//! Makes operations on a small set of names, so that they meet.
class operation_maker {
public:
    explicit operation_maker(machine& on);

    //! `version_of` tells where a stream stands, for conditions.
    using version_source = std::function<std::uint64_t(std::string_view stream)>;
    void make(operation& out, std::uint64_t id, const version_source& version_of);

    //! Another body under the key of an operation that appended.
    void make_other_body(operation& out, std::uint64_t id, const operation& before);

    static constexpr std::uint64_t services = 5;
    static constexpr std::uint64_t instances = 9;

private:
    std::string_view keep(operation& of, std::string text) {
        return of.texts.emplace_back(std::move(text));
    }
    command any_command(operation& of, std::size_t item);
    command any_register(operation& of, std::size_t item);
    command any_update(operation& of, std::size_t item);
    command any_token(operation& of, std::size_t item);
    std::string any_service();
    std::string any_instance();
    void begin(operation& out, std::uint64_t id);
    void put_conditions(command_item& item, const version_source& version_of);

    machine& on_;
    std::vector<std::shared_ptr<const principal>> callers_;
    std::vector<std::string> tokens_;
};

} // namespace fasti::sim
