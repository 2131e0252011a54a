// SPDX-License-Identifier: Apache-2.0
#include "projections/views/registry_metrics_view.hpp"

#include "projections/views/declared.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

namespace fasti {
namespace {

constexpr std::int64_t minute_us = 60'000'000;
constexpr std::int64_t hour_minutes = 60;

std::int64_t floor_divide(std::int64_t value, std::int64_t by) noexcept {
    return value / by - (value % by < 0 ? 1 : 0);
}

using type_names = std::array<std::string_view, registry_metrics_view::type_count>;

template <std::size_t... At>
constexpr type_names names_of_types(std::index_sequence<At...>) {
    return {std::variant_alternative_t<At, registry::event>::type_name...};
}

constexpr type_names types = names_of_types(
    std::make_index_sequence<registry_metrics_view::type_count>{});

//! The types by name, as lists show them.
const std::array<std::uint16_t, types.size()>& types_by_name() {
    static const auto sorted = [] {
        std::array<std::uint16_t, types.size()> order{};
        std::iota(order.begin(), order.end(), std::uint16_t{0});
        std::sort(order.begin(), order.end(),
                  [](std::uint16_t a, std::uint16_t b) { return types[a] < types[b]; });
        return order;
    }();
    return sorted;
}

template <class Buckets>
void count_bucket(Buckets& in, std::int64_t number, std::int64_t kept) {
    if (in.empty() || in.back().number < number) {
        in.push_back({number, 0});
    }
    ++in.back().count;
    while (in.front().number <= number - kept) {
        in.pop_front();
    }
}

} // namespace

std::uint64_t registry_metrics_view::fingerprint() {
    return declared_fingerprint<registry::event>(name, code_revision);
}

void registry_metrics_view::add(type_index type, std::optional<std::string_view> service,
                                const event_context& context) {
    // A clock that went back counts in the newest minute: buckets never reopen.
    const std::int64_t now = floor_divide(context.recorded.us, minute_us);
    if (changed_ == 0 || now > newest_) {
        advance(now);
    }
    changed_ = context.at;
    count_bucket(totals_[type].minutes, newest_, minutes_max);
    count_bucket(totals_[type].hours, floor_divide(newest_, hour_minutes), hours_max);
    if (service) {
        count_cell(*service, type, 1);
    }
}

//! Opens a minute and lets go of what is now too old.
void registry_metrics_view::advance(std::int64_t minute) {
    newest_ = minute;
    while (!minutes_.empty() && minutes_.front().number <= minute - minutes_max) {
        drop_oldest();
    }
    for (totals& of : totals_) {
        while (!of.minutes.empty() && of.minutes.front().number <= minute - minutes_max) {
            of.minutes.pop_front();
        }
        const std::int64_t hour = floor_divide(minute, hour_minutes);
        while (!of.hours.empty() && of.hours.front().number <= hour - hours_max) {
            of.hours.pop_front();
        }
    }
}

void registry_metrics_view::count_cell(std::string_view service, type_index type,
                                       std::uint64_t by) {
    if (minutes_.empty() || minutes_.back().number != newest_) {
        minutes_.emplace_back().number = newest_;
    }
    minute_cells& into = minutes_.back();
    const auto known = find_service(service);
    if (known) {
        if (const cell* found = find_cell(into, *known, type)) {
            into.cells[static_cast<std::size_t>(found - into.cells.data())].count += by;
            return;
        }
    }
    while (cell_count_ >= cells_most_ && minutes_.size() > 1) {
        drop_oldest();
    }
    if (cell_count_ >= cells_most_) {
        return;
    }
    auto id = find_service(service); // again: the last cell of an old minute may have been its last
    if (!id) {
        id = services_.take();
        services_[*id].name = service;
        service_index_.insert(hash64(service), *id);
    }
    ++services_[*id].cells;
    ++cell_count_;
    const auto at = static_cast<std::uint32_t>(into.cells.size());
    into.cells.push_back({by, *id, type});
    into.index.insert(cell_hash(*id, type), at);
}

void registry_metrics_view::drop_oldest() {
    for (const cell& one : minutes_.front().cells) {
        service_record& service = services_[one.service];
        if (--service.cells == 0) {
            service_index_.erase(hash64(service.name), one.service);
            services_.give_back(one.service);
        }
    }
    cell_count_ -= minutes_.front().cells.size();
    minutes_.pop_front();
}

void registry_metrics_view::fetch_records(std::uint64_t service_hash) const noexcept {
    if (const auto service = service_index_.guess(service_hash)) {
        __builtin_prefetch(&services_[*service]);
    }
}

void registry_metrics_view::fetch_texts(std::uint64_t service_hash,
                                        std::uint16_t type) const noexcept {
    const auto service = service_index_.guess(service_hash);
    if (!service) {
        return;
    }
    __builtin_prefetch(services_[*service].name.data());
    if (type < type_count && !minutes_.empty()) {
        minutes_.back().index.prefetch(cell_hash(*service, type));
    }
}

std::uint16_t registry_metrics_view::number_of(std::string_view type) noexcept {
    const auto found = std::find(types.begin(), types.end(), type);
    return static_cast<std::uint16_t>(found - types.begin());
}

std::optional<std::uint32_t> registry_metrics_view::find_service(std::string_view service) const {
    return service_index_.find(hash64(service),
                               [&](std::uint32_t id) { return services_[id].name == service; });
}

const registry_metrics_view::cell* registry_metrics_view::find_cell(const minute_cells& in,
                                                                    std::uint32_t service,
                                                                    type_index type) {
    const auto at = in.index.find(cell_hash(service, type), [&](std::uint32_t one) {
        return in.cells[one].service == service && in.cells[one].type == type;
    });
    return at ? &in.cells[*at] : nullptr;
}

std::uint64_t registry_metrics_view::cell_hash(std::uint32_t service, type_index type) noexcept {
    std::uint64_t mixed = (std::uint64_t{service} * 64U + type) * 0x9E37'79B9'7F4A'7C15U;
    mixed ^= mixed >> 32U;
    return mixed * 0xD6E8'FEB8'6659'FD93U;
}

void registry_metrics_view::rows(
    const row_filter& wanted,
    const std::function<bool(const registry::registry_metrics_row&)>& visit) const {
    const auto show = [&](std::uint16_t type, std::int64_t width_minutes, const bucket& of) {
        return visit({wanted.service.value_or(std::string_view{}), types[type],
                      instant{of.number * width_minutes * minute_us},
                      static_cast<std::uint64_t>(width_minutes * minute_us / 1000), of.count});
    };
    const auto service = wanted.service ? find_service(*wanted.service) : std::nullopt;
    for (const std::uint16_t type : types_by_name()) {
        if (wanted.type && *wanted.type != types[type]) {
            continue;
        }
        if (!wanted.service) {
            const auto shown = [&](std::int64_t width) {
                return [&, width](const bucket& of) { return show(type, width, of); };
            };
            if (!std::all_of(totals_[type].minutes.begin(), totals_[type].minutes.end(),
                             shown(1)) ||
                !std::all_of(totals_[type].hours.begin(), totals_[type].hours.end(),
                             shown(hour_minutes))) {
                return;
            }
        } else if (service) {
            for (const minute_cells& minute : minutes_) {
                const cell* found = find_cell(minute, *service, type);
                if (found != nullptr && !show(type, 1, {minute.number, found->count})) {
                    return;
                }
            }
        }
    }
}

std::size_t registry_metrics_view::memory_bytes() const noexcept {
    std::size_t bytes = services_.memory_bytes() + service_index_.memory_bytes();
    for (const totals& of : totals_) {
        bytes += (of.minutes.size() + of.hours.size()) * sizeof(bucket);
    }
    for (const minute_cells& minute : minutes_) {
        bytes += sizeof minute + minute.cells.capacity() * sizeof(cell) +
                 minute.index.memory_bytes();
    }
    return bytes;
}

std::vector<std::string> registry_metrics_view::services() const {
    std::vector<std::string> out;
    for (std::uint32_t id = 0; id < services_.end(); ++id) {
        if (services_[id].cells > 0) {
            out.push_back(services_[id].name);
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

void registry_metrics_view::write_snapshot(std::string& out) const {
    pack(changed_, out);
    pack_signed(newest_, out);
    for (const totals& of : totals_) {
        for (const auto* buckets : {&of.minutes, &of.hours}) {
            pack(buckets->size(), out);
            for (const bucket& one : *buckets) {
                pack_signed(one.number, out);
                pack(one.count, out);
            }
        }
    }
    pack(minutes_.size(), out);
    std::vector<std::tuple<std::string_view, type_index, std::uint64_t>> sorted;
    for (const minute_cells& minute : minutes_) {
        sorted.clear();
        for (const cell& one : minute.cells) {
            sorted.emplace_back(services_[one.service].name, one.type, one.count);
        }
        std::sort(sorted.begin(), sorted.end());
        pack_signed(minute.number, out);
        pack(sorted.size(), out);
        for (const auto& [service, type, count] : sorted) {
            pack(service, out);
            pack(type, out);
            pack(count, out);
        }
    }
}

bool registry_metrics_view::read_snapshot(std::string_view bytes) {
    clear();
    packed_reader in(bytes);
    changed_ = in.number();
    const std::int64_t newest = in.signed_number();
    for (totals& of : totals_) {
        for (auto* buckets : {&of.minutes, &of.hours}) {
            for (std::size_t left = in.count(2); left > 0; --left) {
                const std::int64_t number = in.signed_number();
                if (!buckets->empty() && number <= buckets->back().number) {
                    in.fail();
                    break;
                }
                buckets->push_back({number, in.number()});
            }
        }
    }
    if (read_minutes(in) && in.finished() && (minutes_.empty() || newest_ <= newest)) {
        newest_ = newest;
        return true;
    }
    clear();
    return false;
}

bool registry_metrics_view::read_minutes(packed_reader& in) {
    for (std::size_t left = in.count(2); left > 0; --left) {
        const std::int64_t number = in.signed_number();
        if (!minutes_.empty() && number <= minutes_.back().number) {
            return false;
        }
        newest_ = number;
        std::string_view service_before;
        std::uint64_t type_before = 0;
        const std::size_t cells = in.count(3);
        for (std::size_t at = 0; at < cells; ++at) {
            const std::string_view service = in.text();
            const std::uint64_t type = in.number_to(type_count - 1);
            const std::uint64_t count = in.number();
            const bool in_order = at == 0 ||
                                  std::tie(service_before, type_before) < std::tie(service, type);
            if (!in.ok() || !in_order || cell_count_ >= cells_most_) {
                return false;
            }
            count_cell(service, static_cast<type_index>(type), count);
            service_before = service;
            type_before = type;
        }
        if (cells == 0) {
            return false; // a minute is kept for its cells only
        }
    }
    return in.ok();
}

void registry_metrics_view::clear() {
    totals_ = {};
    minutes_.clear();
    services_ = {};
    service_index_ = {};
    cell_count_ = 0;
    newest_ = 0;
    changed_ = 0;
}

} // namespace fasti
