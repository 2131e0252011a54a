// SPDX-License-Identifier: Apache-2.0
// Snapshots of any bytes are refused or read; what was read writes bytes that read back the same.
// The first byte says whose snapshot it is meant to be: parked keys, a whole file, or one of the views.
#include "domain/base/check.hpp"
#include "projections/engine/snapshot_format.hpp"
#include "projections/engine/view_set.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace {

void try_parked(std::string_view bytes) {
    fasti::view_set views;
    if (views.read_parked(bytes)) {
        std::string again;
        views.write_parked(again);
        fasti::check(views.read_parked(again), "parked keys read what they wrote");
    }
}

void try_file(std::string_view bytes) {
    if (const auto content = fasti::read_snapshot_bytes(bytes)) {
        fasti::check(fasti::write_snapshot_bytes(*content).size() <= bytes.size() + 16,
                     "a snapshot is written as it was read");
    }
}

template <class View>
void try_view(std::string_view bytes) {
    const auto view = std::make_unique<View>();
    if (!view->read_snapshot(bytes)) {
        std::string empty;
        std::string fresh;
        view->write_snapshot(empty);
        std::make_unique<View>()->write_snapshot(fresh);
        fasti::check(empty == fresh, "a view that refused a snapshot is empty");
        return;
    }
    std::string once;
    view->write_snapshot(once);
    const auto again = std::make_unique<View>();
    fasti::check(again->read_snapshot(once), "what a view writes it reads");
    std::string twice;
    again->write_snapshot(twice);
    fasti::check(once == twice, "a view reads what it wrote");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
    static const fasti::view_set views; // only to go through its kinds
    std::size_t kinds = 2;
    views.each_view([&](const auto&) { ++kinds; });
    const std::size_t chosen = data[0] % kinds;
    std::size_t kind = 2;
    views.each_view([&]<class View>(const View&) {
        if (chosen == kind++) {
            try_view<View>(bytes);
        }
    });
    if (chosen == 0) {
        try_parked(bytes);
    } else if (chosen == 1) {
        try_file(bytes);
    }
    return 0;
}
