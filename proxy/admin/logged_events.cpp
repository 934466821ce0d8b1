// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/logged_events.hpp"

#include "proxy/admin/json_views.hpp"
#include "proxy/admin/json_writer.hpp"
#include "proxy/observe/event_view.hpp"

namespace fusewire::proxy::admin {
namespace {

// The id names the log, too: a reader that comes back to another process is sent all that it has.
void append_event(std::string& out, const LoggedEvent& event, const std::string& instance) {
  const boost::json::object view = event_view(event);
  out += "id: " + instance + '.' + std::to_string(event.id) + "\nevent: ";
  out += std::string_view(view.at("event").as_string());
  out += "\ndata: " + to_text(view) + "\n\n";
}

}  // namespace

EventSource::Text LoggedEvents::next() {
  std::string text;
  for (const LoggedEvent& event : log_.unsent(after_)) {
    append_event(text, event, log_.instance());
    after_ = event.id;
  }
  return text.empty() ? nullptr : std::make_shared<const std::string>(std::move(text));
}

}  // namespace fusewire::proxy::admin
