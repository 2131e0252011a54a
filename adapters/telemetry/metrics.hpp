// SPDX-License-Identifier: Apache-2.0
//! Counters, gauges and histograms, and the two text formats in which Prometheus reads them.
//! A value is changed by one thread without a locked instruction and read by any. Numbers are whole
//! ticks (microseconds, bytes); a scale turns them into base units when they are shown.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fasti::telemetry {

enum class metrics_format : std::uint8_t { prometheus_text, open_metrics };
enum class metric_kind : std::uint8_t { counter, gauge, histogram };

std::string_view content_type_of(metrics_format format) noexcept;
//! open_metrics when the Accept header asks for it, else text 0.0.4: promtool and older scrapers
//! reject parts of OpenMetrics.
metrics_format metrics_format_for(std::string_view accept) noexcept;

//! Name without `_total`: the writer adds what each format wants.
struct metric_family {
    std::string_view name; //!< "fasti_commands", "fasti_view_lag_seconds"
    std::string_view help; //!< a sentence
    metric_kind kind = metric_kind::gauge;
    std::string_view unit = {}; //!< "seconds", "bytes": then the name ends with it
    std::uint64_t per_unit = 1; //!< ticks in one unit: 1'000'000 for microseconds shown as seconds
};

struct metric_label {
    std::string_view name;
    std::string_view value;
};

//! Writes families one after the other; also used for values that are only known when asked.
class metrics_writer {
public:
    metrics_writer(metrics_format format, std::string& out) : format_(format), out_(out) {}

    void family(const metric_family& family);
    void value(std::span<const metric_label> labels, std::uint64_t ticks);
    void value(std::span<const metric_label> labels, std::int64_t ticks);
    //! `counts` has one more entry than `bounds` and is not cumulative.
    void histogram(std::span<const metric_label> labels, std::span<const std::uint64_t> bounds,
                   std::span<const std::uint64_t> counts, std::uint64_t sum);
    void finish(); //!< `# EOF` where the format has it

private:
    void sample(std::string_view suffix, std::span<const metric_label> labels,
                std::string_view bound = {});

    metrics_format format_;
    std::string& out_;
    metric_family family_;
};

class counter {
public:
    //! Thread: one.
    void add(std::uint64_t n = 1) noexcept {
        ticks_.store(ticks_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    //! Thread: any; a locked instruction.
    void add_shared(std::uint64_t n = 1) noexcept {
        ticks_.fetch_add(n, std::memory_order_relaxed);
    }
    std::uint64_t value() const noexcept { return ticks_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> ticks_{0};
};

class gauge {
public:
    void set(std::int64_t ticks) noexcept { ticks_.store(ticks, std::memory_order_relaxed); }
    void add(std::int64_t n) noexcept { ticks_.fetch_add(n, std::memory_order_relaxed); }
    std::int64_t value() const noexcept { return ticks_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::int64_t> ticks_{0};
};

class histogram {
public:
    explicit histogram(std::span<const std::uint64_t> bounds);
    //! Thread: one.
    void observe(std::uint64_t ticks) noexcept;
    void write(std::span<const metric_label> labels, metrics_writer& to) const;

private:
    std::vector<std::uint64_t> bounds_; //!< inclusive upper ends, rising
    std::vector<counter> counts_;       //!< one more than bounds
    counter sum_;
};

//! Owns the metrics of the process. References stay good for its life. Adding a name again with
//! other labels makes another series of the family.
//! Thread: any; adding and rendering take a lock, changing values does not.
class metrics_registry {
public:
    using labels = std::vector<std::pair<std::string, std::string>>;

    metrics_registry();
    ~metrics_registry();
    metrics_registry(const metrics_registry&) = delete;
    metrics_registry& operator=(const metrics_registry&) = delete;

    counter& add_counter(const metric_family& family, labels of = {});
    gauge& add_gauge(const metric_family& family, labels of = {});
    histogram& add_histogram(const metric_family& family, std::span<const std::uint64_t> bounds,
                             labels of = {});
    //! Called at each rendering, for values that others keep. Must write families of its own.
    void add_collector(std::function<void(metrics_writer&)> collect);

    void render(metrics_format format, std::string& out) const;

private:
    struct series;
    struct family_of;
    family_of& family_for(const metric_family& family);

    mutable std::mutex lock_;
    std::vector<std::unique_ptr<family_of>> families_;
    std::vector<std::function<void(metrics_writer&)>> collectors_;
};

//! Bounds for latencies in microseconds: 50 us to 10 s.
std::span<const std::uint64_t> latency_bounds_us() noexcept;

//! The standard process_* families from /proc: processor time, memory, open files, start.
void write_process_metrics(metrics_writer& to);

} // namespace fasti::telemetry
