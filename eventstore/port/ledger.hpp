// SPDX-License-Identifier: Apache-2.0
//! The ledger keeps facts in order and refuses writes that rest on stale knowledge.
//! One append is one unit: events, receipts and claims, all durable or none of them.
#pragma once

#include "domain/base/ids.hpp"
#include "domain/base/instant.hpp"
#include "domain/base/result.hpp"
#include "eventstore/port/event.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

//! What one append carries: the drafts of one group commit, many commands.
//! Positions are head+1 ... head+n in the order of `events`.
struct append_batch {
    std::span<const event_draft> events; //!< 1 to events_per_batch_max
    std::span<const receipt_draft> receipts;
    std::span<const claim_draft> claims;
};

inline constexpr std::size_t events_per_batch_max = 65'536;
inline constexpr std::size_t batch_bytes_max = 16U * 1024U * 1024U; //!< everything of one append
inline constexpr std::size_t event_data_bytes_max = 1024U * 1024U;

//! What every implementation checks before it looks at its state: lengths, counts, ranges of the
//! receipts, and that recorded time never goes back. Errors: fields_invalid.
result<void> check_batch(const append_batch& batch, instant last_recorded);

//! One event within committed bytes.
struct event_slice {
    std::uint32_t offset = 0; //!< of the canonical bytes
    std::uint32_t size = 0;
};

//! Events that are durable, as one piece of memory that followers share. Immutable.
struct committed_batch {
    position first = 0;
    std::vector<event_slice> slices; //!< one for each event, in order
    std::string bytes;               //!< holds the canonical bytes
    std::vector<hash256> hashes;     //!< of the chain, after each event
    hash256 last_hash;
    instant last_recorded;

    position last() const noexcept { return first + slices.size() - 1; }
    std::string_view canonical(std::size_t index) const noexcept {
        return std::string_view{bytes}.substr(slices[index].offset, slices[index].size);
    }
};

struct ledger_head {
    std::uint64_t epoch = 0; //!< random; part of every token
    position last = 0;       //!< 0: nothing yet
    hash256 last_hash;       //!< all zero when nothing yet
    instant last_recorded;
};

//! Which events a reader wants; empty members match all.
struct event_filter {
    std::vector<std::string> types; //!< any of these
    std::string stream_prefix;
    std::vector<std::string> streams_under; //!< any of: the stream itself, or below "<it>/"
    std::optional<std::string> tenant;
    std::string actor;

    bool matches(const event_draft& fact) const noexcept;
    bool matches_all() const noexcept;
};

enum class read_more : bool { stop = false, go_on = true };

//! Called for each event in order; the views are valid during the call only.
using event_visitor = std::function<read_more(const recorded_event&)>;

//! What verify() found wrong: one line for people, and where.
struct finding {
    std::string what;   //!< "chain broken", "checksum wrong", ...
    std::string where;  //!< file and offset, or index
    position first = 0; //!< affected positions; 0 when unknown
    position last = 0;
};

//! Progress of long work: done and total in one unit (bytes or events). Return false to stop.
using progress_sink = std::function<bool(std::uint64_t done, std::uint64_t total)>;

class ledger {
public:
    ledger() = default;
    ledger(const ledger&) = delete;
    ledger& operator=(const ledger&) = delete;
    virtual ~ledger() = default;

    //! 128 bits that name this log for ever; copies and backups keep it.
    virtual id128 log_id() const noexcept = 0;

    //! Adds a batch if every stream is where the drafts say, no key of the receipts is
    //! remembered and every claimed name is free; returns once it is durable.
    //! Shape:  each draft's stream_version is the stream's head + 1, counting earlier drafts.
    //! Errors: version_conflict, key_reused, claim_taken (nothing written; look again, decide again),
    //!         fields_invalid (over a limit of event.hpp; nothing written), store_full (nothing
    //!         written, the store stays usable), store_unavailable (unknown: end the process and
    //!         recover; the ledger takes no further appends), store_damaged and store_unavailable
    //!         (what the check needed cannot be read; nothing written).
    //! Thread: one appending thread; the other members may run at the same time on any thread.
    virtual result<std::shared_ptr<const committed_batch>> append(const append_batch& batch) = 0;

    //! Makes sure that an append of up to `bytes` of canonical events finds room, creating what it
    //! needs ahead. The sequencer asks before it decides, so that a full disk refuses commands
    //! while nothing has been decided yet; after a yes, append() meets no store_full.
    //! Errors: store_full (nothing changed; reads and later attempts go on). Thread: the appending one.
    virtual result<void> ensure_room([[maybe_unused]] std::size_t bytes) { return {}; }

    //! The newest durable event. Thread: any.
    virtual ledger_head head() const = 0;

    //! Version of a stream, 0 when it has no events. Thread: any.
    virtual result<std::uint64_t> stream_version(std::string_view stream) const = 0;

    //! The same for who appends next; a ledger may keep it at hand for the append. Thread: the appending one.
    virtual result<std::uint64_t> version_to_append(std::string_view stream) {
        return stream_version(stream);
    }

    //! A hint: version_to_append() of this stream is asked for soon; a ledger may fetch what that will
    //! touch. Thread: the appending one.
    virtual void foresee([[maybe_unused]] std::string_view stream) noexcept {}

    //! What a key remembers, if anything. Thread: any.
    virtual result<std::optional<receipt>> find_receipt(std::string_view scope,
                                                        std::string_view key) const = 0;

    //! Stream that holds a claimed name, if any. Thread: any.
    virtual result<std::optional<std::string>> claim_holder(std::string_view name) const = 0;

    //! Visits durable events from a position on (inclusive; 0 reads like 1), in order, until the
    //! visitor stops, `to` (inclusive) was visited or the head is reached. Returns the position to continue at.
    //! Errors: store_damaged naming positions, store_unavailable (the disk failed a read; the facts
    //!         may be sound). Thread: any; never blocks an append.
    virtual result<position> read(position from, position to, const event_filter& filter,
                                  const event_visitor& visit) const = 0;

    //! Visits the events of one stream in order, from a stream version on (inclusive).
    virtual result<void> read_stream(std::string_view stream, std::uint64_t from_version,
                                     const event_visitor& visit) const = 0;

    //! Chain hash after the event at a position; position 0 gives all zero bits.
    //! Errors: position_unknown above the head.
    virtual result<hash256> hash_at(position at) const = 0;

    //! The last position recorded at or before an instant; 0 when all are later.
    virtual result<position> position_at(instant when) const = 0;

    //! Walks everything stored: checksums, chain, density, order of time, indexes. Each finding is
    //! handed over as found, places that cannot be read too; returns how many there were.
    //! Thread: any, beside appends.
    virtual result<std::uint64_t> verify(const std::function<void(const finding&)>& report,
                                         const progress_sink& progress) const = 0;
};

} // namespace fasti
