// SPDX-License-Identifier: Apache-2.0
//! How far long work is: a bar on a terminal, otherwise a plain line now and then.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace fasti::cli {

class progress_bar {
public:
    progress_bar(std::string what, std::string unit, std::ostream& err, bool terminal);
    ~progress_bar(); //!< clears the line
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;

    //! total 0: unknown.
    void show(std::uint64_t done, std::uint64_t total);

private:
    std::string what_;
    std::string unit_;
    std::ostream& err_;
    bool terminal_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point started_;
    std::chrono::steady_clock::time_point last_;
};

} // namespace fasti::cli
