// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/exchange.hpp"

#include "adapters/http/connection.hpp"
#include "domain/base/check.hpp"

#include <utility>

namespace fasti::http {

exchange* responder::find() const noexcept {
    return pool_ == nullptr ? nullptr : pool_->find(index_, generation_);
}

exchange& responder::held() const noexcept {
    exchange* const found = find();
    check(found != nullptr, "a request and its answer are used only before they are sent");
    return *found;
}

bool responder::open() const noexcept { return find() != nullptr; }

bool responder::client_gone() const noexcept {
    const exchange* const found = find();
    return found == nullptr || found->owner == nullptr;
}

request& responder::in() const { return held().in; }
response& responder::out() const { return held().out; }

void responder::send() const {
    exchange* const found = find();
    if (found == nullptr || found->state != exchange_state::waiting) {
        return;
    }
    found->cancelled = nullptr;
    found->state = exchange_state::ready;
    if (found->owner == nullptr) {
        pool_->give_back(*found);
    } else {
        found->owner->advance();
    }
}

stream responder::start_stream() const {
    exchange* const found = find();
    if (found == nullptr || found->state != exchange_state::waiting) {
        return stream{};
    }
    if (found->owner == nullptr || found->in.head_only) {
        found->out.body.clear();
        send();
        return stream{};
    }
    found->cancelled = nullptr;
    found->owner->begin_stream(*found);
    return stream(*this);
}

void responder::on_cancel(std::function<void()> told) const { held().cancelled = std::move(told); }

bool stream::write(std::string_view bytes) const {
    exchange* const found = of_.find();
    if (found == nullptr) {
        return false;
    }
    found->owner->write_stream(*found, bytes);
    return true;
}

bool stream::share(const std::shared_ptr<const std::string>& text) const {
    exchange* const found = of_.find();
    if (found == nullptr) {
        return false;
    }
    found->owner->share_stream(*found, text);
    return true;
}

std::size_t stream::buffered() const noexcept {
    const exchange* const found = of_.find();
    return found == nullptr ? 0 : found->early.size() + found->owner->backlog();
}

void stream::on_drain(std::size_t bytes, std::function<void()> told) const {
    if (exchange* const found = of_.find()) {
        found->drain_at = bytes;
        found->drained = std::move(told);
        found->owner->wake();
    }
}

void stream::on_close(std::function<void()> told) const {
    if (exchange* const found = of_.find()) {
        found->cancelled = std::move(told);
    }
}

void stream::finish() const {
    if (exchange* const found = of_.find()) {
        found->cancelled = nullptr;
        found->owner->end_stream(*found);
    }
}

exchange& exchange_pool::take() {
    if (free_.empty()) {
        all_.push_back(std::make_unique<exchange>());
        all_.back()->index = static_cast<std::uint32_t>(all_.size() - 1);
        free_.reserve(all_.size()); // so that give_back never allocates
        free_.push_back(all_.back()->index);
    }
    exchange& taken = *all_[free_.back()];
    free_.pop_back();
    taken.free = false;
    return taken;
}

void exchange_pool::give_back(exchange& done) noexcept {
    done.in.clear();
    done.out.clear();
    done.owner = nullptr;
    done.next = nullptr;
    done.state = exchange_state::reading;
    done.stream_ended = done.chunked = false;
    done.keep_alive = true;
    done.early.clear();
    done.cancelled = nullptr;
    done.drained = nullptr;
    done.free = true;
    ++done.generation;
    free_.push_back(done.index);
}

exchange* exchange_pool::find(std::uint32_t index, std::uint32_t generation) noexcept {
    if (index >= all_.size()) {
        return nullptr;
    }
    exchange& found = *all_[index];
    return found.free || found.generation != generation ? nullptr : &found;
}

} // namespace fasti::http
