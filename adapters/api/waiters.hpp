// SPDX-License-Identifier: Apache-2.0
//! Blocking queries: each is looked at again when something it depends on was touched.
//! Thread: the I/O thread.
#pragma once

#include "adapters/api/call.hpp"
#include "adapters/api/evaluate.hpp"
#include "eventstore/port/ledger.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fasti::api {

struct waiter {
    call asked;
    question what;
    watched_services watched;  //!< whose events may change the answer
    std::uint64_t digest = 0;  //!< of the answer that the client has
    position changed = 0;      //!< where that answer last changed
    std::int64_t until_us = 0; //!< monotonic
};

class waiters {
public:
    void add(waiter one);
    std::size_t size() const noexcept { return by_time_.size(); }

    //! Calls `answered(waiter&)` for those concerned; true: it was, and is gone. Others may be added
    //! meanwhile.
    void wake(const std::vector<std::string_view>& services,
              const std::function<bool(waiter&)>& answered);
    //! Ends those whose time is over, or whose client has gone.
    void end_overdue(std::int64_t now_us, const std::function<void(const waiter&)>& end);
    void end_all(const std::function<void(const waiter&)>& end);

private:
    using time_table = std::multimap<std::int64_t, waiter>;
    using place = time_table::iterator;

    void wake(std::list<place>& some, const std::function<bool(waiter&)>& answered);

    time_table by_time_;
    std::map<std::string, std::list<place>, std::less<>> by_service_; // "": every commit concerns it
};

//! The services that a batch is about, each once; "" when the batch concerns something else too.
std::vector<std::string_view> touched_services(const committed_batch& batch);

} // namespace fasti::api
