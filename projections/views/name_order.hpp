// SPDX-License-Identifier: Apache-2.0
//! Slots in the order of their names, for lists and pages. Built when first asked for, so that a
//! rebuild of a view never pays for it; kept up to date from then on.
//! Shape: runs of at most 512 slots, so that a change costs the logarithm and one short move.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace fasti {

//! NameOf: slot -> std::string_view. Every slot in the order must still have its name.
class name_order {
public:
    bool built() const noexcept { return built_; }

    template <class NameOf>
    void build(std::vector<std::uint32_t> slots, const NameOf& name_of) {
        std::sort(slots.begin(), slots.end(),
                  [&](std::uint32_t a, std::uint32_t b) { return name_of(a) < name_of(b); });
        runs_.clear();
        for (std::size_t at = 0; at < slots.size(); at += run_slots_new) {
            const std::size_t end = std::min(at + run_slots_new, slots.size());
            runs_.emplace_back(slots.begin() + static_cast<std::ptrdiff_t>(at),
                               slots.begin() + static_cast<std::ptrdiff_t>(end));
        }
        built_ = true;
    }

    //! Does nothing before build().
    template <class NameOf>
    void insert(std::uint32_t slot, const NameOf& name_of) {
        if (!built_) {
            return;
        }
        const std::string_view name = name_of(slot);
        if (runs_.empty()) {
            runs_.push_back({slot});
            return;
        }
        const std::size_t which = run_of(name, name_of);
        auto& into = runs_[which];
        into.insert(first_not_below(into, name, name_of), slot);
        if (into.size() > run_slots_max) {
            const auto middle = into.begin() + static_cast<std::ptrdiff_t>(into.size() / 2);
            run second(middle, into.end());
            into.erase(middle, into.end());
            runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(which) + 1, std::move(second));
        }
    }

    //! Does nothing before build().
    template <class NameOf>
    void erase(std::uint32_t slot, const NameOf& name_of) {
        if (!built_) {
            return;
        }
        const std::string_view name = name_of(slot);
        const std::size_t which = run_of(name, name_of);
        auto& from = runs_[which];
        const auto at = first_not_below(from, name, name_of);
        if (at != from.end() && *at == slot) {
            from.erase(at);
        }
        if (from.empty()) {
            runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(which));
        }
    }

    //! Visits slots whose names are at or above `from`, in order, until visit(slot) gives false.
    template <class NameOf, class Visit>
    void visit_from(std::string_view from, const NameOf& name_of, const Visit& visit) const {
        if (runs_.empty()) {
            return;
        }
        std::size_t which = run_of(from, name_of);
        auto at = first_not_below(runs_[which], from, name_of);
        for (;;) {
            for (; at != runs_[which].end(); ++at) {
                if (!visit(*at)) {
                    return;
                }
            }
            if (++which == runs_.size()) {
                return;
            }
            at = runs_[which].begin();
        }
    }

private:
    using run = std::vector<std::uint32_t>;
    static constexpr std::size_t run_slots_max = 512;
    static constexpr std::size_t run_slots_new = 256;

    //! The run a name belongs to: the last one that does not begin above it.
    template <class NameOf>
    std::size_t run_of(std::string_view name, const NameOf& name_of) const {
        const auto above = std::upper_bound(
            runs_.begin(), runs_.end(), name,
            [&](std::string_view wanted, const run& one) { return wanted < name_of(one.front()); });
        return above == runs_.begin() ? 0 : static_cast<std::size_t>(above - runs_.begin()) - 1;
    }

    template <class Run, class NameOf>
    static auto first_not_below(Run& in, std::string_view name, const NameOf& name_of) {
        return std::lower_bound(
            in.begin(), in.end(), name,
            [&](std::uint32_t slot, std::string_view wanted) { return name_of(slot) < wanted; });
    }

    std::vector<run> runs_; // none empty
    bool built_ = false;
};

} // namespace fasti
