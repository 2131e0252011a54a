// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/process_cpu.hpp"

#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace fasti::bench {
namespace {

std::uint64_t tick_in_nanoseconds() {
    const long per_second = ::sysconf(_SC_CLK_TCK);
    return 1'000'000'000U / static_cast<std::uint64_t>(per_second > 0 ? per_second : 100);
}

// proc(5): the command name may hold blanks, so fields are counted from its closing bracket.
bool add_ticks(const std::string& folder, cpu_time& sum) {
    std::ifstream file(folder + "/stat");
    std::string line;
    if (!std::getline(file, line)) {
        return false;
    }
    const std::size_t bracket = line.rfind(')');
    std::istringstream fields(bracket == std::string::npos ? line : line.substr(bracket + 2));
    std::string ignored;
    for (int field = 3; field < 14; ++field) {
        fields >> ignored;
    }
    std::uint64_t user = 0;
    std::uint64_t system = 0;
    fields >> user >> system;
    sum.user += user * tick_in_nanoseconds();
    sum.system += system * tick_in_nanoseconds();
    return true;
}

} // namespace

cpu_time cpu_time_of(const std::vector<pid_t>& processes) {
    cpu_time sum;
    for (const pid_t process : processes) {
        const std::string folder = "/proc/" + std::to_string(process);
        if (!add_ticks(folder, sum)) {
            sum.complete = false;
            continue;
        }
        std::error_code error;
        for (const auto& thread : std::filesystem::directory_iterator(folder + "/task", error)) {
            std::ifstream file(thread.path() / "schedstat");
            std::uint64_t on_cpu = 0;
            file >> on_cpu;
            sum.total += on_cpu;
        }
    }
    if (sum.total == 0) { // a kernel without schedstat
        sum.total = sum.user + sum.system;
    }
    return sum;
}

std::uint64_t machine_busy() {
    std::ifstream file("/proc/stat");
    std::string name;
    std::uint64_t user = 0;
    std::uint64_t nice = 0;
    std::uint64_t system = 0;
    std::uint64_t idle = 0;
    std::uint64_t waiting = 0;
    std::uint64_t hard = 0;
    std::uint64_t soft = 0;
    file >> name >> user >> nice >> system >> idle >> waiting >> hard >> soft;
    return (user + nice + system + hard + soft) * tick_in_nanoseconds();
}

} // namespace fasti::bench
