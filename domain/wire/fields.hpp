// SPDX-License-Identifier: Apache-2.0
//! What the edge hands to the generated readers, and what they find wrong with it.
#pragma once

#include "domain/base/check.hpp"
#include "domain/base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

//! A field captured from the path, percent-decoded.
struct path_field {
    std::string_view name;
    std::string_view value;
};

//! A query parameter, percent-decoded.
struct query_param {
    std::string_view name;
    std::string_view value;
};

//! Collects everything that is wrong with one request, each with an RFC 6901 pointer.
class field_errors {
public:
    static constexpr std::size_t count_max = 64; //!< further ones are dropped

    //! The prefix points at the value that is read: "#", "#/commands". It and all names entered are
    //! borrowed: a pointer is put together only when there is something to tell.
    explicit field_errors(std::string_view prefix = "#") noexcept : prefix_(prefix) {}

    bool empty() const noexcept { return found_.empty(); }
    //! No further ones are kept: what only helps to word them need not be worked out.
    bool full() const noexcept { return found_.size() >= count_max; }
    //! Empty name: the value itself.
    void add(std::string_view name, std::string detail);

    //! Steps into a member or item; leave() with what enter() returned steps out again.
    std::size_t enter(std::string_view name) noexcept { return push({name, named}); }
    std::size_t enter(std::size_t index) noexcept { return push({{}, index}); }
    void leave(std::size_t mark) noexcept { depth_ = mark; }

    std::vector<field_error> take() { return std::move(found_); }

private:
    struct step {
        std::string_view name = {};
        std::size_t index = 0; //!< named: the name counts
    };
    static constexpr std::size_t named = static_cast<std::size_t>(-1);
    static constexpr std::size_t depth_max = 12; //!< what commands declare nests less

    std::size_t push(const step& one) noexcept {
        check(depth_ < depth_max, "declared fields do not nest that deep");
        steps_[depth_] = one;
        return depth_++;
    }
    std::string pointer_to(std::string_view name) const;

    std::string_view prefix_;
    std::size_t depth_ = 0;
    std::array<step, depth_max> steps_;
    std::vector<field_error> found_;
};

//! fields_invalid with everything found; `what` names the command or query.
error to_error(field_errors&& errors, std::string_view what);

//! Parameters that mean the same wherever they are taken. Tokens and instants stay text here.
struct common_params {
    std::string_view at = {};
    std::string_view after = {};
    std::string_view index = {};
    std::string_view cursor = {};
    std::optional<std::uint64_t> wait_ms = {};
    std::optional<std::uint32_t> limit = {};
    bool dry_run = false;
};

inline constexpr std::uint64_t wait_ms_max = 600'000;
inline constexpr std::uint32_t limit_max = 1000;
inline constexpr std::uint32_t limit_default = 100;

//! Which common parameters an operation takes.
struct common_allowed {
    bool after = false;
    bool past = false;  //!< at
    bool wait = false;  //!< index, wait
    bool paged = false; //!< cursor, limit
    bool dry_run = false;
};

//! Reads the parameters of an operation that has none of its own (commands: dry_run only).
void read_common(std::span<const query_param> given, const common_allowed& allowed,
                 common_params& out, field_errors& errors);

//! "30s", "500ms", "10m", "1h" or bare seconds; nothing for other text.
std::optional<std::uint64_t> duration_ms_from_text(std::string_view text);

//! The candidate that differs least from the text, if one is near enough to be meant.
std::string_view nearest_name(std::span<const std::string_view> candidates, std::string_view text);

} // namespace fasti
