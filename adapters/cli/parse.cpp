// SPDX-License-Identifier: Apache-2.0
// The one unit that knows CLI11. Help is ours: it wraps, groups and shows examples.
#include "adapters/cli/parse.hpp"

#include "adapters/config/config.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>

namespace fasti::cli {
namespace {

//! The parser of the one command, and the options whose results are wanted.
struct leaf {
    CLI::App* app;
    const command_spec* command;
    std::vector<CLI::Option*> options; //!< beside command->options
};

CLI::Option* add_option(CLI::App* app, const option_spec& option) {
    const std::string name = option.flag.empty() ? option.name : option.flag;
    if (option.kind == value_kind::boolean) {
        return app->add_flag(name);
    }
    CLI::Option* const made = app->add_option(name);
    made->required(option.required);
    if (option.repeated) {
        made->expected(1, 100'000)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        made->allow_extra_args(option.flag.empty());
    } else {
        made->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
    return made;
}

std::string see_help(const std::vector<std::string>& words) {
    std::string out = "\nSee `fasti";
    for (const std::string& word : words) {
        out += " " + word;
    }
    return out + " --help`.";
}

//! What is wrong with one value, if anything.
std::string fault_of(const option_spec& option, const std::string& value) {
    const std::string name = name_in_help(option);
    if (option.kind == value_kind::number) {
        const std::optional<std::uint64_t> number = number_from(value, config_unit::none);
        if (!number || *number < option.min || *number > option.max) {
            return name + " must be a whole number from " + std::to_string(option.min) + " to " +
                   std::to_string(option.max) + ", not `" + value + "`.";
        }
    } else if (option.kind == value_kind::choice &&
               std::find(option.choices.begin(), option.choices.end(), value) ==
                   option.choices.end()) {
        std::string all;
        for (const std::string& choice : option.choices) {
            all += (all.empty() ? "" : ", ") + choice;
        }
        return name + " must be one of " + all + ", not `" + value + "`.";
    } else if (option.kind == value_kind::boolean && value != "true" && value != "false") {
        return name + " must be true or false, not `" + value + "`.";
    } else if (option.kind == value_kind::labels && value.find('=') == std::string::npos) {
        return name + " must be KEY=VALUE, not `" + value + "`.";
    }
    return {};
}

//! The longest start of the words that names a command or group.
std::vector<std::string> known_start(const std::vector<command_spec>& commands,
                                     const std::vector<std::string>& words) {
    std::vector<std::string> known;
    for (const std::string& word : words) {
        known.push_back(word);
        const bool fits = std::any_of(
            commands.begin(), commands.end(), [&known](const command_spec& command) {
                return command.words.size() >= known.size() &&
                       std::equal(known.begin(), known.end(), command.words.begin());
            });
        if (!fits) {
            known.pop_back();
            break;
        }
    }
    return known;
}

bool is_command(const std::vector<command_spec>& commands, const std::vector<std::string>& words) {
    return std::any_of(commands.begin(), commands.end(),
                       [&words](const command_spec& command) { return command.words == words; });
}

//! Whether the next word can only be a command: these name a group, or a command with others below
//! it that takes no word of its own.
bool a_command_must_follow(const std::vector<command_spec>& commands,
                           const std::vector<std::string>& words) {
    bool below = false;
    bool takes_words = false;
    for (const command_spec& command : commands) {
        if (command.words == words) {
            takes_words = std::any_of(
                command.options.begin(), command.options.end(),
                [](const option_spec& option) { return option.flag.empty(); });
        } else if (command.words.size() > words.size() &&
                   std::equal(words.begin(), words.end(), command.words.begin())) {
            below = true;
        }
    }
    return below && !takes_words;
}

//! "There is no command `regster`; did you mean `registry`?"
std::string unknown_word(const std::vector<command_spec>& commands,
                         const std::vector<std::string>& known, const std::string& word) {
    std::vector<std::string_view> candidates;
    for (const command_spec& command : commands) {
        if (!command.hidden && command.words.size() > known.size() &&
            std::equal(known.begin(), known.end(), command.words.begin())) {
            candidates.emplace_back(command.words[known.size()]);
        }
    }
    std::string out = "There is no command `";
    for (const std::string& one : known) {
        out += one + " ";
    }
    out += word + "`";
    const std::optional<std::string_view> near = nearest_name(word, candidates);
    return out + (near ? "; did you mean `" + std::string{*near} + "`?" : ".");
}

parsed refuse(std::string text) {
    parsed out;
    out.text = std::move(text);
    return out;
}

parsed help_for(const std::vector<command_spec>& commands, const std::vector<std::string>& words) {
    parsed out;
    out.help = true;
    out.text = help_of(commands, words);
    return out;
}

bool asks_for_help(const std::string& word) { return word == "--help" || word == "-h"; }

//! `fasti help WORDS...`; asking for the help of help is no fault.
parsed help_about(const std::vector<command_spec>& commands, std::vector<std::string> about) {
    about.erase(std::remove_if(about.begin(), about.end(), asks_for_help), about.end());
    const std::vector<std::string> topic = known_start(commands, about);
    if (topic.size() < about.size() && a_command_must_follow(commands, topic)) {
        return refuse(unknown_word(commands, topic, about[topic.size()]) + see_help(topic));
    }
    return help_for(commands, topic);
}

//! `fasti` alone prints its help; a group says first why it does so.
parsed group_alone(const std::vector<command_spec>& commands,
                   const std::vector<std::string>& group) {
    std::string names;
    for (const std::string& word : group) {
        names += " " + word;
    }
    const std::string help = help_of(commands, group);
    return refuse(group.empty() ? help : "`fasti" + names + "` needs a command.\n\n" + help);
}

//! "Unknown flag --leas-ms; did you mean --lease-ms?"
std::string unknown_flag(const command_spec& command, const std::string& given) {
    const std::string flag = given.substr(0, given.find('='));
    const std::size_t name = flag.find_first_not_of('-');
    if (name == std::string::npos) { // "--=x"
        return "Unknown flag " + given + ".";
    }
    std::vector<std::string_view> known = {"help"};
    for (const option_spec& option : command.options) {
        if (!option.flag.empty()) {
            known.push_back(std::string_view{option.flag}.substr(2));
        }
    }
    const std::optional<std::string_view> near = nearest_name(std::string_view{flag}.substr(name),
                                                              known);
    return "Unknown flag " + flag + (near ? "; did you mean --" + std::string{*near} + "?" : ".");
}

//! A misspelt flag is told before what follows from it: its value is a word too many, and a required
//! one is missing. `flagged`: the words before "--", behind which nothing is a flag.
std::string fault_of(const leaf& chosen, const CLI::ParseError& wrong,
                     const std::vector<std::string>& flagged) {
    std::vector<std::string> left = chosen.app->remaining();
    for (const std::string& word : left) {
        if (word.starts_with('-') && word.find_first_not_of('-') != std::string::npos &&
            std::find(flagged.begin(), flagged.end(), word) != flagged.end()) {
            return unknown_flag(*chosen.command, word);
        }
    }
    if (const auto mark = std::find(left.begin(), left.end(), "--"); mark != left.end()) {
        left.erase(mark);
    }
    if (dynamic_cast<const CLI::ExtrasError*>(&wrong) != nullptr && !left.empty()) {
        return "One word too many: `" + left.front() + "`. Text with spaces stands in quotes.";
    }
    std::string said = wrong.what();
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&wrong) != nullptr) {
        return said.substr(0, said.find(':')) + " needs a value.";
    }
    for (std::size_t i = 0; i < chosen.options.size(); ++i) {
        const option_spec& option = chosen.command->options[i];
        if (option.required && chosen.options[i]->count() == 0) {
            return name_in_help(option) + " is missing.";
        }
    }
    return said;
}

parsed values_of(const leaf& chosen) {
    parsed out;
    for (std::size_t i = 0; i < chosen.options.size(); ++i) {
        const option_spec& option = chosen.command->options[i];
        std::vector<std::string> values = chosen.options[i]->results();
        if (values.empty()) {
            continue;
        }
        for (const std::string& value : values) {
            if (const std::string fault = fault_of(option, value); !fault.empty()) {
                return refuse(fault + see_help(chosen.command->words));
            }
        }
        if (!option.repeated) {
            values = {values.back()};
        }
        out.given.set(option.name, std::move(values));
    }
    out.command = chosen.command;
    return out;
}

} // namespace

std::string arguments::text(std::string_view name) const {
    const auto found = given_.find(name);
    return found == given_.end() ? std::string{} : found->second.back();
}

const std::vector<std::string>& arguments::all(std::string_view name) const {
    static const std::vector<std::string> none;
    const auto found = given_.find(name);
    return found == given_.end() ? none : found->second;
}

std::uint64_t arguments::number(std::string_view name, std::uint64_t otherwise) const {
    return has(name) ? number_from(text(name), config_unit::none).value_or(otherwise) : otherwise;
}

void arguments::set(const std::string& name, std::vector<std::string> values) {
    given_[name] = std::move(values);
}

parsed parse(const std::vector<command_spec>& commands, const std::vector<std::string>& words) {
    const std::vector<std::string> known = known_start(commands, words);
    const std::vector<std::string> rest{words.begin() + static_cast<std::ptrdiff_t>(known.size()),
                                        words.end()};
    const auto ends = std::find(rest.begin(), rest.end(), "--");
    if (!words.empty() && words.front() == "help") {
        return help_about(commands, {words.begin() + 1, words.end()});
    }
    if (std::any_of(rest.begin(), ends, asks_for_help)) {
        return help_for(commands, known);
    }
    const bool alone = is_command(commands, known);
    if (!alone && rest.empty()) {
        return group_alone(commands, known);
    }
    if (!alone || (!rest.empty() && !rest.front().starts_with('-') &&
                   a_command_must_follow(commands, known))) {
        return refuse(unknown_word(commands, known, rest.front()) + see_help(known));
    }

    CLI::App app;
    app.set_help_flag(); // --help was looked for before
    const auto chosen_spec = std::find_if(
        commands.begin(), commands.end(),
        [&known](const command_spec& command) { return command.words == known; });
    leaf chosen{&app, &*chosen_spec, {}};
    for (const option_spec& option : chosen_spec->options) {
        chosen.options.push_back(add_option(&app, option));
    }
    try {
        std::vector<std::string> reversed{rest.rbegin(), rest.rend()};
        app.parse(std::move(reversed)); // CLI11 takes a vector from its end
    } catch (const CLI::ParseError& wrong) {
        return refuse(fault_of(chosen, wrong, {rest.begin(), ends}) + see_help(known));
    }
    return values_of(chosen);
}

} // namespace fasti::cli
