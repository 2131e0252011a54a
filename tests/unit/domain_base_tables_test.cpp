// SPDX-License-Identifier: Apache-2.0
//! Tables that grow while they are in use, against ones of the standard library.
#include "domain/base/cell_table.hpp"
#include "domain/base/flat_table.hpp"
#include "domain/base/slot_array.hpp"
#include "domain/base/slot_index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <vector>

namespace fasti {
namespace {

constexpr std::uint64_t spread = 0x9e37'79b9'7f4a'7c15U;

struct number_cell {
    std::uint64_t key = 0;
    std::uint64_t value = 0; // 0: free

    static inline std::size_t asked = 0;
    static inline std::uint64_t homes = 0; // how many there are; 0: one for each key

    bool used() const noexcept { return value != 0; }
    std::uint64_t home() const noexcept {
        ++asked;
        return home_of(key);
    }
    static std::uint64_t home_of(std::uint64_t key) noexcept {
        // Few homes, the last ones among them: long runs of neighbours, also around the end.
        return homes == 0 ? key * spread : ~((key % homes) << 58U);
    }
};

class number_table {
public:
    number_cell* find(std::uint64_t key) const {
        return cells_.find(number_cell::home_of(key),
                           [&](const number_cell& one) { return one.key == key; });
    }
    cell_table<number_cell>& cells() noexcept { return cells_; }

private:
    cell_table<number_cell> cells_;
};

void live_like_a_map(std::uint64_t seed, std::uint64_t homes) {
    number_cell::homes = homes;
    std::mt19937_64 random{seed};
    number_table table;
    std::map<std::uint64_t, std::uint64_t> model;
    const std::uint64_t keys = 1 + random() % 400;
    const std::uint64_t erased_of_ten = random() % 5;
    for (int step = 0; step < 1'500; ++step) {
        const std::uint64_t key = random() % keys;
        number_cell* const found = table.find(key);
        const auto known = model.find(key);
        ASSERT_EQ(found != nullptr, known != model.end()) << "seed " << seed << " step " << step;
        if (found == nullptr) {
            table.cells().insert({key, key + 1});
            model[key] = key + 1;
        } else if (random() % 10 < erased_of_ten) {
            ASSERT_EQ(found->value, known->second);
            table.cells().erase(found);
            model.erase(known);
        } else {
            known->second = found->value = 1 + random() % 1'000;
        }
        ASSERT_EQ(table.cells().size(), model.size());
    }
    std::map<std::uint64_t, std::uint64_t> all;
    table.cells().for_each([&](const number_cell& one) {
        EXPECT_TRUE(all.emplace(one.key, one.value).second) << "seed " << seed << ": twice";
    });
    EXPECT_EQ(all, model) << "seed " << seed;
    for (const auto& [key, value] : model) {
        ASSERT_NE(table.find(key), nullptr) << "seed " << seed;
    }
}

TEST(cell_table, holds_what_a_map_holds_whatever_comes_and_goes) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        live_like_a_map(seed, seed % 4 == 0 ? 0 : seed % 4 * 3);
        if (HasFatalFailure()) {
            break;
        }
    }
}

//! Nobody waits for a growth: an insert moves some cells, never all of them.
TEST(cell_table, grows_in_small_steps) {
    number_cell::homes = 0;
    number_table table;
    std::size_t most = 0;
    for (std::uint64_t key = 1; key <= 200'000; ++key) {
        number_cell::asked = 0;
        table.cells().insert({key, key});
        most = std::max(most, number_cell::asked);
    }
    EXPECT_LT(most, 1'000U) << "100,000 when all cells are moved at once";
}

//! A growth neither clears nor frees a large piece of memory at once.
TEST(cell_table, takes_and_gives_back_memory_in_small_steps) {
    number_cell::homes = 0;
    number_table table;
    std::size_t before = 0;
    for (std::uint64_t key = 1; key <= 200'000; ++key) {
        table.cells().insert({key, key});
        const std::size_t bytes = table.cells().bytes();
        const std::size_t change = bytes > before ? bytes - before : before - bytes;
        ASSERT_LE(change, 256U * 1024U) << "after " << key; // 4 MiB are in use in the end
        before = bytes;
    }
}

//! Probing stays short only while the table has room.
TEST(flat_table, is_never_fuller_than_three_quarters) {
    struct record {};
    constexpr std::size_t slot_bytes = 16;
    std::vector<record> records(3000);
    flat_table<record> table;
    for (std::size_t i = 0; i < records.size(); ++i) {
        table.insert(i * 0x9e3779b97f4a7c15U, &records[i]);
        ASSERT_LE(table.size() * 4, table.bytes() / slot_bytes * 3) << "after " << i + 1;
        ASSERT_LE(table.bytes() / slot_bytes, std::max<std::size_t>(16, (i + 1) * 4))
            << "after " << i + 1;
    }
}

TEST(slot_index, points_a_key_to_another_slot) {
    slot_index index;
    const std::vector<int> keys{5, 5, 7};
    const auto same = [&](int key) {
        return [&keys, key](std::uint32_t slot) { return keys[slot] == key; };
    };
    EXPECT_EQ(index.exchange(5 * spread, same(5), 0), std::nullopt);
    EXPECT_EQ(index.exchange(7 * spread, same(7), 2), std::nullopt);
    EXPECT_EQ(index.exchange(5 * spread, same(5), 1), 0U);
    EXPECT_EQ(index.find(5 * spread, same(5)), 1U);
    EXPECT_EQ(index.size(), 2U);
    index.erase(5 * spread, 1);
    EXPECT_EQ(index.find(5 * spread, same(5)), std::nullopt);
    EXPECT_EQ(index.find(7 * spread, same(7)), 2U);
}

TEST(slot_array, gives_numbers_out_again_and_records_empty) {
    slot_array<int> records;
    for (int i = 0; i < 3'000; ++i) {
        records[records.take()] = i;
    }
    int* const place = &records[2'999];
    records.give_back(2'999);
    EXPECT_EQ(records.size(), 2'999U);
    EXPECT_EQ(records.take(), 2'999U);
    EXPECT_EQ(&records[2'999], place);
    EXPECT_EQ(*place, 0);
    EXPECT_EQ(records.end(), 3'000U);
}

} // namespace
} // namespace fasti
