// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/event_log.hpp"

#include <algorithm>
#include <iterator>
#include <random>
#include <string_view>

#include "proxy/observe/event_line.hpp"

namespace fusewire::proxy {

namespace {

std::string random_name() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::random_device random;
  std::string name(16, '0');
  for (char& digit : name) digit = kDigits[random() % kDigits.size()];
  return name;
}

}  // namespace

EventLog::EventLog(std::size_t history) : instance_(random_name()), history_(history) {}

void EventLog::record(const std::string& breaker, const breaker::Event& event) {
  using Kind = breaker::Event::Kind;
  if (event.kind == Kind::rejection || event.kind == Kind::result) return;  // they are counted, not reported one by one
  write_event_line(breaker, event);
  const std::lock_guard lock(mutex_);
  events_.push_back({next_id_++, std::chrono::system_clock::now(), breaker, event});
  trim();
  for (const auto& [token, callback] : subscribers_) callback();
}

void EventLog::set_history(std::size_t history) {
  const std::lock_guard lock(mutex_);
  history_ = history;
  trim();
}

void EventLog::trim() {
  while (events_.size() > std::max(history_, kLeastKept)) events_.pop_front();
}

std::vector<LoggedEvent> EventLog::since(std::uint64_t id) const {
  std::vector<LoggedEvent> found = unsent(id);
  const std::lock_guard lock(mutex_);
  std::erase_if(found, [this](const LoggedEvent& event) { return event.id < first_shown(); });
  return found;
}

std::vector<LoggedEvent> EventLog::unsent(std::uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto first =
      std::find_if(events_.begin(), events_.end(), [id](const LoggedEvent& event) { return event.id > id; });
  return {first, events_.end()};
}

std::vector<LoggedEvent> EventLog::last_of(const std::string& breaker, std::size_t n) const {
  const std::lock_guard lock(mutex_);
  std::vector<LoggedEvent> found;
  for (auto event = events_.rbegin(); event != events_.rend() && event->id >= first_shown() && found.size() < n;
       ++event)
    if (event->breaker == breaker) found.push_back(*event);
  std::reverse(found.begin(), found.end());
  return found;
}

std::map<std::string, std::vector<LoggedEvent>> EventLog::last_of_each(std::size_t n) const {
  std::map<std::string, std::vector<LoggedEvent>> found;
  const std::lock_guard lock(mutex_);
  // NOLINTNEXTLINE(modernize-loop-convert): clang 14 cannot compile libstdc++'s reverse view
  for (auto event = events_.rbegin(); event != events_.rend() && event->id >= first_shown(); ++event)
    if (auto& of_it = found[event->breaker]; of_it.size() < n) of_it.push_back(*event);
  for (auto& [breaker, events] : found) std::reverse(events.begin(), events.end());
  return found;
}

std::uint64_t EventLog::last_id() const {
  const std::lock_guard lock(mutex_);
  return next_id_ - 1;
}

std::uint64_t EventLog::subscribe(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  subscribers_.emplace(next_token_, std::move(callback));
  return next_token_++;
}

void EventLog::unsubscribe(std::uint64_t token) {
  const std::lock_guard lock(mutex_);
  subscribers_.erase(token);
}

}  // namespace fusewire::proxy
