// SPDX-License-Identifier: Apache-2.0
// Builds crash images from the record of a real server for the end-to-end test.
//   fasti_crash_image RECORD                          {"operations": N, "syncs": M}
//   fasti_crash_image RECORD OPERATIONS SEED ROOT OUT  files below ROOT as they would be after a power cut,
//                                                     written below OUT; {"must_have": P, "files": F}
#include "tests/support/disk/crash_image.hpp"

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace {

bool to_number(std::string_view text, std::uint64_t& out) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    return problem == std::errc{} && end == text.data() + text.size();
}

//! Holes for zeros: a segment is mostly empty.
void write_file(const std::filesystem::path& path, const std::string& content) {
    constexpr std::size_t step = 4096;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out{path, std::ios::binary | std::ios::trunc};
    const std::string zeros(step, '\0');
    for (std::size_t at = 0; at < content.size(); at += step) {
        const std::string_view part = std::string_view{content}.substr(at, step);
        if (part != std::string_view{zeros}.substr(0, part.size())) {
            out.seekp(static_cast<std::streamoff>(at));
            out.write(part.data(), static_cast<std::streamsize>(part.size()));
        }
    }
    out.close();
    std::filesystem::resize_file(path, content.size());
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2 && argc != 6) {
        std::fprintf(stderr, "usage: fasti_crash_image RECORD [OPERATIONS SEED ROOT OUT]\n");
        return 2;
    }
    std::ifstream in{argv[1], std::ios::binary};
    const std::string record{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
    if (!in || record.empty()) {
        std::fprintf(stderr, "fasti_crash_image: %s holds no record\n", argv[1]);
        return 1;
    }
    if (argc == 2) {
        const auto all = fasti::sim::summarise(record);
        std::printf("{\"operations\": %llu, \"syncs\": %llu}\n",
                    static_cast<unsigned long long>(all.operations),
                    static_cast<unsigned long long>(all.syncs));
        return 0;
    }
    std::uint64_t operations = 0;
    std::uint64_t seed = 0;
    if (!to_number(argv[2], operations) || !to_number(argv[3], seed)) {
        std::fprintf(stderr, "fasti_crash_image: OPERATIONS and SEED are numbers\n");
        return 2;
    }
    const auto image = fasti::sim::image_after(record, operations, seed);
    const std::string root = std::string{argv[4]} + "/";
    std::size_t files = 0;
    for (const auto& [path, content] : image.files) {
        if (path.starts_with(root)) {
            write_file(std::filesystem::path{argv[5]} / path.substr(root.size()), content);
            ++files;
        }
    }
    std::printf("{\"must_have\": %llu, \"files\": %zu}\n",
                static_cast<unsigned long long>(image.must_have), files);
    return 0;
}
