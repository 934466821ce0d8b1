// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/script.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace chaos {
namespace {

constexpr std::array<std::pair<std::string_view, Mode>, 13> kModes{{
    {"ok", Mode::ok},
    {"refuse", Mode::refuse},
    {"dies", Mode::dies},
    {"hang", Mode::hang},
    {"black_hole", Mode::black_hole},
    {"error", Mode::error},
    {"unavailable", Mode::unavailable},
    {"reset", Mode::reset},
    {"close", Mode::close},
    {"garbage", Mode::garbage},
    {"break_off", Mode::break_off},
    {"trickle", Mode::trickle},
    {"drip", Mode::drip},
}};

bool read_mode(std::istream& in, Mode& mode) {
  std::string word;
  in >> word;
  const auto* const found =
      std::find_if(kModes.begin(), kModes.end(), [&](const auto& known) { return known.first == word; });
  if (found == kModes.end()) return false;
  mode = found->second;
  return true;
}

bool read_us(std::istream& in, microseconds& time) {
  microseconds::rep count = 0;
  if (!(in >> count)) return false;
  time = microseconds(count);
  return true;
}

bool read_step(std::istream& in, Step& step) {
  State& state = step.state;
  return read_us(in, step.at) && read_mode(in, state.mode) && in >> state.share >> state.factor >> state.places;
}

bool read_line(const std::string& line, std::vector<Life>& lives) {
  std::istringstream in(line);
  std::string word;
  in >> word;
  if (word == "endpoint") {
    Life& life = lives.emplace_back();
    return read_us(in, life.fixed) && read_us(in, life.mean);
  }
  return word == "at" && !lives.empty() && read_step(in, lives.back().steps.emplace_back());
}

}  // namespace

std::vector<Life> read_script(std::istream& in) {
  std::vector<Life> lives;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && !read_line(line, lives)) throw std::runtime_error("script: " + line);
  return lives;
}

}  // namespace chaos
