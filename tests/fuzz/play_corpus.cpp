// SPDX-License-Identifier: Apache-2.0
//! The main of a fuzz target in builds without libFuzzer: plays every file of the named folders, and of
//! each file a few hundred damaged copies by a fixed seed, so that ordinary and sanitizer runs cover it too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int copies_per_file = 200;

void play(const std::string& bytes) {
    // An exact heap block of its own, so that a sanitizer sees every read beyond the end.
    const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
    LLVMFuzzerTestOneInput(input.data(), input.size());
}

std::string damaged(std::string bytes, std::mt19937& dice) {
    const std::size_t place = bytes.empty() ? 0 : dice() % bytes.size();
    switch (dice() % 5) {
        case 0: bytes.resize(place); break;
        case 1: bytes.insert(place, 1 + dice() % 8, static_cast<char>(dice() % 256)); break;
        case 2: bytes.erase(place, 1 + dice() % 8); break;
        case 3: bytes += bytes.substr(place); break;
        default:
            for (std::size_t i = place; i < std::min(bytes.size(), place + 1 + dice() % 4); ++i) {
                bytes[i] = static_cast<char>(dice() % 256);
            }
    }
    return bytes;
}

std::vector<std::filesystem::path> files_of(int count, char** folders) {
    std::vector<std::filesystem::path> found;
    for (int i = 1; i < count; ++i) {
        if (!std::filesystem::is_directory(folders[i])) continue;
        for (const auto& entry : std::filesystem::directory_iterator(folders[i])) {
            if (entry.is_regular_file()) found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

} // namespace

int main(int count, char** arguments) {
    const auto files = files_of(count, arguments);
    if (files.empty()) {
        std::fprintf(stderr, "no corpus: commit at least one file for this target\n");
        return 1;
    }
    play({});
    std::mt19937 dice(1);
    for (const auto& path : files) {
        std::ifstream file(path, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        play(bytes);
        for (int i = 0; i < copies_per_file; ++i) {
            play(damaged(bytes, dice));
        }
    }
    std::printf("%zu files, %d damaged copies of each\n", files.size(), copies_per_file);
    return 0;
}
