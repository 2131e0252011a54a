// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/connection.hpp"

#include "adapters/http/problem.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace fasti::http {

namespace {

constexpr std::size_t first_room = 8 * 1024;
constexpr std::size_t most_room = 64 * 1024;
constexpr std::size_t lent_bytes_min = 4096;

} // namespace

connection::connection(connection_host& host, std::shared_ptr<const connection_setting> setting,
                       std::string peer)
    : host_(host),
      setting_(std::move(setting)),
      peer_(std::move(peer)),
      codec_(setting_->limits.codec) {}

connection::~connection() {
    if (current_ != nullptr) {
        host_.exchanges().give_back(*current_);
    }
    abandon_all();
}

//! The client will read no more answers. Handlers that still work on a request keep it until their
//! send(); everything else is freed, and who asked is told when nothing here can be reached any more.
void connection::abandon_all() {
    std::vector<std::function<void()>> told;
    for (exchange* each = head_; each != nullptr;) {
        exchange& gone = *each;
        each = gone.next;
        gone.owner = nullptr;
        gone.next = nullptr;
        if (gone.cancelled) {
            told.push_back(std::exchange(gone.cancelled, nullptr));
        }
        if (gone.state != exchange_state::waiting) {
            host_.exchanges().give_back(gone);
        }
    }
    head_ = tail_ = nullptr;
    waiting_ = 0;
    for (const std::function<void()>& each : told) {
        each();
    }
}

connection::span connection::room() {
    if (begin_ == end_) {
        begin_ = end_ = 0;
    }
    if (in_.empty()) {
        in_.resize(first_room);
    }
    if (end_ == in_.size()) {
        if (begin_ > 0) {
            std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        } else {
            in_.resize(in_.size() * 2);
        }
    }
    return {in_.data() + end_, in_.size() - end_};
}

void connection::received(std::size_t bytes) {
    end_ += bytes;
    const bool filled = end_ == in_.size();
    process();
    if (last_) {
        begin_ = end_ = 0; // nothing more is taken; reading on only shows when the client leaves
    }
    if (filled && begin_ == end_ && in_.size() < most_room) {
        begin_ = end_ = 0;
        in_.resize(in_.size() * 2); // the client sends much: fewer reads
    }
}

void connection::input_ended() {
    last_ = true;
    bool long_wait = false;
    for (const exchange* each = head_; each != nullptr; each = each->next) {
        long_wait = long_wait || each->state == exchange_state::streaming || each->cancelled;
    }
    if (long_wait) {
        abandon_all(); // nobody waits that long on a half-closed connection: the client left
    }
    finished_ = finished_ || head_ == nullptr;
}

bool connection::wants_input() const noexcept {
    return !finished_ && (end_ - begin_ < most_room) &&
           backlog() < setting_->limits.output_bytes_max;
}

//! What was lent and could not be sent by itself becomes a copy: more is to follow it.
std::string& connection::output() {
    if (const loan taken = take_loan(); taken.text != nullptr) {
        if (taken.chunked) {
            write_chunk(*taken.text, out_);
        } else {
            out_.append(*taken.text);
        }
    }
    return out_;
}

void connection::set_unsent(std::size_t bytes) {
    mark_ += bytes != unsent_ ? 1 : 0;
    unsent_ = bytes;
}

void connection::resume() {
    if (head_ != nullptr && head_->state == exchange_state::streaming && head_->drained &&
        backlog() <= head_->drain_at) {
        const std::function<void()> told = std::exchange(head_->drained, nullptr);
        processing_ = true; // the server sends what comes of it after this call
        told();
        processing_ = false;
    }
    if (begin_ != end_) {
        process();
    }
}

void connection::end_with(const codec_failure& why) {
    refuse(current_ != nullptr ? *std::exchange(current_, nullptr) : host_.exchanges().take(), why);
}

void connection::drain() {
    std::vector<responder> streams;
    for (exchange* each = head_; each != nullptr; each = each->next) {
        if (each->state == exchange_state::streaming) {
            streams.push_back(host_.exchanges().responder_of(*each));
        }
    }
    for (const responder& each : streams) {
        exchange* const opened = each.find();
        const auto told = opened != nullptr ? std::exchange(opened->cancelled, nullptr) : nullptr;
        if (told) {
            told();
        }
        stream(each).finish();
    }
    if (head_ == nullptr && current_ == nullptr && begin_ == end_) {
        last_ = true;
        finished_ = true;
    }
}

connection_phase connection::phase() const noexcept {
    if (backlog() > 0) {
        return connection_phase::writing;
    }
    if (head_ != nullptr) {
        return connection_phase::busy;
    }
    if (!codec_.between_requests()) {
        return connection_phase::reading_body;
    }
    return begin_ != end_ ? connection_phase::reading_head : connection_phase::idle;
}

void connection::wake() {
    if (!processing_) {
        host_.wake(*this);
    }
}

//! Takes requests from the input while there is room for their answers.
void connection::process() {
    if (processing_) {
        return;
    }
    processing_ = true;
    const connection_limits& limits = setting_->limits;
    while (!last_ && begin_ != end_ && waiting_ < limits.pipelined_max &&
           backlog() < limits.output_bytes_max) {
        if (current_ == nullptr) {
            current_ = &host_.exchanges().take();
        }
        const codec::outcome read = codec_.feed({in_.data() + begin_, end_ - begin_}, current_->in);
        begin_ += read.consumed;
        if (read.state == codec_state::need_more) {
            if (codec_.take_continue()) {
                continue_due_ = true;
            }
            send_continue();
            break;
        }
        ++mark_;
        continue_due_ = false;
        exchange& complete = *std::exchange(current_, nullptr);
        if (read.state == codec_state::bad) {
            refuse(complete, codec_.failure());
        } else {
            dispatch(complete);
        }
    }
    if (current_ != nullptr && codec_.between_requests()) {
        host_.exchanges().give_back(*std::exchange(current_, nullptr)); // idle clients hold none
    }
    processing_ = false;
}

void connection::enqueue(exchange& complete) {
    complete.owner = this;
    complete.state = exchange_state::waiting;
    if (tail_ == nullptr) {
        head_ = &complete;
    } else {
        tail_->next = &complete;
    }
    tail_ = &complete;
    ++waiting_;
}

void connection::dispatch(exchange& complete) {
    complete.in.peer = peer_;
    complete.in.over_tls = setting_->over_tls;
    complete.keep_alive = complete.in.keep_alive && !host_.draining();
    last_ = last_ || !complete.keep_alive;
    enqueue(complete);
    if (!answered_here(complete)) {
        host_.handle(host_.exchanges().responder_of(complete));
    }
}

//! What is refused or answered before any route is looked at.
bool connection::answered_here(exchange& complete) {
    request& in = complete.in;
    response& out = complete.out;
    if (!host_known(in)) {
        write_problem(error_code::host_unknown,
                      "This listener does not answer for the host named in the Host header.", out);
    } else if (has_token_in_url(in)) {
        write_problem(
            error_code::token_in_url,
            "The query carries a credential. Send it in the Authorization header, and replace "
            "this one: it is in logs now.",
            out);
    } else if (in.path == "*") {
        out.status = 204;
        out.add_header("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    } else {
        return false;
    }
    complete.state = exchange_state::ready;
    advance();
    return true;
}

bool connection::host_known(const request& in) const noexcept {
    if (setting_->hosts.empty() || in.host.empty()) {
        return true; // only HTTP/1.0 may leave it out, and no browser speaks that
    }
    return std::any_of(
        setting_->hosts.begin(), setting_->hosts.end(),
        [&](const std::string& known) { return equal_ignoring_case(known, in.host); });
}

void connection::refuse(exchange& refused, const codec_failure& why) {
    last_ = true;
    lingers_ = true;
    begin_ = end_ = 0;
    refused.in.clear();
    refused.in.http_1_0 = false;
    refused.in.over_tls = setting_->over_tls;
    refused.keep_alive = false;
    enqueue(refused);
    write_problem(why.code, why.detail, refused.out, why.status);
    refused.state = exchange_state::ready;
    advance();
}

void connection::write_head(exchange& of, framing how) {
    wire_form form;
    form.how = how;
    form.head_only = of.in.head_only;
    form.http_1_0 = of.in.http_1_0;
    form.over_tls = of.in.over_tls;
    of.keep_alive = of.keep_alive && !of.out.close && !host_.draining() &&
                    how != framing::until_close;
    form.keep_alive = of.keep_alive;
    host_.heads().write(of.out, form, output());
}

//! Writes what is due, in order, up to the first answer that is not there yet.
void connection::advance() {
    while (head_ != nullptr && finish_head()) {}
    if (head_ == nullptr) {
        tail_ = nullptr;
        finished_ = finished_ || last_;
        send_continue();
    }
    wake();
}

//! True when the first answer is complete and out of the way.
bool connection::finish_head() {
    exchange& first = *head_;
    if (first.state == exchange_state::ready) {
        write_head(first, framing::sized);
        host_.answered(first.in, first.out);
    } else if (first.state == exchange_state::streaming) {
        if (!first.early.empty()) {
            output().append(std::exchange(first.early, {}));
        }
        if (!first.stream_ended) {
            return false;
        }
    } else {
        return false;
    }
    const bool keep = first.keep_alive;
    head_ = first.next;
    --waiting_;
    host_.exchanges().give_back(first);
    if (!keep) {
        last_ = true;
        finished_ = true;
        abandon_all(); // requests behind an answer that closes get none
    }
    return true;
}

void connection::begin_stream(exchange& opened) {
    opened.chunked = !opened.in.http_1_0;
    opened.state = exchange_state::streaming;
    std::string before;
    std::swap(before, output()); // the head goes behind what is due before it
    write_head(opened, opened.chunked ? framing::chunked : framing::until_close);
    std::swap(before, output());
    opened.early = std::move(before);
    host_.answered(opened.in, opened.out);
    last_ = last_ || !opened.keep_alive;
    advance();
}

void connection::write_stream(exchange& opened, std::string_view bytes) {
    if (opened.stream_ended) {
        return;
    }
    std::string& to = &opened == head_ ? output() : opened.early;
    if (opened.chunked) {
        write_chunk(bytes, to);
    } else {
        to.append(bytes);
    }
    wake();
}

//! Small texts are copied, so that several of them become one write.
void connection::share_stream(exchange& opened, const std::shared_ptr<const std::string>& text) {
    if (text->size() < lent_bytes_min || &opened != head_ || opened.stream_ended || backlog() > 0) {
        write_stream(opened, *text);
        return;
    }
    lent_ = {text, opened.chunked};
    wake();
}

void connection::end_stream(exchange& opened) {
    if (opened.stream_ended) {
        return;
    }
    if (opened.chunked) {
        (&opened == head_ ? output() : opened.early).append(last_chunk);
    }
    opened.stream_ended = true;
    advance();
}

void connection::send_continue() {
    if (continue_due_ && head_ == nullptr && !last_) {
        continue_due_ = false;
        output().append("HTTP/1.1 100 Continue\r\n\r\n");
    }
}

} // namespace fasti::http
