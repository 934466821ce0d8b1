// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/dashboard/history.hpp"

#include <charconv>
#include <cmath>
#include <limits>

namespace fusewire::proxy::admin::dashboard {
namespace {

// A sum over parts of which one has gone may be less than before.
std::uint64_t growth(std::uint64_t now, std::uint64_t before) { return now > before ? now - before : 0; }

float milliseconds_at(const DurationCounts& counts, double q) {
  const auto seconds = quantile(counts, q);
  return seconds ? static_cast<float>(*seconds * 1000) : std::numeric_limits<float>::quiet_NaN();
}

Sample between(const Counters& before, const Counters& now, double seconds) {
  const auto rate = [seconds](std::uint64_t n) { return static_cast<float>(static_cast<double>(n) / seconds); };
  DurationCounts ended{};
  for (std::size_t i = 0; i < ended.size(); ++i) ended[i] = growth(now.durations[i], before.durations[i]);
  const std::uint64_t rejected = growth(now.rejected, before.rejected);
  Sample sample;
  sample.figures[Sample::requests] = rate(total(ended) + rejected);
  sample.figures[Sample::failures] = rate(growth(now.failures, before.failures));
  sample.figures[Sample::rejected] = rate(rejected);
  sample.figures[Sample::stale] = rate(growth(now.stale, before.stale));
  sample.figures[Sample::fallbacks] = rate(growth(now.fallbacks, before.fallbacks));
  sample.figures[Sample::p50] = milliseconds_at(ended, 0.5);
  sample.figures[Sample::p99] = milliseconds_at(ended, 0.99);
  return sample;
}

}  // namespace

bool History::begin(Time now) {
  // The timer that it is called from is never early, but may be late: half a tick is on time.
  if (began_ && now - *began_ < kInterval - std::chrono::milliseconds(500)) return false;
  if (began_) seconds_ = std::chrono::duration<double>(now - *began_).count();
  began_ = now;
  ++number_;
  return true;
}

void History::add(const std::string& upstream, const Counters& now) {
  Track& track = tracks_[upstream];
  if (track.round + 1 == number_ && track.round > 0) {
    const Sample sample = between(track.last, now, seconds_);
    if (track.samples.size() < kSamples) {
      track.samples.push_back(sample);
    } else {
      track.samples[track.oldest] = sample;
      track.oldest = (track.oldest + 1) % kSamples;
    }
  }
  track.last = now;
  track.round = number_;
}

void History::end() {
  std::erase_if(tracks_, [this](const auto& each) { return each.second.round != number_; });
}

std::optional<Sample> History::latest(const std::string& upstream) const {
  const auto found = tracks_.find(upstream);
  if (found == tracks_.end() || found->second.samples.empty()) return std::nullopt;
  const Track& track = found->second;
  return track.samples[(track.oldest + track.samples.size() - 1) % track.samples.size()];
}

std::vector<Sample> History::of(const std::string& upstream) const {
  std::vector<Sample> all;
  const auto found = tracks_.find(upstream);
  if (found == tracks_.end()) return all;
  const Track& track = found->second;
  all.reserve(track.samples.size());
  for (std::size_t i = 0; i < track.samples.size(); ++i)
    all.push_back(track.samples[(track.oldest + i) % track.samples.size()]);
  return all;
}

const std::string* History::after(const std::string& name) const {
  const auto found = tracks_.upper_bound(name);
  return found == tracks_.end() ? nullptr : &found->first;
}

void append_figure(std::string& out, float figure) {
  if (!std::isfinite(figure)) {
    out += "null";
    return;
  }
  std::array<char, 32> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), figure, std::chars_format::general, 3).ptr;
  out.append(digits.data(), end);
}

}  // namespace fusewire::proxy::admin::dashboard
