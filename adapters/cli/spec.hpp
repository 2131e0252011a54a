// SPDX-License-Identifier: Apache-2.0
//! A sub-command as data: parser, help and shell completion are made from it, and it knows what to run.
#pragma once

#include "adapters/cli/commands.gen.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fasti::cli {

struct session;

struct option_spec {
    std::string name;      //!< key in arguments
    std::string flag = {}; //!< "--lease-ms"; empty: positional
    value_kind kind = value_kind::text;
    bool required = false;
    bool repeated = false;
    std::uint64_t min = 0;
    std::uint64_t max = UINT64_MAX;
    std::vector<std::string> choices = {};
    std::string fallback = {}; //!< shown as the default
    std::string doc = {};
    std::string value = {}; //!< placeholder, "DIR"; empty: from the kind
    std::string group = {}; //!< heading in the help; empty: "Options"
};

//! What was given on the command line, by the options' names.
class arguments {
public:
    bool has(std::string_view name) const { return given_.find(name) != given_.end(); }
    //! The last value; empty when absent.
    std::string text(std::string_view name) const;
    const std::vector<std::string>& all(std::string_view name) const;
    //! Only for options of kind number, which were checked.
    std::uint64_t number(std::string_view name, std::uint64_t otherwise) const;
    bool flag(std::string_view name) const { return text(name) == "true"; }
    void set(const std::string& name, std::vector<std::string> values);

private:
    std::map<std::string, std::vector<std::string>, std::less<>> given_;
};

struct command_spec {
    std::vector<std::string> words; //!< {"registry", "register"}
    std::string doc;
    std::vector<std::string> examples;
    std::vector<option_spec> options; //!< positional ones in their order
    std::function<int(session&, const arguments&)> run;
    bool hidden = false;
    //! Names worth knowing and what each stands for, under a heading of the help.
    std::string listed_as = {};
    std::vector<std::pair<std::string_view, std::string_view>> listed = {};
};

//! Everything `fasti` can do.
std::vector<command_spec> all_commands();

//! What a group of commands is about: "registry" -> a sentence.
std::string_view group_doc(std::string_view words);

} // namespace fasti::cli
