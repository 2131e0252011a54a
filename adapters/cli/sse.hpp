// SPDX-License-Identifier: Apache-2.0
//! Reads server-sent events (WHATWG HTML, section 9.2) from pieces of any size.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace fasti::cli {

struct sse_event {
    std::string id; //!< the last id seen
    std::string type;
    std::string data;
};

class sse_reader {
public:
    //! Hands each complete event on; false from `take` ends it and comes back as false.
    bool feed(std::string_view piece, const std::function<bool(const sse_event&)>& take);
    const std::string& last_id() const noexcept { return last_id_; }
    //! Forgets a half-read event, before a new connection.
    void restart();

private:
    bool line(std::string_view text, const std::function<bool(const sse_event&)>& take);

    std::string pending_;
    std::string last_id_;
    std::string type_;
    std::string data_;
    bool has_data_ = false;
};

} // namespace fasti::cli
