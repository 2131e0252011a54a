// SPDX-License-Identifier: Apache-2.0
#include "adapters/telemetry/metrics.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <time.h> // NOLINT: clock_gettime is POSIX
#include <unistd.h>
#include <fstream>
#include <sstream>
#include <string>

namespace fasti::telemetry {
namespace {

//! Fields of /proc/self/stat after the command name, which may hold spaces; field 3 is the first.
struct process_facts {
    std::uint64_t start_ticks = 0;
    std::uint64_t virtual_bytes = 0;
    std::uint64_t resident_bytes = 0;
    bool known = false;
};

process_facts read_stat() {
    std::ifstream file{"/proc/self/stat"};
    std::string text;
    std::getline(file, text);
    const std::size_t after_name = text.rfind(')');
    if (after_name == std::string::npos) {
        return {};
    }
    std::istringstream fields{text.substr(after_name + 1)};
    process_facts facts;
    std::string skipped;
    for (int field = 3; field < 22; ++field) {
        fields >> skipped;
    }
    std::uint64_t pages = 0;
    fields >> facts.start_ticks >> facts.virtual_bytes >> pages;
    facts.resident_bytes = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    facts.known = static_cast<bool>(fields);
    return facts;
}

//! Not from /proc/stat, which a hardened unit hides.
std::uint64_t boot_seconds() {
    timespec now{};
    timespec up{};
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_BOOTTIME, &up);
    return static_cast<std::uint64_t>(now.tv_sec - up.tv_sec);
}

std::uint64_t open_files() {
    DIR* const folder = opendir("/proc/self/fd");
    if (folder == nullptr) {
        return 0;
    }
    std::uint64_t count = 0;
    while (const dirent* entry = readdir(folder)) {
        count += entry->d_name[0] == '.' ? 0 : 1;
    }
    closedir(folder);
    return count - 1; // the folder itself
}

std::uint64_t processor_us() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto us = [](const timeval& time) {
        return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000U +
               static_cast<std::uint64_t>(time.tv_usec);
    };
    return us(used.ru_utime) + us(used.ru_stime);
}

} // namespace

void write_process_metrics(metrics_writer& to) {
    to.family({"process_cpu_seconds", "Processor time used, user and system.", metric_kind::counter,
               "seconds", 1'000'000});
    to.value({}, processor_us());
    const process_facts facts = read_stat();
    if (facts.known) {
        to.family({"process_resident_memory_bytes", "Memory in use.", metric_kind::gauge, "bytes"});
        to.value({}, facts.resident_bytes);
        to.family(
            {"process_virtual_memory_bytes", "Address space in use.", metric_kind::gauge, "bytes"});
        to.value({}, facts.virtual_bytes);
        const auto ticks_per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
        to.family({"process_start_time_seconds", "Start of the process since 1970.",
                   metric_kind::gauge, "seconds"});
        to.value({}, boot_seconds() + facts.start_ticks / ticks_per_second);
    }
    to.family({"process_open_fds", "Open files and sockets.", metric_kind::gauge});
    to.value({}, open_files());
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        to.family({"process_max_fds", "Files and sockets that may be open.", metric_kind::gauge});
        to.value({}, static_cast<std::uint64_t>(limit.rlim_cur));
    }
}

} // namespace fasti::telemetry
