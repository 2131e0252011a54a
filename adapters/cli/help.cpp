// SPDX-License-Identifier: Apache-2.0
#include "adapters/cli/parse.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace fasti::cli {
namespace {

constexpr std::size_t width = 100;
constexpr std::size_t name_column = 30;

//! Text broken at spaces, continued under `indent`.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t first) {
    std::string out;
    std::size_t column = first;
    while (!text.empty()) {
        const std::size_t space = text.find(' ');
        const std::string_view word = text.substr(0, space);
        if (column > indent && column + 1 + word.size() > width) {
            out += "\n" + std::string(indent, ' ');
            column = indent;
        } else if (column > first || (!out.empty() && column > indent)) {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
        text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
    }
    return out;
}

std::string entry(const std::string& left, const std::string& doc) {
    std::string out = "  " + left;
    if (out.size() + 2 > name_column) {
        out += "\n" + std::string(name_column, ' ');
    } else {
        out += std::string(name_column - out.size(), ' ');
    }
    return out + wrapped(doc, name_column, name_column) + "\n";
}

std::string placeholder(const option_spec& option) {
    if (!option.value.empty()) {
        return option.value;
    }
    switch (option.kind) {
        case value_kind::number: return "N";
        case value_kind::boolean: return {};
        case value_kind::instant: return "TIME";
        case value_kind::labels: return "KEY=VALUE";
        case value_kind::choice: {
            std::string out;
            for (const std::string& choice : option.choices) {
                out += (out.empty() ? "" : "|") + choice;
            }
            return out;
        }
        case value_kind::text:
        case value_kind::list: return "TEXT";
    }
    return {};
}

std::string option_line(const option_spec& option) {
    std::string left = name_in_help(option);
    if (!option.flag.empty() && option.kind != value_kind::boolean) {
        left += " " + placeholder(option);
    }
    std::string doc = option.doc;
    if (option.repeated) {
        doc += " May be repeated.";
    }
    if (option.required && !option.flag.empty()) {
        doc += " Required.";
    } else if (!option.fallback.empty() && option.kind != value_kind::boolean) {
        doc += " Default: " + option.fallback + ".";
    }
    return entry(left, doc);
}

std::string joined(const std::vector<std::string>& words) {
    std::string out = "fasti";
    for (const std::string& word : words) {
        out += " " + word;
    }
    return out;
}

bool begins_with(const std::vector<std::string>& words, const std::vector<std::string>& start) {
    return words.size() >= start.size() && std::equal(start.begin(), start.end(), words.begin());
}

std::string first_sentence(const std::string& doc) {
    const std::size_t end = doc.find(". ");
    const std::string one = end == std::string::npos ? doc : doc.substr(0, end + 1);
    const std::size_t colon = one.find(": ");
    return one.size() > 68 && colon != std::string::npos ? one.substr(0, colon) + "." : one;
}

//! A line for each command or group right below these words; empty: there is none.
std::string lines_below(const std::vector<command_spec>& commands,
                        const std::vector<std::string>& words) {
    std::string group;
    for (const std::string& word : words) {
        group += word + " ";
    }
    std::string out;
    std::set<std::string> shown;
    for (const command_spec& command : commands) {
        if (command.hidden || command.words.size() <= words.size() ||
            !begins_with(command.words, words) ||
            !shown.insert(command.words[words.size()]).second) {
            continue;
        }
        const std::string& next = command.words[words.size()];
        const bool leaf = command.words.size() == words.size() + 1;
        out += entry(next,
                     leaf ? first_sentence(command.doc) : std::string{group_doc(group + next)});
    }
    return out;
}

std::string help_of_command(const std::vector<command_spec>& commands,
                            const command_spec& command) {
    std::string usage = joined(command.words);
    for (const option_spec& option : command.options) {
        if (option.flag.empty()) {
            const std::string name = name_in_help(option);
            usage += option.required ? " " + name : " [" + name + "]";
        } else if (option.required) {
            usage += " " + option.flag + " " + placeholder(option);
        }
    }
    std::string out = wrapped(command.doc, 0, 0) + "\n\nUsage: " + usage + " [options]\n";
    std::vector<std::string> groups;
    for (const option_spec& option : command.options) {
        const std::string group = option.flag.empty()    ? "What it takes"
                                  : option.group.empty() ? "Options"
                                                         : option.group;
        if (std::find(groups.begin(), groups.end(), group) == groups.end()) {
            groups.push_back(group);
        }
    }
    for (const std::string& group : groups) {
        out += "\n" + group + "\n";
        for (const option_spec& option : command.options) {
            const bool positional = option.flag.empty();
            if ((positional             ? "What it takes"
                 : option.group.empty() ? "Options"
                                        : option.group) == group) {
                out += option_line(option);
            }
        }
    }
    if (!command.listed.empty()) {
        out += "\n" + command.listed_as + "\n";
        for (const auto& [name, doc] : command.listed) {
            out += entry(std::string{name}, std::string{doc});
        }
    }
    if (const std::string below = lines_below(commands, command.words); !below.empty()) {
        out += "\nCommands\n" + below;
    }
    if (!command.examples.empty()) {
        out += "\nExamples\n";
        for (const std::string& example : command.examples) {
            out += "  " + example + "\n";
        }
    }
    return out;
}

std::string help_of_group(const std::vector<command_spec>& commands,
                          const std::vector<std::string>& words) {
    std::string group;
    for (const std::string& word : words) {
        group += (group.empty() ? "" : " ") + word;
    }
    std::string out = wrapped(group_doc(group), 0, 0) + "\n\nUsage: " + joined(words) +
                      " COMMAND [options]\n\nCommands\n";
    out += lines_below(commands, words);
    if (words.empty()) {
        out += R"(
Start here
  fasti serve                           run a server; it says where it listens and where its data is
  fasti status                          ask it how it is
  fasti registry register web web-1 --address 10.0.0.7 --port 8080 --lease-ms 10000
  fasti events tail                     watch what happens
  fasti why instance/web/web-1          who did that, and for what reason

Finding the server
  --addr, FASTI_ADDR                    address:port or URL; default: where a server of this machine listens
  FASTI_TOKEN, FASTI_TOKEN_FILE         the token, or a file with it; default on this machine: admin.token
                                        of the default data folder
  --cacert, FASTI_CACERT                certificate of the authority that signed the server's

Exit codes
  0 success    1 a difference, a finding or a refusal    2 usage    3 unreachable    4 denied
  5 conflict   78 configuration or data damaged
)";
    }
    return out + "\n`" + joined(words) + " COMMAND --help` explains each, with examples.\n";
}

} // namespace

std::string name_in_help(const option_spec& option) {
    std::string name = option.flag.empty() ? option.name : option.flag;
    for (char& c : name) {
        const bool rises = option.flag.empty() && c >= 'a' && c <= 'z';
        c = rises ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return name;
}

std::string help_of(const std::vector<command_spec>& commands,
                    const std::vector<std::string>& words) {
    for (const command_spec& command : commands) {
        if (command.words == words) {
            return help_of_command(commands, command);
        }
    }
    return help_of_group(commands, words);
}

std::vector<std::string> completions(const std::vector<command_spec>& commands,
                                     const std::vector<std::string>& words) {
    std::vector<std::string> before{words.begin(), words.empty() ? words.end() : words.end() - 1};
    const std::string start = words.empty() ? std::string{} : words.back();
    std::set<std::string> found;
    for (const command_spec& command : commands) {
        if (command.hidden) {
            continue;
        }
        if (begins_with(command.words, before) && command.words.size() > before.size()) {
            found.insert(command.words[before.size()]);
        } else if (begins_with(before, command.words)) {
            for (const option_spec& option : command.options) {
                const bool asked = !before.empty() && before.back() == option.flag;
                if (asked && !option.choices.empty()) {
                    return option.choices;
                }
                if (!option.flag.empty()) {
                    found.insert(option.flag);
                } else if (start.rfind('-', 0) != 0) {
                    found.insert(option.choices.begin(), option.choices.end());
                }
            }
            found.insert("--help");
        }
    }
    std::vector<std::string> out;
    std::copy_if(found.begin(), found.end(), std::back_inserter(out),
                 [&start](const std::string& one) { return one.rfind(start, 0) == 0; });
    return out;
}

} // namespace fasti::cli
