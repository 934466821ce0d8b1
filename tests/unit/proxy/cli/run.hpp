// SPDX-License-Identifier: Apache-2.0
// The command line as it is typed, within this process.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proxy/cli/command_line.hpp"

namespace fusewire::testing {

namespace fs = std::filesystem;

using Environment = std::vector<std::pair<std::string, std::string>>;

struct Ran {
  int status = -1;
  std::string out, err;
};

inline Ran fusewire_cli(std::vector<std::string> arguments, Environment environment = {}) {
  std::ostringstream out;
  std::ostringstream err;
  const cli::World world{out, err, std::move(environment)};
  const auto parsed = cli::parse(std::move(arguments), world);
  const int* status = std::get_if<int>(&parsed);
  const int ended = status ? *status : cli::execute(std::get<cli::Options>(parsed), world);
  return {ended, out.str(), err.str()};
}

inline cli::Options options(std::vector<std::string> arguments) {
  std::ostringstream ignored;
  const auto parsed = cli::parse(std::move(arguments), {ignored, ignored, {}});
  REQUIRE(std::holds_alternative<cli::Options>(parsed));
  return std::get<cli::Options>(parsed);
}

class File {
 public:
  explicit File(const std::string& text) {
    std::string name = (fs::temp_directory_path() / "fusewire-cli-XXXXXX").string();
    ::close(::mkstemp(name.data()));
    path_ = name;
    std::ofstream(path_) << text;
  }
  ~File() { fs::remove(path_); }
  std::string path() const { return path_; }

 private:
  fs::path path_;
};

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

inline const std::string kGood = "listen: 127.0.0.1:0\nupstreams: {orders: \"http://127.0.0.1:9000\"}\n";

}  // namespace fusewire::testing
