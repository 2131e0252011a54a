// SPDX-License-Identifier: Apache-2.0
//! Writes to one file past the page cache, so that bytes which are written once cost no fresh page of
//! memory each, and the thread that writes goes on while the disk takes them.
//! Thread: one per writer; writers that share a queue may be used on several.
//! Source: open(2) O_DIRECT, io_submit(2), docs/decisions/0002_direct_writes.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace fasti {

//! Where writers have their writes carried out; made when the first of them needs it. Where the system
//! gives none, they wait in begin(). Thread: any.
class write_queue;
std::shared_ptr<write_queue> make_write_queue();

class direct_writer {
public:
    //! A second way into the file that is open as `number`; null where its file system or disk takes no
    //! direct writes of `block` bytes, or nothing says whether it does (Linux before 6.1, no /proc).
    static std::unique_ptr<direct_writer> make(int number, std::size_t block,
                                               std::shared_ptr<write_queue> queue);
    ~direct_writer(); // waits for what is under way
    direct_writer(const direct_writer&) = delete;
    direct_writer& operator=(const direct_writer&) = delete;

    //! Begins to write whole blocks at a multiple of one, after what is under way. Copies the bytes.
    //! Returns 0 or errno: then nothing is under way, and some of the bytes may be there. Of what the
    //! disk cannot take, finish() may be the first to know.
    int begin(std::uint64_t offset, std::string_view bytes);
    //! Waits until the disk took what is under way, if anything. Returns 0 or errno.
    int finish();
    //! Writes zeros (whole blocks), after what is under way, and waits for the disk. Returns 0 or errno.
    int write_zeros(std::uint64_t offset, std::size_t size);

private:
    struct operation;
    explicit direct_writer(std::shared_ptr<write_queue> queue);
    int put(const char* from, std::size_t size, std::uint64_t offset) const;

    int number_ = -1;
    const std::shared_ptr<write_queue> queue_;
    const std::unique_ptr<operation> under_way_;

    friend class write_queue;
};

} // namespace fasti
