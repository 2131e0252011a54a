// SPDX-License-Identifier: Apache-2.0
#include "adapters/telemetry/metrics.hpp"

#include "domain/base/check.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <variant>

namespace fasti::telemetry {
namespace {

void append_number(std::uint64_t number, std::string& out) {
    char digits[24];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    out.append(digits, static_cast<std::size_t>(end - digits));
}

//! Exact decimal of ticks / per_unit; per_unit is a power of ten. OpenMetrics wants floats in `le`.
void append_scaled(std::uint64_t ticks, std::uint64_t per_unit, bool as_float, std::string& out) {
    append_number(ticks / per_unit, out);
    std::uint64_t rest = ticks % per_unit;
    if (rest == 0) {
        if (as_float) {
            out += ".0";
        }
        return;
    }
    out += '.';
    while (rest != 0) {
        per_unit /= 10;
        out += static_cast<char>('0' + rest / per_unit);
        rest %= per_unit;
    }
}

void append_escaped(std::string_view text, bool quotes, std::string& out) {
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\\' || (quotes && c == '"')) {
            out += '\\';
            out += c;
        } else {
            out += c;
        }
    }
}

bool is_power_of_ten(std::uint64_t number) {
    while (number % 10 == 0 && number != 0) {
        number /= 10;
    }
    return number == 1;
}

constexpr std::array<std::string_view, 3> kind_names = {"counter", "gauge", "histogram"};

constexpr std::array<std::uint64_t, 16> latency_bounds = {
    50,     100,    250,     500,     1'000,   2'500,     5'000,     10'000,
    25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 10'000'000};

} // namespace

std::string_view content_type_of(metrics_format format) noexcept {
    return format == metrics_format::open_metrics
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

metrics_format metrics_format_for(std::string_view accept) noexcept {
    return accept.find("application/openmetrics-text") != std::string_view::npos
               ? metrics_format::open_metrics
               : metrics_format::prometheus_text;
}

std::span<const std::uint64_t> latency_bounds_us() noexcept { return latency_bounds; }

void metrics_writer::family(const metric_family& family) {
    check(is_power_of_ten(family.per_unit), "ticks of a unit are a power of ten");
    family_ = family;
    const bool counts = family.kind == metric_kind::counter;
    const bool open = format_ == metrics_format::open_metrics;
    const std::string_view suffix = counts && !open ? "_total" : "";
    out_.append("# HELP ").append(family.name).append(suffix).append(" ");
    append_escaped(family.help, open, out_);
    out_.append("\n# TYPE ").append(family.name).append(suffix).append(" ");
    out_.append(kind_names[static_cast<std::size_t>(family.kind)]).append("\n");
    if (open && !family.unit.empty()) {
        out_.append("# UNIT ").append(family.name).append(" ").append(family.unit).append("\n");
    }
}

void metrics_writer::sample(std::string_view suffix, std::span<const metric_label> labels,
                            std::string_view bound) {
    out_.append(family_.name).append(suffix);
    if (!labels.empty() || !bound.empty()) {
        char separator = '{';
        for (const metric_label& label : labels) {
            out_ += separator;
            out_.append(label.name).append("=\"");
            append_escaped(label.value, true, out_);
            out_ += '"';
            separator = ',';
        }
        if (!bound.empty()) {
            out_ += separator;
            out_.append("le=\"").append(bound).append("\"");
        }
        out_ += '}';
    }
    out_ += ' ';
}

void metrics_writer::value(std::span<const metric_label> labels, std::uint64_t ticks) {
    sample(family_.kind == metric_kind::counter ? "_total" : "", labels);
    append_scaled(ticks, family_.per_unit, false, out_);
    out_ += '\n';
}

void metrics_writer::value(std::span<const metric_label> labels, std::int64_t ticks) {
    sample("", labels);
    if (ticks < 0) {
        out_ += '-';
    }
    const auto size = static_cast<std::uint64_t>(ticks);
    append_scaled(ticks < 0 ? 0 - size : size, family_.per_unit, false, out_);
    out_ += '\n';
}

void metrics_writer::histogram(std::span<const metric_label> labels,
                               std::span<const std::uint64_t> bounds,
                               std::span<const std::uint64_t> counts, std::uint64_t sum) {
    check(counts.size() == bounds.size() + 1,
          "a histogram counts what is above its last bound too");
    const bool open = format_ == metrics_format::open_metrics;
    std::uint64_t below = 0;
    std::string bound;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        bound.clear();
        if (i < bounds.size()) {
            append_scaled(bounds[i], family_.per_unit, open, bound);
        } else {
            bound = "+Inf";
        }
        below += counts[i];
        sample("_bucket", labels, bound);
        append_number(below, out_);
        out_ += '\n';
    }
    sample("_sum", labels);
    append_scaled(sum, family_.per_unit, false, out_);
    out_ += '\n';
    sample("_count", labels);
    append_number(below, out_);
    out_ += '\n';
}

void metrics_writer::finish() {
    if (format_ == metrics_format::open_metrics) {
        out_ += "# EOF\n";
    }
}

histogram::histogram(std::span<const std::uint64_t> bounds)
    : bounds_(bounds.begin(), bounds.end()), counts_(bounds.size() + 1) {
    check(std::is_sorted(bounds_.begin(), bounds_.end()), "bounds of a histogram rise");
}

void histogram::observe(std::uint64_t ticks) noexcept {
    const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), ticks);
    counts_[static_cast<std::size_t>(at - bounds_.begin())].add();
    sum_.add(ticks);
}

void histogram::write(std::span<const metric_label> labels, metrics_writer& to) const {
    std::vector<std::uint64_t> counts;
    counts.reserve(counts_.size());
    for (const counter& one : counts_) {
        counts.push_back(one.value());
    }
    to.histogram(labels, bounds_, counts, sum_.value());
}

struct metrics_registry::series {
    labels of;
    std::variant<counter, gauge, histogram> value;

    template <class Value, class... Arguments>
    series(labels given, std::in_place_type_t<Value> kind, Arguments&&... arguments)
        : of(std::move(given)), value(kind, std::forward<Arguments>(arguments)...) {}
};

//! Holds the texts its metric_family refers to.
struct metrics_registry::family_of {
    std::string name;
    std::string help;
    std::string unit;
    metric_family shown;
    std::deque<series> all;
};

metrics_registry::metrics_registry() = default;
metrics_registry::~metrics_registry() = default;

metrics_registry::family_of& metrics_registry::family_for(const metric_family& family) {
    for (const std::unique_ptr<family_of>& known : families_) {
        if (known->name == family.name) {
            check(known->shown.kind == family.kind, "a metric has one kind");
            return *known;
        }
    }
    auto made = std::make_unique<family_of>();
    made->name = family.name;
    made->help = family.help;
    made->unit = family.unit;
    made->shown = {made->name, made->help, family.kind, made->unit, family.per_unit};
    const auto after = std::find_if(families_.begin(), families_.end(), [&made](const auto& known) {
        return known->name > made->name;
    });
    return **families_.insert(after, std::move(made));
}

counter& metrics_registry::add_counter(const metric_family& family, labels of) {
    metric_family counting = family;
    counting.kind = metric_kind::counter;
    const std::lock_guard hold{lock_};
    series& made = family_for(counting).all.emplace_back(std::move(of),
                                                         std::in_place_type<counter>);
    return std::get<counter>(made.value);
}

gauge& metrics_registry::add_gauge(const metric_family& family, labels of) {
    metric_family measuring = family;
    measuring.kind = metric_kind::gauge;
    const std::lock_guard hold{lock_};
    series& made = family_for(measuring).all.emplace_back(std::move(of), std::in_place_type<gauge>);
    return std::get<gauge>(made.value);
}

histogram& metrics_registry::add_histogram(const metric_family& family,
                                           std::span<const std::uint64_t> bounds, labels of) {
    metric_family spreading = family;
    spreading.kind = metric_kind::histogram;
    const std::lock_guard hold{lock_};
    series& made = family_for(spreading).all.emplace_back(std::move(of),
                                                          std::in_place_type<histogram>, bounds);
    return std::get<histogram>(made.value);
}

void metrics_registry::add_collector(std::function<void(metrics_writer&)> collect) {
    const std::lock_guard hold{lock_};
    collectors_.push_back(std::move(collect));
}

void metrics_registry::render(metrics_format format, std::string& out) const {
    const std::lock_guard hold{lock_};
    metrics_writer writer{format, out};
    std::vector<metric_label> shown;
    for (const std::unique_ptr<family_of>& family : families_) {
        writer.family(family->shown);
        for (const series& one : family->all) {
            shown.clear();
            for (const auto& [name, value] : one.of) {
                shown.push_back({name, value});
            }
            if (const auto* spread = std::get_if<histogram>(&one.value)) {
                spread->write(shown, writer);
            } else if (const auto* count = std::get_if<counter>(&one.value)) {
                writer.value(shown, count->value());
            } else {
                writer.value(shown, std::get<gauge>(one.value).value());
            }
        }
    }
    for (const auto& collect : collectors_) {
        collect(writer);
    }
    writer.finish();
}

} // namespace fasti::telemetry
