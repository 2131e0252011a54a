// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/sse.hpp"

namespace fasti::cli {

void sse_reader::restart() {
    pending_.clear();
    type_.clear();
    data_.clear();
    has_data_ = false;
}

bool sse_reader::feed(std::string_view piece, const std::function<bool(const sse_event&)>& take) {
    pending_ += piece;
    std::size_t begin = 0;
    while (true) {
        const std::size_t end = pending_.find_first_of("\r\n", begin);
        // A lone CR at the end may be half of CRLF.
        if (end == std::string::npos || (pending_[end] == '\r' && end + 1 == pending_.size())) {
            break;
        }
        const std::size_t next = end + (pending_[end] == '\r' && pending_[end + 1] == '\n' ? 2 : 1);
        const std::string text = pending_.substr(begin, end - begin);
        begin = next;
        if (!line(text, take)) {
            pending_.erase(0, begin);
            return false;
        }
    }
    pending_.erase(0, begin);
    return true;
}

bool sse_reader::line(std::string_view text, const std::function<bool(const sse_event&)>& take) {
    if (text.empty()) {
        const bool complete = has_data_;
        sse_event event{last_id_, type_, data_};
        type_.clear();
        data_.clear();
        has_data_ = false;
        return !complete || take(event);
    }
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? std::string_view{}
                                                             : text.substr(colon + 1);
    if (!value.empty() && value.front() == ' ') {
        value.remove_prefix(1);
    }
    if (name == "data") {
        data_ += has_data_ ? "\n" : "";
        data_ += value;
        has_data_ = true;
    } else if (name == "id" && value.find('\0') == std::string_view::npos) {
        last_id_ = value;
    } else if (name == "event") {
        type_ = value;
    }
    return true;
}

} // namespace fasti::cli
