// SPDX-License-Identifier: Apache-2.0
// A small log whose files the input alters, with checksums put right again where it asks for that, so
// that what stands behind them is reached too: opening, reading, looking up, verifying and appending
// answer something, whatever the bytes say.
#include "eventstore/segments/bytes.hpp"
#include "eventstore/segments/crc32c.hpp"
#include "eventstore/segments/format.hpp"
#include "tests/support/disk/small_log.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fasti {
namespace {

using file_map = std::map<std::string, std::string>;

const file_map& sound_files() {
    static const file_map files = [] {
        sim::small_log world;
        auto log = world.open();
        check(log.ok(), "a fresh log opens");
        world.fill(**log, 3);
        check(world.add(**log, 3).ok(), "a fresh log takes events");
        while (*(*log)->maintain()) {}
        return world.disk.all();
    }();
    return files;
}

//! Puts the checksum right that begins 4 bytes behind a magic and covers what follows it.
void mend(std::string& content, std::size_t at, std::size_t size) {
    if (at + size <= content.size() && size > 8) {
        const std::uint32_t crc = segments::crc32c(
            std::string_view{content}.substr(at + 8, size - 8));
        segments::byte_writer{content.data() + at + 4}.number(crc);
    }
}

void mend_segment(std::string& content) {
    mend(content, 0, segments::segment_header_bytes);
    if (content.size() > segments::footer_bytes) {
        mend(content, content.size() - segments::footer_bytes, segments::footer_bytes);
    }
    for (std::size_t at = 512; at + 512 <= content.size(); at += 512) {
        segments::frame_header frame;
        if (segments::decode(std::string_view{content}.substr(at, 512), frame)) {
            mend(content, at, static_cast<std::size_t>(segments::padded(frame.length)));
        }
    }
}

//! One alteration of six bytes and more: what, which file, where (3), how many bytes, the bytes.
bool alter(file_map& files, segments::byte_reader& in) {
    const auto what = in.number<std::uint8_t>();
    const auto which = in.number<std::uint8_t>();
    const auto low = in.number<std::uint16_t>();
    const auto high = in.number<std::uint8_t>();
    const auto count = in.number<std::uint8_t>();
    if (in.bad) {
        return false;
    }
    auto target = files.begin();
    std::advance(target, which % files.size());
    std::string& content = target->second;
    const std::size_t size = content.size();
    const std::size_t at = size == 0 ? 0 : (low | std::size_t{high} << 16U) % size;
    switch (what % 8) {
        case 0: content.resize(at); break;
        case 1: files.erase(target); return !files.empty();
        case 2: content.swap(files.begin()->second); break;
        case 3: mend_segment(content); break;
        case 4: mend(content, 0, 4096); break; // the header of an index
        default: {
            const std::string_view bytes = in.bytes(std::min<std::size_t>(count, in.rest.size()));
            content.replace(at, std::min(bytes.size(), size - at), bytes.substr(0, size - at));
            if (what % 8 == 5) {
                mend_segment(content);
            } else if (what % 8 == 6) {
                mend(content, 0, 4096);
            }
        }
    }
    return true;
}

void use(sim::small_log& world, open_mode mode) {
    auto log = world.open(mode);
    if (!log.ok()) {
        check(!log.error().message.empty(), "a refusal says why");
        return;
    }
    const auto go_on = [](const recorded_event&) { return read_more::go_on; };
    static_cast<void>((*log)->read(1, ~position{0}, {}, go_on).ok());
    for (const char* const stream : {"thing/0", "thing/40", "thing/999"}) {
        static_cast<void>((*log)->stream_version(stream).ok());
        static_cast<void>((*log)->read_stream(stream, 1, go_on).ok());
        static_cast<void>((*log)->claim_holder(stream).ok());
    }
    static_cast<void>((*log)->find_receipt("default/test", "key-0").ok());
    static_cast<void>((*log)->hash_at((*log)->head().last / 2).ok());
    static_cast<void>((*log)->position_at({1100}).ok());
    static_cast<void>((*log)->verify([](const finding&) {}, {}).ok());
    if (mode == open_mode::read_write) {
        static_cast<void>(world.add(**log, 2).ok());
        static_cast<void>((*log)->maintain().ok());
    }
}

} // namespace
} // namespace fasti

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fasti::file_map files = fasti::sound_files();
    fasti::segments::byte_reader in{{reinterpret_cast<const char*>(data), size}};
    while (!in.rest.empty() && fasti::alter(files, in)) {}
    fasti::sim::small_log world;
    for (const auto& [name, content] : files) {
        world.disk.put_content(name, content);
    }
    world.written = 5000; // streams that are not there yet
    fasti::use(world, fasti::open_mode::read_only);
    fasti::use(world, fasti::open_mode::read_write);
    fasti::use(world, fasti::open_mode::read_write);
    return 0;
}
