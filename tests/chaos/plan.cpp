// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/plan.hpp"

#include <algorithm>
#include <random>
#include <sstream>
#include <stdexcept>

namespace chaos {
namespace {

bool read_stream(std::istream& in, Stream& stream) {
  std::string word, gaps, says;
  microseconds::rep from = 0, to = 0, deadline = 0;
  in >> word >> stream.port >> stream.host >> from >> to >> stream.rate >> gaps >> stream.share_of_gets >>
      stream.keys >> deadline >> says >> stream.seed;
  stream.from = microseconds(from);
  stream.to = microseconds(to);
  stream.deadline = microseconds(deadline);
  stream.random_gaps = gaps == "poisson";
  stream.says_deadline = says == "declared";
  return in && word == "stream" && (stream.random_gaps || gaps == "even") && stream.rate > 0;
}

void plan_stream(const Stream& stream, std::uint32_t index, std::vector<Planned>& plan) {
  std::mt19937_64 random(stream.seed);
  std::exponential_distribution<double> gap(stream.rate);
  std::uniform_real_distribution<double> dice(0, 1);
  const auto next = [&] { return microseconds(static_cast<microseconds::rep>(1e6 * gap(random))); };
  const microseconds even(static_cast<microseconds::rep>(1e6 / stream.rate));
  std::uint64_t count = 0;
  for (microseconds due = stream.from; due < stream.to; due += stream.random_gaps ? next() : even) {
    const std::uint64_t id = (static_cast<std::uint64_t>(index) + 1) << 32 | ++count;
    plan.push_back({due, index, dice(random) < stream.share_of_gets, id, stream.keys > 0 ? count % stream.keys : id});
  }
}

}  // namespace

std::vector<Stream> read_streams(std::istream& in) {
  std::vector<Stream> streams;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    std::istringstream words(line);
    if (!read_stream(words, streams.emplace_back())) throw std::runtime_error("plan: " + line);
  }
  return streams;
}

std::vector<Planned> make_plan(const std::vector<Stream>& streams) {
  std::vector<Planned> plan;
  for (std::uint32_t i = 0; i < streams.size(); ++i) plan_stream(streams[i], i, plan);
  std::stable_sort(plan.begin(), plan.end(), [](const Planned& a, const Planned& b) { return a.due < b.due; });
  return plan;
}

}  // namespace chaos
