// SPDX-License-Identifier: Apache-2.0
//! What goes into the sequencer and what comes out: plain values, no callbacks.
#pragma once

#include "commands/access/access.hpp"
#include "commands/pipeline/kept_texts.hpp"
#include "domain/base/ids.hpp"
#include "domain/base/result.hpp"
#include "domain/wire/commands.gen.hpp"
#include "eventstore/port/ledger.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

//! One command with its conditions. Text is borrowed from the request that holds it.
struct command_item {
    command what;
    std::string_view idempotency_key = {}; //!< empty: the server makes one
    std::optional<std::uint64_t> expected_version =
        {};                      //!< the command's stream must be exactly there
    bool must_exist = false;     //!< If-Match: *
    bool must_not_exist = false; //!< If-None-Match: *
    position cause = 0;          //!< the event that led to this one; 0: what the request says
};

enum class batch_mode : std::uint8_t {
    each, //!< every command stands for itself
    all,  //!< every command or none
};

struct command_answer;

struct lease_note {
    std::uint32_t slot = 0;
    std::uint32_t age = 0; //!< how many instances had the slot before
};

//! Commands of one caller, decided together. Never moved: items borrow from `texts`.
struct command_request {
    command_request() = default;
    command_request(const command_request&) = delete;
    command_request& operator=(const command_request&) = delete;

    std::shared_ptr<const principal> caller;
    kept_texts texts; //!< what the items borrow from and nobody else keeps
    std::size_t borrowed_bytes =
        0; //!< of the body, kept by whoever asked, for the bound of the queue
    std::vector<command_item> items;
    batch_mode mode = batch_mode::each;
    std::string batch_key; //!< mode all: one key for the whole batch; empty: none
    bool dry_run = false;
    std::string reason;
    std::string correlation; //!< empty: the command's own id
    std::string cause;       //!< position of the event that led to this; empty: an outside request
    std::string trace;       //!< W3C traceparent
    //! Leases that must not lapse while this is under way; written by the owner of the leases.
    std::vector<lease_note> lease_notes;
    //! Called by the owner of the views, on its thread, once they hold what the answer says.
    std::function<void(command_answer&)> done;
};

enum class outcome_kind : std::uint8_t { appended, already, unchanged, dry_run, failed };

//! An event that a dry run would have appended. Owns its text.
struct planned_event {
    std::string type;
    std::uint32_t revision = 1;
    std::string stream;
    std::uint64_t stream_version = 0;
    std::string data;
};

struct item_outcome {
    outcome_kind kind = outcome_kind::failed;
    bool created = false;               //!< the resource came into being
    position first = 0;                 //!< appended, already: position of the first event
    std::uint32_t count = 0;            //!< appended, already: how many events
    std::uint64_t stream_version = 0;   //!< of the command's stream, after it
    std::vector<planned_event> planned; //!< dry_run
    std::optional<error> failure;       //!< failed
};

struct command_answer {
    std::unique_ptr<command_request> request; //!< given back: texts live until the answer is written
    //! One for each item. Mode all: a failure ends them, and nothing of the request was done.
    std::vector<item_outcome> outcomes;
    //! Mode all: the failure at the end is none of the last item's but of the request as a whole.
    bool failed_whole = false;
    //! What the commit appended that the answer rests on, null when nothing; as long as the notice lives.
    const committed_batch* batch = nullptr;
};

//! What one commit made true. Answers may be told only after `batch` was applied to the views.
struct commit_notice {
    std::shared_ptr<const committed_batch> batch; //!< null when nothing was appended
    std::vector<command_answer> answers;
};

} // namespace fasti
