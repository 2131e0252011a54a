// SPDX-License-Identifier: Apache-2.0
#include "eventstore/segments/direct_writer.hpp"

#include "domain/base/check.hpp"

#include <libaio.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <utility>

namespace fasti {
namespace {

constexpr std::size_t page_bytes = 4096; // what any disk asks of the memory it reads from
constexpr int writes_at_once = 16;       // a log writes one; room for several in one process

alignas(page_bytes) std::array<char, 1024U * 1024U> zeros; // never written: takes no memory

struct freed {
    void operator()(char* memory) const noexcept { std::free(memory); }
};

//! Whether direct writes of `block` bytes may begin at any multiple of it.
bool takes_blocks([[maybe_unused]] int number, [[maybe_unused]] std::size_t block) {
#ifdef STATX_DIOALIGN
    struct statx about {};
    if (::statx(number, "", AT_EMPTY_PATH, STATX_DIOALIGN, &about) != 0 ||
        (about.stx_mask & STATX_DIOALIGN) == 0 || about.stx_dio_offset_align == 0) {
        return false;
    }
    return block % about.stx_dio_offset_align == 0 && page_bytes % about.stx_dio_mem_align == 0;
#else
    return false;
#endif
}

} // namespace

struct direct_writer::operation {
    iocb call = {};
    std::unique_ptr<char, freed> room; // what is written, where the disk reads it
    std::size_t room_bytes = 0;
    std::size_t size = 0; // 0: nothing under way
    std::uint64_t offset = 0;
    long result = 0; // once done
    std::atomic<bool> done{true};
};

class write_queue {
public:
    write_queue() = default;
    write_queue(const write_queue&) = delete;
    write_queue& operator=(const write_queue&) = delete;
    ~write_queue() {
        if (context_ != nullptr) {
            ::io_destroy(context_);
        }
    }

    //! Whether it is under way.
    bool submit(int number, direct_writer::operation& what) {
        // Giving a context back takes the kernel tens of milliseconds: who only reads has none.
        std::call_once(made_, [this] {
            if (::io_setup(writes_at_once, &context_) != 0) {
                context_ = nullptr;
            }
        });
        if (context_ == nullptr) {
            return false;
        }
        ::io_prep_pwrite(&what.call, number, what.room.get(), what.size,
                         static_cast<long long>(what.offset));
        what.call.data = &what;
        what.done = false;
        iocb* call = &what.call;
        if (::io_submit(context_, 1, &call) == 1) {
            return true;
        }
        what.done = true;
        return false;
    }

    //! Whoever waits takes what others wait for as well; they look when they get the lock.
    void wait(const direct_writer::operation& what) {
        const std::lock_guard lock{mutex_};
        while (!what.done) {
            std::array<io_event, writes_at_once> events;
            const int got = ::io_getevents(context_, 1, writes_at_once, events.data(), nullptr);
            check(got > 0 || got == -EINTR, "a write under way has an end");
            for (int i = 0; i < got; ++i) {
                const io_event& event = events[static_cast<std::size_t>(i)];
                auto& ended = *static_cast<direct_writer::operation*>(event.data);
                static_cast<void>(ended.done.load()); // pairs with submit() on another thread
                ended.result = static_cast<long>(event.res);
                ended.done = true;
            }
        }
    }

private:
    std::once_flag made_;
    io_context_t context_ = nullptr;
    std::mutex mutex_; // one waits for the kernel at a time
};

std::shared_ptr<write_queue> make_write_queue() { return std::make_shared<write_queue>(); }

std::unique_ptr<direct_writer> direct_writer::make(int number, std::size_t block,
                                                   std::shared_ptr<write_queue> queue) {
    if (!takes_blocks(number, block)) {
        return nullptr;
    }
    std::unique_ptr<direct_writer> out{new direct_writer{std::move(queue)}};
    const std::string again = "/proc/self/fd/" + std::to_string(number); // it may have a new name
    out->number_ = ::open(again.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC);
    return out->number_ < 0 ? nullptr : std::move(out);
}

direct_writer::direct_writer(std::shared_ptr<write_queue> queue)
    : queue_(std::move(queue)), under_way_(std::make_unique<operation>()) {}

direct_writer::~direct_writer() {
    static_cast<void>(finish());
    if (number_ >= 0) {
        ::close(number_);
    }
}

int direct_writer::begin(std::uint64_t offset, std::string_view bytes) {
    if (const int why = finish(); why != 0) {
        return why;
    }
    if (bytes.empty()) {
        return 0;
    }
    operation& what = *under_way_;
    if (what.room_bytes < bytes.size()) {
        const std::size_t pages = (bytes.size() + page_bytes - 1) / page_bytes;
        what.room.reset(static_cast<char*>(std::aligned_alloc(page_bytes, pages * page_bytes)));
        what.room_bytes = what.room ? pages * page_bytes : 0;
        if (!what.room) {
            throw std::bad_alloc{};
        }
    }
    std::memcpy(what.room.get(), bytes.data(), bytes.size());
    what.size = bytes.size();
    what.offset = offset;
    if (queue_ && queue_->submit(number_, what)) {
        return 0;
    }
    what.size = 0;
    return put(what.room.get(), bytes.size(), offset);
}

int direct_writer::finish() {
    operation& what = *under_way_;
    if (what.size == 0) {
        return 0;
    }
    queue_->wait(what);
    const std::size_t size = std::exchange(what.size, 0);
    const bool interrupted = what.result == -EINTR || what.result == -EAGAIN;
    if (what.result < 0 && !interrupted) {
        return static_cast<int>(-what.result);
    }
    const std::size_t taken = interrupted ? 0
                                          : std::min(static_cast<std::size_t>(what.result), size);
    return put(what.room.get() + taken, size - taken, what.offset + taken);
}

int direct_writer::write_zeros(std::uint64_t offset, std::size_t size) {
    if (const int why = finish(); why != 0) {
        return why;
    }
    while (size > 0) {
        const std::size_t now = std::min(size, zeros.size());
        if (const int why = put(zeros.data(), now, offset); why != 0) {
            return why;
        }
        offset += now;
        size -= now;
    }
    return 0;
}

int direct_writer::put(const char* from, std::size_t size, std::uint64_t offset) const {
    while (size > 0) {
        const ssize_t taken = ::pwrite(number_, from, size, static_cast<off_t>(offset));
        if (taken < 0) {
            if (errno == EINTR) {
                continue;
            }
            return errno;
        }
        if (taken == 0) {
            return EIO;
        }
        from += taken;
        size -= static_cast<std::size_t>(taken);
        offset += static_cast<std::uint64_t>(taken);
    }
    return 0;
}

} // namespace fasti
