// SPDX-License-Identifier: Apache-2.0
//! Remaining times of leases as bytes, kept about once a second so that a restart gives a bounded
//! grace. Not facts: a missing or damaged checkpoint only means that every lease starts anew.
//!
//! The bound. A checkpoint says what remains less the time until the next one, so time lost in a
//! crash is never given twice, and a start that writes one at once costs a dead instance that much
//! even if the run ends straight away. Each start adds a grace of at most restart_grace_ms, at most
//! lease_ms in all since the last renewal. So a dead instance stays for at most twice its lease of
//! time that servers were up, however often they restart. Source: docs/decisions/0006_lease_bounds.md
#pragma once

#include "commands/leases/lease_table.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

//! Appends the checkpoint of a table. `spare_ms` is the time until the next one is written.
void write_lease_checkpoint(const lease_table& leases, std::int64_t now_us, std::int64_t spare_ms,
                            std::string& out);

class lease_checkpoint {
public:
    //! False, and empty, when the bytes are not a whole checkpoint.
    bool read(std::string_view bytes);
    //! Null when nothing is known of the lease. The pointer lives as long as this.
    const saved_lease* find(std::uint64_t name) const noexcept;
    std::size_t size() const noexcept { return leases_.size(); }

private:
    std::vector<saved_lease> leases_; // sorted by name
};

} // namespace fasti
