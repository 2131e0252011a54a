// SPDX-License-Identifier: Apache-2.0
//! The stored bytes of every event revision ever released, in tests/golden/events/<event>.r<revision>.txt:
//! pairs of lines, the bytes in hex and the JSON they mean. A file of a released revision never changes;
//! those of new ones are written by FASTI_ADD_GOLDEN=1. Members that were added since have their defaults;
//! where a later upcast makes more of old bytes, a third line, `today`, says what.
#include "domain/base/ids.hpp"
#include "domain/wire/events.gen.hpp"
#include "domain/wire/identity_json.gen.hpp"
#include "domain/wire/registry_json.gen.hpp"
#include "tests/support/samples.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>
#include <vector>

namespace fasti {
namespace {

constexpr std::string_view folder = "tests/golden/events";

struct golden {
    std::string bytes;
    std::string json;
    bool today = false; //!< the JSON is what a later upcast makes of it
};

std::string file_of(std::string_view event, std::uint32_t revision) {
    return std::string(folder) + "/" + std::string(event) + ".r" + std::to_string(revision) +
           ".txt";
}

std::string from_hex(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
    return out;
}

std::vector<golden> read_goldens(const std::string& path) {
    std::vector<golden> out;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("bytes")) {
            const std::string_view hex = std::string_view(line).substr(
                std::min<std::size_t>(6, line.size()));
            out.push_back({from_hex(hex), {}});
        } else if (line.starts_with("json ") && !out.empty()) {
            out.back().json = line.substr(5);
        } else if (line.starts_with("today ") && !out.empty()) {
            out.back().json = line.substr(6);
            out.back().today = true;
        }
    }
    return out;
}

//! What an old revision means today, without the members that were added since.
std::string without_members_behind(std::string_view known, const std::string& today) {
    const std::string_view members = known.substr(0, known.size() - 1);
    return today.starts_with(members) &&
                   std::string_view{",}"}.find(today[members.size()]) != std::string_view::npos
               ? std::string(members) + "}"
               : today;
}

//! Fields that came after a revision are what an event has that says nothing of them, whatever was read
//! to the same place before.
template <class Event>
void has_defaults_since(std::uint32_t revision, const golden& one) {
    test::sample_maker maker(test::sample_kind::full);
    auto event = maker.make<Event>();
    ASSERT_TRUE(decode(one.bytes, revision, event)) << Event::type_name;
    Event silent;
    test::for_each_field(event, [&]<class Value>(const test::field_spec& added, Value& now) {
        if (added.since <= revision) {
            return;
        }
        test::for_each_field(silent, [&]<class Other>(const auto& spec, Other& value) {
            if constexpr (std::is_same_v<Value, Other>) {
                EXPECT_TRUE(spec.name != added.name || now == value)
                    << Event::type_name << "." << added.name << " of revision " << revision;
            }
        });
    });
}

template <class Event>
void append_sample(test::sample_kind kind, std::string& out) {
    test::sample_maker maker(kind);
    const auto event = maker.make<Event>();
    std::string bytes;
    encode(event, bytes);
    std::string json;
    json_writer writer(json);
    write_json(writer, event);
    out += bytes.empty() ? "bytes" : "bytes " + to_hex(bytes);
    out += "\njson " + json + "\n";
}

//! What a new revision's file should hold, for the person who adds it.
template <class Event>
std::string proposal() {
    std::string out = "# SPDX-License-Identifier: Apache-2.0\n";
    append_sample<Event>(test::sample_kind::minimal, out);
    append_sample<Event>(test::sample_kind::full, out);
    return out;
}

TEST(golden_events, are_there_for_every_revision) {
    test::for_each_type<test::all_events>([]<class Event>() {
        for (std::uint32_t revision = 1; revision <= Event::revision_now; ++revision) {
            const std::string path = file_of(Event::type_name, revision);
            if (!std::filesystem::exists(path) && std::getenv("FASTI_ADD_GOLDEN") != nullptr) {
                std::ofstream{path} << proposal<Event>();
            }
            EXPECT_TRUE(std::filesystem::exists(path))
                << "FASTI_ADD_GOLDEN=1 ./ops/dev test golden_events adds " << path << ":\n"
                << proposal<Event>() << "end of file. Never change it.";
        }
    });
}

TEST(golden_events, mean_today_what_they_meant) {
    test::for_each_type<test::all_events>([]<class Event>() {
        event_scratch scratch;
        for (std::uint32_t revision = 1; revision <= Event::revision_now; ++revision) {
            const auto goldens = read_goldens(file_of(Event::type_name, revision));
            EXPECT_GE(goldens.size(), 2U) << Event::type_name;
            for (const golden& one : goldens) {
                std::string json;
                json_writer writer(json);
                EXPECT_EQ(write_event_json(Event::type_name, revision, one.bytes, scratch, writer),
                          decode_status::ok);
                if (revision < Event::revision_now && !one.json.empty()) {
                    json = without_members_behind(one.json, json);
                }
                EXPECT_EQ(json, one.json) << Event::type_name;
                if (!one.today) {
                    has_defaults_since<Event>(revision, one);
                }
            }
        }
    });
}

TEST(golden_events, are_written_again_byte_for_byte) {
    test::for_each_type<test::all_events>([]<class Event>() {
        for (const golden& one : read_goldens(file_of(Event::type_name, Event::revision_now))) {
            Event event;
            ASSERT_TRUE(decode(one.bytes, Event::revision_now, event)) << Event::type_name;
            std::string again;
            encode(event, again);
            EXPECT_EQ(to_hex(again), to_hex(one.bytes)) << Event::type_name;
        }
    });
}

TEST(golden_events, are_all_of_declared_events) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        EXPECT_TRUE(event_type_from_name(std::string_view(name).substr(0, name.find('.'))))
            << name << ": an event that was released stays declared";
    }
}

} // namespace
} // namespace fasti
