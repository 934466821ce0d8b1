// SPDX-License-Identifier: Apache-2.0
// What a stream of Server-Sent Events says next. Two kinds: the log of transitions, and the dashboard's figures.
// Admin thread; owned by the connection that writes them.
#pragma once

#include <memory>
#include <string>

namespace fusewire::proxy::admin {

class EventSource {
 public:
  using Text = std::shared_ptr<const std::string>;

  EventSource() = default;
  EventSource(const EventSource&) = delete;
  EventSource& operator=(const EventSource&) = delete;
  virtual ~EventSource() = default;

  // Whole events, to be written before it is asked again; nullptr: nothing new until the session is woken.
  virtual Text next() = 0;
};

}  // namespace fusewire::proxy::admin
