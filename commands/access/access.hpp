// SPDX-License-Identifier: Apache-2.0
//! Who may do what. Pure: the caller is data, the answer is yes or no.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fasti {

//! Holds everything.
inline constexpr std::string_view permission_everything = "admin:*";

//! Somebody who asks. Immutable once made, shared by the requests of a connection.
struct principal {
    std::string actor;                    //!< "token/<id>", "system/leases", ...
    std::string tenant;                   //!< empty: the default tenant
    std::vector<std::string> permissions; //!< as given to the token
};

inline bool permits(std::span<const std::string> held, std::string_view needed) noexcept {
    return std::any_of(held.begin(), held.end(), [&](const std::string& one) {
        return one == needed || one == permission_everything;
    });
}

} // namespace fasti
