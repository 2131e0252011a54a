// SPDX-License-Identifier: Apache-2.0
//! result<T>: a value, or the error that says why there is none. No exceptions cross modules.
//! Codes are for programs and never change; messages are for people and end in a period.
#pragma once

#include "domain/base/check.hpp"
#include "domain/base/error_code.gen.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace fasti {

//! One wrong field of a request: where it is (RFC 6901 pointer, "#/port") and what is wrong.
struct field_error {
    std::string pointer;
    std::string detail;
    bool operator==(const field_error&) const = default;
};

struct error {
    error_code code = error_code::internal;
    std::string message;
    std::vector<field_error> fields = {};
    //! For version conflicts: where the stream really is.
    std::optional<std::uint64_t> actual_version = {};
};

template <class T>
class [[nodiscard]] result {
public:
    result(T value) : held_(std::in_place_index<0>, std::move(value)) {} // NOLINT implicit
    result(struct error failure) : held_(std::in_place_index<1>, std::move(failure)) {} // NOLINT

    bool ok() const noexcept { return held_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }

    T& value() & {
        check(ok(), "a result is read only after ok()");
        return *std::get_if<0>(&held_);
    }
    const T& value() const& {
        check(ok(), "a result is read only after ok()");
        return *std::get_if<0>(&held_);
    }
    T&& value() && {
        check(ok(), "a result is read only after ok()");
        return std::move(*std::get_if<0>(&held_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    const struct error& error() const& {
        check(!ok(), "an error is read only when there is one");
        return *std::get_if<1>(&held_);
    }
    struct error&& error() && {
        check(!ok(), "an error is read only when there is one");
        return std::move(*std::get_if<1>(&held_));
    }

private:
    std::variant<T, struct error> held_;
};

//! Success without a value.
template <>
class [[nodiscard]] result<void> {
public:
    result() = default;
    result(struct error failure) : failure_(std::move(failure)) {} // NOLINT implicit

    bool ok() const noexcept { return !failure_.has_value(); }
    explicit operator bool() const noexcept { return ok(); }
    const struct error& error() const& {
        check(!ok(), "an error is read only when there is one");
        return *failure_;
    }
    struct error&& error() && {
        check(!ok(), "an error is read only when there is one");
        return std::move(*failure_);
    }

private:
    std::optional<struct error> failure_;
};

} // namespace fasti
