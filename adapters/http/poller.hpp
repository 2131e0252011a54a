// SPDX-License-Identifier: Apache-2.0
//! Which descriptors there is news of, told edge by edge: once for each change, in the order in which
//! the changes came about. Whoever is told remembers what it did not use up.
//! Thread: one.
//! Source: docs/decisions/0048_sockets_by_edges.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace fasti::http {

class poller;

//! Owns a descriptor and is told of it until it is closed.
class watched {
public:
    //! `events` as for epoll. When the system has no room for one more, the descriptor is closed at once.
    watched(poller& by, int descriptor, std::uint32_t events);
    watched(const watched&) = delete;
    watched& operator=(const watched&) = delete;

    int descriptor() const noexcept { return descriptor_; }
    bool closed() const noexcept { return descriptor_ < 0; }
    //! Nothing is told afterwards, not even what the round under way still held.
    void close() noexcept;

protected:
    ~watched() { close(); }

private:
    friend class poller;
    //! May end with the destruction of this.
    virtual void on_ready(std::uint32_t events) = 0;

    poller& by_;
    int descriptor_;
};

class poller {
public:
    static constexpr std::size_t round_events_max = 256;

    poller();
    ~poller();
    poller(const poller&) = delete;
    poller& operator=(const poller&) = delete;

    //! Tells of what there is now, round_events_max at most; what is left is first next time.
    void round();
    //! To be waited for by another loop: readable when there is something to tell.
    int descriptor() const noexcept;

private:
    friend class watched;
    bool add(watched& to, std::uint32_t events) noexcept;
    void forget(watched& gone) noexcept;

    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace fasti::http
