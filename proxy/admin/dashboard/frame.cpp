// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/dashboard/frame.hpp"

#include "filters/cache/store.hpp"
#include "proxy/admin/json_writer.hpp"
#include "proxy/admin/views.hpp"
#include "proxy/snapshot/named_breaker.hpp"
#include "proxy/text/time_text.hpp"

namespace fusewire::proxy::admin::dashboard {
namespace {

namespace json = boost::json;

constexpr std::size_t kErrors = 5;  // of a reload: so many are shown, and so much of each
constexpr std::size_t kErrorBytes = 500;

json::array first_of(const std::vector<std::string>& lines) {
  json::array out;
  for (std::size_t i = 0; i < lines.size() && i < kErrors; ++i) out.emplace_back(lines[i].substr(0, kErrorBytes));
  return out;
}

json::object reload_of(const ControlView& view) {
  const ReloadReport& report = view.last_reload;
  return {{"successful", report.successful},        {"trigger", report.trigger},
          {"at_ms", epoch_ms(report.at)},           {"last_success_ms", epoch_ms(view.last_success)},
          {"errors", first_of(report.errors)},      {"error_count", report.errors.size()},
          {"warning_count", report.warnings.size()}};
}

json::object process_of(Control& control, const ControlView& view, const std::vector<BreakerFacts>& breakers,
                        Moment now) {
  const auto up = std::chrono::duration_cast<std::chrono::milliseconds>(now.steady - control.started());
  return {{"version", FUSEWIRE_VERSION},
          {"uptime_ms", up.count()},
          {"ready", control.ready()},
          {"draining", control.draining()},
          {"verdict", verdict(breakers)},
          {"token_configured", !view.admin.token.empty()},
          {"config_version", view.snapshot->version},
          {"last_reload", reload_of(view)},
          {"cache", {{"bytes", control.cache().bytes()}, {"limit_bytes", control.cache().limit()}}}};
}

// The last round's figures, with its number, by which a page knows whether it has them already.
std::string sample_text(const History& history, const std::string& upstream) {
  const auto sample = history.latest(upstream);
  if (!sample) return "null";
  std::string out = "{\"n\":" + std::to_string(history.number());
  for (std::size_t i = 0; i < sample->figures.size(); ++i) {
    out.append(",\"").append(Sample::kNames[i]).append("\":");
    append_figure(out, sample->figures[i]);
  }
  return out + '}';
}

// Halves the endpoints that are shown until the text is short enough.
std::string bounded(json::object view) {
  std::string text = to_text(view);
  while (text.size() > kItemBytes && view["endpoints"].is_array() && view["endpoints"].as_array().size() > 1) {
    json::array& endpoints = view["endpoints"].as_array();
    const std::size_t left = endpoints.size() / 2;
    view["endpoints_left_off"] =
        endpoints.size() - left +
        (view.contains("endpoints_left_off") ? view["endpoints_left_off"].to_number<std::size_t>() : 0);
    endpoints.erase(endpoints.begin() + static_cast<std::ptrdiff_t>(left), endpoints.end());
    text = to_text(view);
  }
  return text;
}

std::string upstream_item(const Upstream& upstream, const History& history, Time now) {
  json::object view = upstream_view(upstream, {}, now);
  view["cache"] = partition_view(*upstream.state->cache);
  std::string text = bounded(std::move(view));
  text.back() = ',';  // the object goes on
  return text + "\"sample\":" + sample_text(history, upstream.state->name) + "}";
}

// Fills parts with items: breakers first, then upstreams.
class Parts {
 public:
  Parts(std::uint64_t number, std::int64_t at) : number_(number), at_(at) {}

  void add(const char* list, const std::string& item) {
    if (bytes_ >= kPartBytes) cut();
    if (list_ != list) begin(list);
    if (!empty_) open_ += ',';
    open_ += item;
    bytes_ += item.size();
    empty_ = false;
  }
  // The parts, with `process` in the first.
  std::vector<Text> finish(const std::string& process) {
    cut();
    std::vector<Text> texts;
    for (std::size_t i = 0; i < bodies_.size(); ++i) {
      std::string data = "{\"frame\":" + std::to_string(number_) + ",\"at_ms\":" + std::to_string(at_) +
                         ",\"part\":" + std::to_string(i) + ",\"parts\":" + std::to_string(bodies_.size());
      if (i == 0) data += ",\"process\":" + process;
      texts.push_back(sse_event("frame", data + bodies_[i] + "}"));
    }
    return texts;
  }

 private:
  void begin(const char* list) {
    if (list_ != nullptr) open_ += ']';
    open_.append(",\"").append(list).append("\":[");
    list_ = list;
    empty_ = true;
  }
  void cut() {
    if (list_ != nullptr) open_ += ']';
    bodies_.push_back(std::move(open_));
    open_.clear();
    list_ = nullptr;
    bytes_ = 0;
    empty_ = true;
  }

  const std::uint64_t number_;
  const std::int64_t at_;
  std::vector<std::string> bodies_;
  std::string open_;
  const char* list_ = nullptr;
  std::size_t bytes_ = 0;
  bool empty_ = true;
};

}  // namespace

Text sse_event(std::string_view name, std::string_view data) {
  std::string text;
  text.reserve(name.size() + data.size() + 32);
  text.append("event: ").append(name).append("\ndata: ").append(data).append("\n\n");
  return std::make_shared<const std::string>(std::move(text));
}

std::int64_t epoch_ms(std::chrono::system_clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

Counters counters_of(const Upstream& upstream, Time now) {
  const UpstreamState& state = *upstream.state;
  Counters counters;
  counters.durations = count_durations(state.cells);
  counters.failures = state.cells.sum([](const UpstreamCells& cell) {
    std::uint64_t n = 0;
    for (std::size_t i = 0; i <= DurationCells::kBounds.size(); ++i)
      n += cell.latency[UpstreamCells::failure].bucket(i) + cell.latency[UpstreamCells::timeout].bucket(i);
    return n;
  });
  counters.fallbacks = state.cells.sum([](const UpstreamCells& cell) {
    std::uint64_t n = 0;
    for (const auto& step : cell.fallback) n += step[0].value();  // hits
    return n;
  });
  counters.stale = state.cache->events(cache::Event::stale);
  counters.rejected = state.breaker.snapshot(now).totals.rejected;
  if (has_endpoint_breakers(upstream))
    for (const auto& address : addresses_of(upstream))
      counters.rejected += address->breaker.snapshot(now).totals.rejected;
  return counters;
}

std::vector<Text> make_frame(Control& control, const ControlView& view, const History& history, std::uint64_t number,
                             Moment now) {
  const std::vector<BreakerFacts> breakers = breaker_facts(control, view, now);
  Parts parts(number, epoch_ms(now.wall));
  for (const BreakerFacts& facts : breakers) parts.add("breakers", to_text(breaker_view(facts, now)));
  for (const auto& upstream : view.snapshot->upstreams)
    parts.add("upstreams", upstream_item(*upstream, history, now.steady));
  return parts.finish(to_text(process_of(control, view, breakers, now)));
}

}  // namespace fusewire::proxy::admin::dashboard
