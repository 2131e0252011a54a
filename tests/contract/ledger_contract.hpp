// SPDX-License-Identifier: Apache-2.0
//! What every ledger must do, whatever it stands on. An implementation joins by a ledger_kind.
#pragma once

#include "eventstore/port/ledger.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

namespace fasti {

//! A ledger and what it stands on.
class ledger_bench {
public:
    ledger_bench() = default;
    ledger_bench(const ledger_bench&) = delete;
    ledger_bench& operator=(const ledger_bench&) = delete;
    virtual ~ledger_bench() = default;

    virtual ledger& log() = 0;
    //! Closes and opens again; what was appended must be there. Fine to do nothing.
    virtual void reopen() = 0;
    //! Background work of the implementation, if it has any.
    virtual void work() = 0;
};

struct ledger_kind {
    std::string name;
    std::uint64_t seeds = 0; //!< how many random histories it is taken through
    std::function<std::unique_ptr<ledger_bench>(const id128& log_id, std::uint64_t epoch)> make;
};

inline void PrintTo(const ledger_kind& kind, std::ostream* out) { *out << kind.name; }

class ledger_contract : public testing::TestWithParam<ledger_kind> {
protected:
    ledger_contract();
    ledger& log() { return bench_->log(); }

    const id128 log_id_;
    const std::uint64_t epoch_ = 0x1122334455667788U;
    std::unique_ptr<ledger_bench> bench_;
};

} // namespace fasti
