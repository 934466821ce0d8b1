// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "config/print.hpp"
#include "proxy/admin/handlers.hpp"
#include "proxy/admin/metrics/metrics.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/text/time_text.hpp"

namespace fusewire::proxy::admin {
namespace {

namespace json = boost::json;

std::optional<std::uint64_t> parse_id(std::string_view text) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(id) : std::nullopt;
}

// The last event that a reader has seen: a number, or INSTANCE.NUMBER as the stream's ids are. A number from the
// future, or from another instance, is one of an earlier process: that reader has seen none of ours, which is 0.
std::optional<std::uint64_t> seen(std::string_view text, const EventLog& log) {
  const std::size_t dot = text.find('.');
  const auto id = parse_id(dot == std::string_view::npos ? text : text.substr(dot + 1));
  if (!id) return std::nullopt;
  const bool ours = dot == std::string_view::npos || text.substr(0, dot) == log.instance();
  return ours && *id <= log.last_id() ? *id : 0;
}

Reply bad_id() {
  return problem(400, "BadRequest", "an event's id is a whole number, maybe behind the stream's name and a dot");
}

}  // namespace

Reply get_health(const Call& call) {
  const auto up = std::chrono::duration_cast<std::chrono::milliseconds>(call.now.steady - call.control.started());
  return json_reply({{"status", "ok"}, {"version", FUSEWIRE_VERSION}, {"uptime_ms", up.count()}});
}

Reply get_ready(const Call& call) {
  if (call.control.ready()) return json_reply({{"ready", true}});
  return problem(503, "NotReady", call.control.draining() ? "draining" : "starting", {{"ready", false}});
}

Reply get_metrics(const Call& call) {
  const Exposition wanted = preferred_exposition(call.request.accepts);
  return scrape_reply(std::make_shared<const std::string>(metrics_text(call.control, call.now.steady, wanted.form)),
                      wanted);
}

Reply get_events(const Call& call) {
  const EventLog& log = call.control.events();
  const std::string* since = call.target.find("since");
  const auto id = since ? seen(*since, log) : 0;
  if (!id) return bad_id();
  json::array list;
  for (const LoggedEvent& event : log.since(*id)) list.push_back(event_view(event));
  return json_reply({{"events", std::move(list)}, {"last_id", log.last_id()}, {"instance", log.instance()}});
}

Reply get_event_stream(const Call& call) {
  const EventLog& log = call.control.events();
  const std::string* since = call.target.find("since");
  std::optional<std::uint64_t> after = log.last_id();
  if (call.request.last_event_id)
    after = seen(*call.request.last_event_id, log);
  else if (since)
    after = seen(*since, log);
  if (!after) return bad_id();
  Reply reply;
  reply.content_type = "text/event-stream";
  reply.stream_after = *after;
  return reply;
}

Reply get_config(const Call& call) {
  const Snapshot& snapshot = *call.view.snapshot;
  return json_reply({{"version", snapshot.version},
                     {"last_reload", reload_view(call.view.last_reload)},
                     {"last_success", time_text(call.view.last_success)},
                     {"effective", json::parse(config::to_json(snapshot.config))}});
}

Reply reload_reply(const ReloadReport& report, const Request& request) {
  log::info("admin change", {{"change", "reload"}, {"successful", report.successful}, {"peer", request.peer}});
  if (report.successful) return json_reply(reload_view(report));
  return problem(422, "BadConfiguration", "the configuration was rejected; the last good one is kept",
                 reload_view(report));
}

Reply post_reload(const Call& call) {
  Reply reply;
  call.control.reload("admin", [&](const ReloadReport& report) { reply = reload_reply(report, call.request); });
  return reply;
}

Reply post_check(const Call& call) {
  if (call.request.body.empty()) return problem(400, "BadRequest", "the body is the configuration to be judged");
  return json_reply(check_view(call.control.check(call.request.body)));
}

Reply post_drain(const Call& call) {
  log::info("admin change", {{"change", "drain"}, {"peer", call.request.peer}});
  call.control.drain();
  return json_reply({{"draining", true}}, 202);
}

}  // namespace fusewire::proxy::admin
