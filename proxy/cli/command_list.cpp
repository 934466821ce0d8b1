// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/command_list.hpp"

#include <CLI/CLI.hpp>

namespace fusewire::cli {
namespace {

OptionWords words_of(const CLI::Option& option) {
  OptionWords words;
  for (const std::string& name : option.get_snames()) words.names.push_back('-' + name);
  for (const std::string& name : option.get_lnames()) words.names.push_back("--" + name);
  const bool takes_value = option.get_items_expected_max() > 0 && option.get_type_size_max() > 0;
  if (words.names.empty())
    words.value = option.get_name();
  else if (takes_value)
    words.value = option.get_type_name();
  words.help = option.get_description();
  words.required = option.get_required();
  words.repeated = option.get_items_expected_max() > 1;
  return words;
}

}  // namespace

CommandWords program_words(const CLI::App& app) {
  CommandWords words;
  words.name = app.get_name();
  words.help = app.get_description();
  words.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) words.options.push_back(words_of(*option));
  return words;
}

std::vector<CommandWords> command_words(const CLI::App& app) {
  std::vector<CommandWords> all;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    all.push_back(program_words(*command));
  return all;
}

}  // namespace fusewire::cli
