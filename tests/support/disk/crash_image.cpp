// SPDX-License-Identifier: Apache-2.0
#include "tests/support/disk/crash_image.hpp"

#include "eventstore/segments/format.hpp"
#include "eventstore/segments/recording.hpp"

#include <algorithm>
#include <memory>

namespace fasti::sim {
namespace {

//! A file of the replay, and the last position of the frames written to it.
struct replayed {
    std::unique_ptr<file> handle;
    position written = 0;
};

class replay {
public:
    void apply(const recorded_operation& what);

    sim_disk disk;
    position durable = 0;

private:
    std::map<std::uint64_t, replayed> open_;
};

void replay::apply(const recorded_operation& what) {
    const std::string path{what.path};
    switch (what.kind) {
        case recorded_kind::open: {
            auto mode = static_cast<file_mode>(what.size);
            // A file that was there before the record began: what it held is not known here.
            if (mode != file_mode::create && !disk.has(path)) {
                return;
            }
            open_[what.file].handle = disk.open(path, mode).value();
            return;
        }
        case recorded_kind::write:
        case recorded_kind::write_zeros:
            if (const auto to = open_.find(what.file); to != open_.end()) {
                segments::frame_header frame;
                if (segments::decode(what.bytes, frame) && frame.offset == what.offset) {
                    to->second.written = std::max(to->second.written, frame.last());
                }
                const std::string zeros(
                    what.bytes.empty() ? static_cast<std::size_t>(what.size) : 0, '\0');
                static_cast<void>(
                    to->second.handle
                        ->write_at(what.offset, what.bytes.empty() ? zeros : what.bytes)
                        .ok());
            }
            return;
        case recorded_kind::sync:
            if (const auto of = open_.find(what.file); of != open_.end()) {
                static_cast<void>(of->second.handle->sync().ok());
                durable = std::max(durable, of->second.written);
            }
            return;
        case recorded_kind::rename:
            static_cast<void>(disk.rename(path, std::string{what.path_to}).ok());
            return;
        case recorded_kind::remove: static_cast<void>(disk.remove(path).ok()); return;
        case recorded_kind::make_directory: return;
        case recorded_kind::sync_directory:
            static_cast<void>(disk.sync_directory(path).ok());
            return;
    }
}

} // namespace

record_summary summarise(std::string_view record) {
    record_summary out;
    out.operations = each_recorded(record, [&](const recorded_operation& what) {
        out.syncs += what.kind == recorded_kind::sync || what.kind == recorded_kind::sync_directory
                         ? 1
                         : 0;
    });
    return out;
}

crash_image image_after(std::string_view record, std::uint64_t operations, std::uint64_t seed) {
    replay run;
    std::uint64_t done = 0;
    each_recorded(record, [&](const recorded_operation& what) {
        if (done++ < operations) {
            run.apply(what);
        }
    });
    run.disk.crash(seed);
    return {run.disk.all(), run.durable};
}

} // namespace fasti::sim
