// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/core/sliding_window.hpp"

#include <algorithm>

namespace fusewire::breaker {

SlidingWindow::SlidingWindow(const config::Window& window) : counts_(std::in_place_type<OverTime>, window.duration) {
  if (window.type == config::WindowType::count_based) counts_.emplace<OverCalls>(window.size);
}

SlidingWindow::Moment SlidingWindow::at(std::uint32_t generation, Millis now) const noexcept {
  Moment moment{.tag = generation + turns_.load(std::memory_order_acquire), .on_ring = {}};
  if (const auto* time = std::get_if<OverTime>(&counts_)) moment.on_ring = time->scale.at(moment.tag, now);
  return moment;
}

void SlidingWindow::add_ended(Moment now, bool failed) noexcept {
  if (auto* time = std::get_if<OverTime>(&counts_))
    time->ended.add(time->scale, now.on_ring, failed, time->failed);
  else if (auto* calls = std::get_if<OverCalls>(&counts_))
    calls->ended.add(now.tag, failed);
}

void SlidingWindow::add_judged(Moment now, bool slow) noexcept {
  if (auto* time = std::get_if<OverTime>(&counts_))
    time->judged.add(time->scale, now.on_ring, slow, time->slow);
  else if (auto* calls = std::get_if<OverCalls>(&counts_))
    calls->judged.add(now.tag, slow);
}

Tally SlidingWindow::ended(Moment now) const noexcept {
  if (const auto* time = std::get_if<OverTime>(&counts_)) return time->ended.sum(time->scale, now.on_ring);
  return std::get_if<OverCalls>(&counts_)->ended.sum(now.tag);
}

Tally SlidingWindow::judged(Moment now) const noexcept {
  if (const auto* time = std::get_if<OverTime>(&counts_)) return time->judged.sum(time->scale, now.on_ring);
  return std::get_if<OverCalls>(&counts_)->judged.sum(now.tag);
}

bool SlidingWindow::may_have_failures() const noexcept {
  const auto* time = std::get_if<OverTime>(&counts_);
  return time == nullptr || time->failed.any();
}

bool SlidingWindow::may_have_slow() const noexcept {
  const auto* time = std::get_if<OverTime>(&counts_);
  return time == nullptr || time->slow.any();
}

WindowFigures SlidingWindow::figures(Moment now) const noexcept {
  const Tally ends = ended(now);
  const Tally judgements = judged(now);
  return {.ended = ends.total, .failures = ends.marked, .judged = judgements.total, .slow = judgements.marked};
}

bool SlidingWindow::has_shape(const config::Window& window) const noexcept {
  if (const auto* calls = std::get_if<OverCalls>(&counts_))
    return window.type == config::WindowType::count_based && calls->size == window.size;
  return window.type == config::WindowType::time_based && duration() == TimeScale(window.duration).duration();
}

Millis SlidingWindow::duration() const noexcept {
  const auto* time = std::get_if<OverTime>(&counts_);
  return time == nullptr ? 0 : time->scale.duration();
}

std::uint64_t SlidingWindow::busy_from() const noexcept {
  constexpr std::uint64_t kBusy = 100;
  const auto* calls = std::get_if<OverCalls>(&counts_);
  return calls == nullptr ? kBusy : std::min(kBusy, (std::uint64_t{calls->size} + 1) / 2);
}

}  // namespace fusewire::breaker
