// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <string_view>

#include "proxy/cli/command_line.hpp"

namespace {

std::vector<std::pair<std::string, std::string>> read_environment() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error of the write, not the end of the process
  const fusewire::cli::World world{std::cout, std::cerr, read_environment(), ::isatty(STDOUT_FILENO) == 1};
  const auto parsed = fusewire::cli::parse({argv + (argc > 0 ? 1 : 0), argv + argc}, world);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  return fusewire::cli::execute(std::get<fusewire::cli::Options>(parsed), world);
}
