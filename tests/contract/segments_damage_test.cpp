// SPDX-License-Identifier: Apache-2.0
// A small log with bytes flipped, every sector zeroed, every file cut, taken away, exchanged or put back
// as it once was: each time the start, a read or verify must say so, and nothing wrong is served.
// FASTI_LONG_TESTS=1 flips a bit in every byte instead of each seventh (29th with sanitizers).
#include "eventstore/port/token.hpp"
#include "eventstore/segments/segment_ledger.hpp"
#include "tests/support/disk/shared_disk.hpp"
#include "tests/support/long_form.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fasti {
namespace {

using sim::shared_disk;

constexpr std::size_t sector = 512;
const std::string folder = "log";
const std::string first_segment = folder + "/00000000000000000001.seg";
const std::string active_segment = folder + "/00000000000000000002.seg";

segment_options options(std::vector<std::string>* notes = nullptr) {
    segment_options out;
    out.path = folder;
    out.segment_bytes = 64U * 1024U;
    out.fresh_log_id = {{0xf0, 0x0d}};
    out.fresh_epoch = 0xe90c;
    if (notes != nullptr) {
        out.report = [notes](const store_note& note) { notes->push_back(note.text); };
    }
    return out;
}

//! What became of a log that was tampered with.
struct outcome {
    bool noticed = false;
    bool shorter = false; //!< opened as a sound log that ends earlier
    std::string wrong;    //!< what was served although it is not so
};

//! A sealed segment with its index and one in use, and everything that was ever true of them.
class small_store {
public:
    small_store() {
        auto log = open_segments(disk_, options());
        check(log.ok(), "a log can be made");
        while (!disk_.names().contains(active_segment)) {
            add(**log);
        }
        for (int i = 0; i < 12; ++i) {
            add(**log);
            for (auto more = (*log)->maintain(); more.ok() && *more; more = (*log)->maintain()) {}
            if (i == 5) {
                check((*log)->carry_on().ok(), "an empty frame can be written");
                keep();
            }
        }
        check((*log)->carry_on().ok(), "the last frame can be proven");
        head_ = (*log)->head();
        check((*log)
                  ->read(1, ~position{0}, {},
                         [&](const recorded_event& event) {
                             events_.emplace_back(event.canonical);
                             return read_more::go_on;
                         })
                  .ok(),
              "a sound log can be read");
        log = error{};
        sound_ = disk_.names();
    }

    const shared_disk::contents& sound() const { return sound_; }
    const std::vector<shared_disk::contents>& past() const { return past_; }
    std::size_t bytes() const {
        std::size_t sum = 0;
        for (const auto& [name, content] : sound_) {
            sum += content->size();
        }
        return sum;
    }

    outcome meet(shared_disk::contents names) const {
        outcome out;
        shared_disk disk{std::move(names)};
        std::vector<std::string> notes;
        auto log = open_segments(disk, options(&notes));
        if (!log.ok()) {
            const bool damage = log.error().code == error_code::store_damaged ||
                                log.error().code == error_code::format_newer;
            out.wrong = damage ? "" : "refused for another reason: " + log.error().message;
            out.noticed = true;
            return out;
        }
        const ledger_head head = (*log)->head();
        out.shorter = head.last < head_.last;
        if (!out.shorter && (head.last != head_.last || head.last_hash != head_.last_hash)) {
            out.wrong = "another head";
        }
        out.noticed = !notes.empty();
        read_all(**log, out);
        look_up(**log, out);
        if (!out.noticed) {
            const auto findings = (*log)->verify([](const finding&) {}, {});
            out.noticed = !findings.ok() || *findings != 0;
        }
        if (out.shorter && !forked(**log)) {
            out.wrong = "a token of the history that was lost is taken";
        }
        return out;
    }

private:
    void add(segment_ledger& log) {
        const std::size_t count = 1 + written_ % 5;
        std::vector<std::string> names;
        std::vector<event_draft> events(count);
        const std::string data(200 + written_ * 37 % 900, static_cast<char>('a' + written_ % 26));
        for (std::size_t i = 0; i < count; ++i) {
            names.push_back("thing/" + std::to_string(written_ + i));
        }
        for (std::size_t i = 0; i < count; ++i) {
            events[i].stream = names[i];
            events[i].stream_version = 1;
            events[i].type = "thing_happened";
            events[i].recorded = {static_cast<std::int64_t>(1000 + written_ + i)};
            events[i].data = data;
        }
        const std::string key = "key-" + std::to_string(written_);
        receipt_draft receipt;
        receipt.scope = "default/test";
        receipt.key = key;
        receipt.count = static_cast<std::uint32_t>(count);
        const claim_draft claim{names[0], names[0]};
        check(log.append({events, {&receipt, 1}, {&claim, 1}}).ok(), "a sound log takes events");
        receipts_.emplace_back(key, written_ + 1);
        written_ += count;
        if (receipts_.size() % 3 == 0) {
            keep();
        }
    }
    void keep() { past_.push_back(disk_.names()); }

    void read_all(const ledger& log, outcome& out) const {
        std::size_t seen = 0;
        const auto read = log.read(1, ~position{0}, {}, [&](const recorded_event& event) {
            if (seen >= events_.size() || event.canonical != events_[seen]) {
                out.wrong = "another event at " + std::to_string(event.at);
            }
            ++seen;
            return read_more::go_on;
        });
        out.noticed = out.noticed || !read.ok();
        if (read.ok() && seen != log.head().last) {
            out.wrong = "fewer events than the head says";
        }
    }

    //! Through the indexes, whose files may be what was altered.
    void look_up(const ledger& log, outcome& out) const {
        const position last = log.head().last;
        for (std::size_t i = 0; i < receipts_.size(); i += 5) {
            const auto& [key, first] = receipts_[i];
            if (first > last) {
                break;
            }
            const auto known = log.find_receipt("default/test", key);
            const auto version = log.stream_version("thing/" + std::to_string(first - 1));
            const auto holder = log.claim_holder("thing/" + std::to_string(first - 1));
            out.noticed = out.noticed || !known.ok() || !version.ok() || !holder.ok();
            if ((known.ok() && (!known->has_value() || (*known)->first != first)) ||
                (version.ok() && *version != 1) || (holder.ok() && !holder->has_value())) {
                out.wrong = "a look-up forgot " + key;
            }
        }
    }

    bool forked(const ledger& log) const {
        history_token token;
        token.epoch = head_.epoch;
        token.at = head_.last;
        token.hash_prefix = head_.last_hash.prefix();
        const auto belongs = verify_token(token, log);
        return !belongs.ok() && belongs.error().code == error_code::history_forked;
    }

    shared_disk disk_;
    std::uint64_t written_ = 0;
    std::vector<std::pair<std::string, position>> receipts_;
    std::vector<std::string> events_;
    ledger_head head_;
    shared_disk::contents sound_;
    std::vector<shared_disk::contents> past_; // copies of all files at some moments before
};

struct damaged_store : testing::Test {
    static const small_store& store() {
        static const small_store made;
        return made;
    }

    //! Counts a try and expects it to be noticed; false when it was not.
    bool expect_noticed(shared_disk::contents names, const std::string& what) {
        ++tried;
        const outcome met = store().meet(std::move(names));
        EXPECT_EQ(met.wrong, "") << what;
        if (!met.noticed) {
            unnoticed.push_back(what);
        }
        return met.noticed && met.wrong.empty();
    }
    static shared_disk::contents with(const std::string& name, std::string content) {
        shared_disk::contents names = store().sound();
        names[name] = std::make_shared<const std::string>(std::move(content));
        return names;
    }
    void flip_each(std::size_t step) {
        std::size_t begin = 0; // goes through the remainders, file by file
        for (const auto& [name, content] : store().sound()) {
            for (std::size_t at = begin++ % step; at < content->size(); at += step) {
                std::string altered = *content;
                altered[at] = static_cast<char>(altered[at] ^ (1U << (at % 8)));
                expect_noticed(with(name, std::move(altered)),
                               name + " byte " + std::to_string(at));
                ASSERT_LT(unnoticed.size() + (HasFailure() ? 100U : 0U), 100U);
            }
        }
    }
    void tell(const std::string& what) const {
        std::cout << what << ": " << tried << " tried over " << store().bytes() << " bytes in "
                  << store().sound().size() << " files, " << unnoticed.size() << " not noticed\n";
        for (const std::string& each : unnoticed) {
            std::cout << "  " << each << "\n";
        }
    }

    std::size_t tried = 0;
    std::vector<std::string> unnoticed;
};

TEST_F(damaged_store, is_sound_when_nothing_was_done_to_it) {
    expect_noticed(store().sound(), "nothing");
    EXPECT_EQ(unnoticed.size(), 1U);
}

TEST_F(damaged_store, is_noticed_when_a_byte_was_flipped) {
    const std::size_t step = long_form() ? 1 : is_sanitized ? 29 : 7;
    flip_each(step);
    tell("one bit of every byte flipped, in steps of " + std::to_string(step));
    EXPECT_TRUE(unnoticed.empty());
    EXPECT_GE(tried, store().bytes() / step - 4);
}

TEST_F(damaged_store, is_noticed_whichever_sector_was_zeroed) {
    std::size_t last = 0; // sector of the active segment that is not zero
    for (const auto& [name, content] : store().sound()) {
        for (std::size_t at = 0; at < content->size(); at += sector) {
            const std::string zeros(std::min(sector, content->size() - at), '\0');
            if (content->compare(at, zeros.size(), zeros) == 0) {
                continue;
            }
            last = name == active_segment ? at : last;
            std::string altered = *content;
            altered.replace(at, zeros.size(), zeros);
            expect_noticed(with(name, std::move(altered)),
                           name + " sector at " + std::to_string(at));
        }
    }
    tell("every sector zeroed");
    // The last, empty frame proves the one before and holds nothing: without it the log is the same.
    EXPECT_EQ(unnoticed,
              std::vector<std::string>{active_segment + " sector at " + std::to_string(last)});
}

TEST_F(damaged_store, is_noticed_wherever_a_file_was_cut) {
    for (const auto& [name, content] : store().sound()) {
        const std::size_t step = content->size() < sector ? 1 : sector;
        for (std::size_t size = 0; size < content->size(); size += step) {
            expect_noticed(with(name, content->substr(0, size)),
                           name + " cut to " + std::to_string(size));
        }
        expect_noticed(with(name, *content + std::string(sector, '\0')), name + " longer");
    }
    tell("every file cut at every sector");
    EXPECT_TRUE(unnoticed.empty());
}

TEST_F(damaged_store, is_noticed_when_a_file_is_missing_or_exchanged) {
    for (const auto& [name, content] : store().sound()) {
        if (name.ends_with("/LOCK")) {
            continue; // says nothing
        }
        shared_disk::contents names = store().sound();
        names.erase(name);
        expect_noticed(std::move(names), name + " missing");
        for (const auto& [other, others] : store().sound()) {
            if (name < other && *content != *others) {
                shared_disk::contents swapped = store().sound();
                std::swap(swapped[name], swapped[other]);
                expect_noticed(std::move(swapped), name + " exchanged with " + other);
            }
        }
    }
    tell("every file missing or exchanged with another");
    EXPECT_TRUE(unnoticed.empty());
}

TEST_F(damaged_store, is_noticed_when_one_file_is_put_back_as_it_was) {
    std::set<std::string> seen; // contents already tried
    std::size_t shorter = 0;
    for (const auto& past : store().past()) {
        for (const auto& [name, content] : past) {
            const auto now = store().sound().find(name);
            const bool same = now != store().sound().end() && *now->second == *content;
            if (same || !seen.insert(name + *content).second) {
                continue;
            }
            ++tried;
            const outcome met = store().meet(with(name, *content));
            EXPECT_EQ(met.wrong, "") << name; // among them: old tokens do not answer history_forked
            // The active segment as it was is a log that ended earlier: only tokens can tell.
            EXPECT_TRUE(met.noticed || name == active_segment) << name;
            shorter += met.shorter ? 1 : 0;
        }
    }
    tell("every older copy of one file put back");
    EXPECT_GT(tried, 8U);
    EXPECT_GT(shorter, 1U);
}

TEST_F(damaged_store, answers_old_tokens_with_history_forked_when_it_is_put_back_as_it_was) {
    std::size_t shorter = 0;
    for (const auto& past : store().past()) {
        const outcome met = store().meet(past);
        EXPECT_EQ(met.wrong, "");
        shorter += met.shorter ? 1 : 0;
    }
    EXPECT_GT(shorter, 4U);
}

} // namespace
} // namespace fasti
