// SPDX-License-Identifier: Apache-2.0
#include "commands/pipeline/batch_room.hpp"

#include "eventstore/port/record.hpp"

#include <algorithm>

namespace fasti {
namespace {

//! A batch is committed before it grows past these: far below the ledger's own limits, so that one
//! more request always fits.
constexpr std::size_t events_enough = 16'384;
constexpr std::size_t bytes_enough = 4U * 1024U * 1024U;
//! Staged bytes for each command beyond its own text: envelope, and defaults made explicit.
constexpr std::size_t room_per_command = 1'024;
//! Kept free behind the last event of a command for its receipt and that of its batch.
constexpr std::size_t room_for_receipts = 2'048;

//! About how much a request appends. What its items borrow from the body is not counted: that is
//! measured event by event.
std::size_t estimate_of(const command_request& request) {
    const std::size_t wanted = request.items.size() * room_per_command + 2 * request.texts.bytes();
    return wanted + request.items.size() * (request.reason.size() + request.correlation.size() +
                                            request.trace.size() + request.cause.size());
}

error too_large() {
    return error{error_code::body_too_large,
                 "The commands of one request make more than one append can hold."};
}

} // namespace

bool batch_room::full() const noexcept {
    return batch_.events().size() >= events_enough || batch_.bytes() >= bytes_enough;
}

bool batch_room::fits(const command_request& request) const noexcept {
    return batch_.bytes() + estimate_of(request) <= batch_bytes_max;
}

result<void> batch_room::make_for(const command_request& request) {
    const std::size_t own = estimate_of(request);
    return own > batch_bytes_max ? too_large() : ensure(batch_.bytes() + own);
}

result<void> batch_room::make_for(const event_draft& draft) {
    const std::size_t grown = batch_.bytes() + record_bytes_max(draft) + room_for_receipts;
    if (grown > batch_bytes_max || draft.data.size() > event_data_bytes_max) {
        return too_large();
    }
    return ensure(grown);
}

//! Room on the disk for the batch to grow to so many bytes.
result<void> batch_room::ensure(std::size_t wanted) {
    if (wanted <= ensured_) {
        return {};
    }
    const std::size_t ahead = std::min(batch_bytes_max, std::max(2 * wanted, bytes_enough / 8));
    if (auto room = facts_.ensure_room(ahead); !room.ok()) {
        return room;
    }
    ensured_ = ahead;
    return {};
}

} // namespace fasti
