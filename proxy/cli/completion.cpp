// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/completion.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <vector>

#include "proxy/cli/command_list.hpp"

namespace fusewire::cli {
namespace {

using Commands = std::vector<CommandWords>;

constexpr std::string_view kShells = "bash zsh fish";

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

const OptionWords* positional(const CommandWords& command) {
  const auto found = std::find_if(command.options.begin(), command.options.end(),
                                  [](const OptionWords& option) { return option.names.empty(); });
  return found == command.options.end() ? nullptr : &*found;
}

// What `--help` says in one line; a quote would end the word.
std::string brief(std::string text) {
  text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return c == '\'' || c == '`'; }), text.end());
  return text;
}

// ---------------------------------------------------------------------------------------------------------- bash

constexpr std::string_view kBashHead = R"sh(# bash completion of fusewire, written by `fusewire completion bash`
# The words of the line as they are written: bash itself splits them at ':' and '=', too.

# The breakers of the admin that the line names.
_fusewire_breakers() {
  local i at=()
  for ((i = 1; i + 1 < ${#words[@]}; ++i)); do
    case ${words[i]} in
      --admin | -c | --config | --token-file | --ca) at+=("${words[i]}" "${words[i + 1]}") ;;
    esac
  done
  "${words[0]}" status --names "${at[@]}" 2>/dev/null
}

_fusewire() {
  local words=() word current previous command= i
  read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
  [[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=("")
  current=${words[-1]}
  previous=${words[-2]}
  COMPREPLY=()
  for ((i = 1; i + 1 < ${#words[@]}; ++i)); do
    case ${words[i]} in
)sh";

constexpr std::string_view kBashTail =
    R"sh(  if [[ $current == *:* ]]; then  # bash replaces what follows the last colon
    for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"${current%"${current##*:}"}"}; done
  fi
}
complete -o bashdefault -F _fusewire fusewire
)sh";

// The names of options that take a value of that kind.
std::vector<std::string> taking(const Commands& commands, const CommandWords& program, std::string_view value) {
  std::vector<std::string> names;
  const auto add = [&](const CommandWords& command) {
    for (const OptionWords& option : command.options)
      for (const std::string& name : option.names)
        if (option.value == value && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  add(program);
  for (const CommandWords& command : commands) add(command);
  return names;
}

std::vector<std::string> taking_other(const Commands& commands, const CommandWords& program) {
  std::vector<std::string> names;
  const auto add = [&](const CommandWords& command) {
    for (const OptionWords& option : command.options)
      for (const std::string& name : option.names)
        if (!option.value.empty() && option.value != "FILE" &&
            std::find(names.begin(), names.end(), name) == names.end())
          names.push_back(name);
  };
  add(program);
  for (const CommandWords& command : commands) add(command);
  return names;
}

std::vector<std::string> option_names(const CommandWords& command) {
  std::vector<std::string> names;
  for (const OptionWords& option : command.options)
    for (const std::string& name : option.names)
      if (name.starts_with("--")) names.push_back(name);
  return names;
}

std::string bash_words_of(const CommandWords& command) {
  const std::string options = joined(option_names(command), " ");
  const OptionWords* argument = positional(command);
  std::string words = "\"" + options + "\"";
  if (argument != nullptr && argument->value == "NAME") words = "\"" + options + " $(_fusewire_breakers)\"";
  if (argument != nullptr && argument->value == "SHELL") words = "\"" + std::string(kShells) + " " + options + "\"";
  return words;
}

std::string bash_script(const CommandWords& program, const Commands& commands) {
  std::vector<std::string> names;
  for (const CommandWords& command : commands) names.push_back(command.name);
  const std::string files = joined(taking(commands, program, "FILE"), " | ");
  const std::string others = joined(taking_other(commands, program), " | ");
  std::string text(kBashHead);
  text += "      " + files + " | " + others + ") ((++i)) ;;\n";
  text +=
      "      " + joined(names, " | ") + ")\n        command=${words[i]}\n        break\n        ;;\n    esac\n  done\n";
  text += "  case $previous in\n    " + files +
          ") mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); return ;;\n    " + others +
          ") return ;;\n  esac\n  case $command in\n";
  for (const CommandWords& command : commands)
    text += "    " + command.name + ") word=" + bash_words_of(command) + " ;;\n";
  text += "    *) word=\"" + joined(names, " ") + " " + joined(option_names(program), " ") + "\" ;;\n  esac\n";
  text += "  mapfile -t COMPREPLY < <(compgen -W \"$word\" -- \"$current\")\n";
  return text.append(kBashTail);
}

// ---------------------------------------------------------------------------------------------------------- zsh

constexpr std::string_view kZshHead = R"sh(#compdef fusewire
# zsh completion of fusewire, written by `fusewire completion zsh`

# The breakers of the admin that the line names.
_fusewire_breakers() {
  local -a at names
  local i
  for ((i = 1; i < $#words; ++i)); do
    case $words[i] in
      --admin|-c|--config|--token-file|--ca) at+=("$words[i]" "$words[i+1]") ;;
    esac
  done
  names=(${(f)" $(fusewire status-- names $at 2 > / dev / null) "})
                                      compadd -
                                      a names
}  // namespace

_fusewire() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands
)sh";

// In `[…]` of an _arguments specification.
std::string zsh_help(const std::string& text) {
  std::string out;
  for (const char c : brief(text))
    out += (c == '[' || c == ']' || c == ':' || c == '\\') ? std::string("\\") + c : std::string(1, c);
  return out;
}

std::string zsh_value(const std::string& value) {
  if (value.empty()) return "";
  return ":" + value + (value == "FILE" ? ":_files" : ":");
}

std::string zsh_option(const OptionWords& option) {
  if (option.names.empty()) {
    const std::string action = option.value == "NAME"    ? ":_fusewire_breakers"
                               : option.value == "SHELL" ? ":(" + std::string(kShells) + ")"
                                                         : ":";
    return "'" + std::string(option.repeated ? "*" : "") + ":" + zsh_help(option.value) + action + "'";
  }
  std::string text;
  for (const std::string& name : option.names)
    text += (text.empty() ? "" : " ") + std::string("'") + (option.repeated ? "*" : "") + name + "[" +
            zsh_help(option.help) + "]" + zsh_value(option.value) + "'";
  return text;
}

std::string zsh_arguments(const CommandWords& command) {
  std::string text;
  for (const OptionWords& option : command.options) text += " \\\n            " + zsh_option(option);
  return text;
}

std::string zsh_script(const CommandWords& program, const Commands& commands) {
  std::string text(kZshHead);
  text += "  commands=(\n";
  for (const CommandWords& command : commands) text += "    '" + command.name + ":" + zsh_help(command.help) + "'\n";
  text += "  )\n  _arguments -C";
  for (const OptionWords& option : program.options) text += " \\\n    " + zsh_option(option);
  text +=
      " \\\n    '1: :->command' '*:: :->arguments'\n  case $state in\n    command) _describe command commands ;;\n"
      "    arguments)\n      case $words[1] in\n";
  for (const CommandWords& command : commands)
    text += "        " + command.name + ")\n          _arguments" + zsh_arguments(command) + " ;;\n";
  return text + "      esac ;;\n  esac\n}\n\n_fusewire \"$@\"\n";
}

// ---------------------------------------------------------------------------------------------------------- fish

constexpr std::string_view kFishHead = R"sh(# fish completion of fusewire, written by `fusewire completion fish`

# The breakers of the admin that the line names.
function __fusewire_breakers
    set -l at
    set -l words (commandline -opc)
    for i in (seq 2 (math (count $words) - 1))
        if contains -- $words[$i] --admin -c --config --token-file --ca
            set -a at $words[$i] $words[(math $i + 1)]
        end
    end
    fusewire status --names $at 2>/dev/null
end

complete -c fusewire -f
)sh";

std::string fish_option(const OptionWords& option, const std::string& condition) {
  std::string text = "complete -c fusewire -n '" + condition + "'";
  if (option.names.empty()) {
    if (option.value == "NAME") return text + " -a '(__fusewire_breakers)'\n";
    return option.value == "SHELL" ? text + " -a '" + std::string(kShells) + "'\n" : "";
  }
  for (const std::string& name : option.names)
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (!option.value.empty()) text += option.value == "FILE" ? " -r -F" : " -x";
  return text + " -d '" + brief(option.help) + "'\n";
}

std::string fish_script(const CommandWords& program, const Commands& commands) {
  std::string text(kFishHead);
  for (const CommandWords& command : commands)
    text += "complete -c fusewire -n __fish_use_subcommand -a " + command.name + " -d '" + brief(command.help) + "'\n";
  for (const OptionWords& option : program.options) text += fish_option(option, "__fish_use_subcommand");
  for (const CommandWords& command : commands)
    for (const OptionWords& option : command.options)
      text += fish_option(option, "__fish_seen_subcommand_from " + command.name);
  return text;
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::string& shell) {
  const CommandWords program = program_words(app);
  const Commands commands = command_words(app);
  if (shell == "zsh") return zsh_script(program, commands);
  return shell == "fish" ? fish_script(program, commands) : bash_script(program, commands);
}

}  // namespace fusewire::cli
