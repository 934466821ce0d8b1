// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/event_view.hpp"

#include <boost/json.hpp>
#include <cmath>

#include "proxy/text/time_text.hpp"

namespace fusewire::proxy {

namespace json = boost::json;
using breaker::to_string;

json::object trip_figures(const breaker::Trip& trip) {
  return {{"reason", to_string(trip.reason)},
          {"value", std::round(trip.value * 1e6) / 1e6},
          {"threshold", trip.threshold},
          {"window",
           {{"calls", trip.window.ended},
            {"failures", trip.window.failures},
            {"judged", trip.window.judged},
            {"slow", trip.window.slow}}},
          {"consecutive_failures", trip.consecutive_failures},
          {"consecutive_slow_calls", trip.consecutive_slow_calls},
          {"failure", trip.failure ? json::value(to_string(*trip.failure)) : json::value(nullptr)},
          {"open_for_ms", trip.open_for.count()}};
}

json::object event_view(const LoggedEvent& logged) {
  const breaker::Event& event = logged.event;
  json::object view = {{"id", logged.id}, {"at", time_text(logged.at)}, {"breaker", logged.breaker}};
  switch (event.kind) {
    case breaker::Event::Kind::transition:
      view["event"] = "transition";
      view["from"] = to_string(event.from);
      view["to"] = to_string(event.to);
      if (event.trip)
        for (auto& [key, value] : trip_figures(*event.trip)) view[key] = value;
      break;
    case breaker::Event::Kind::override_set:
      view["event"] = "override_set";
      view["override"] = to_string(event.override_state);
      if (event.override_for) view["for_ms"] = event.override_for->count();
      break;
    case breaker::Event::Kind::override_ended:
      view["event"] = "override_ended";
      view["override"] = to_string(event.override_state);
      view["cause"] = event.override_for ? "expired" : "released";
      if (event.override_for) view["for_ms"] = event.override_for->count();
      break;
    case breaker::Event::Kind::reset:
      view["event"] = "reset";
      break;
    case breaker::Event::Kind::rejection:
      view["event"] = "rejection";
      break;
    case breaker::Event::Kind::result:
      view["event"] = "result";
      break;
  }
  view["generation"] = event.generation;
  return view;
}

}  // namespace fusewire::proxy
