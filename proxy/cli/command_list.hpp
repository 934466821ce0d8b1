// SPDX-License-Identifier: Apache-2.0
// The commands as plain values, for completion and the manual.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace fusewire::cli {

struct OptionWords {
  std::vector<std::string> names;  // "-c", "--config"; empty: a positional
  std::string value;               // "FILE"; empty: it takes none. Of a positional its name
  std::string help;
  bool required = false;
  bool repeated = false;
};

struct CommandWords {
  std::string name;  // empty: the program itself
  std::string help;
  std::string footer;
  std::vector<OptionWords> options;
};

CommandWords program_words(const CLI::App&);
std::vector<CommandWords> command_words(const CLI::App&);

}  // namespace fusewire::cli
