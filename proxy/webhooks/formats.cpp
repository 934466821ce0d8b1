// SPDX-License-Identifier: Apache-2.0
#include "proxy/webhooks/formats.hpp"

#include <boost/json.hpp>

#include "config/words.hpp"
#include "proxy/observe/event_view.hpp"
#include "proxy/text/time_text.hpp"
#include "proxy/webhooks/json_template.hpp"

namespace fusewire::proxy {
namespace {

namespace json = boost::json;
using config::WebhookEvent;
using config::WebhookFormat;

constexpr std::size_t kMaxSummary = 1024;  // PagerDuty's limit
constexpr std::size_t kMaxDedupKey = 255;  // likewise

std::string_view word_of(const Notice& notice) { return config::name_of(config::kWebhookEvents, notice.event); }
std::string_view mode_of(const Notice& notice) { return config::name_of(config::kModes, notice.mode); }

// In shadow mode nothing is rejected: nobody is woken for it.
std::string_view severity(const Notice& notice) { return notice.mode == config::Mode::enforce ? "critical" : "info"; }

json::object plain(const Posted& posted) {
  json::object view = event_view(posted.notice.logged);
  view["on"] = word_of(posted.notice);
  view["upstream"] = upstream_of(posted.notice.logged.breaker);
  view["mode"] = mode_of(posted.notice);
  view["source"] = posted.source;
  view["text"] = sentence(posted.notice);
  view["held_back"] = posted.notice.held_back;
  return view;
}

// Slack's three control characters (docs.slack.dev, "Formatting message text").
std::string for_slack(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

std::string_view sign(WebhookEvent event) {
  switch (event) {
    case WebhookEvent::open:
      return ":red_circle:";
    case WebhookEvent::half_open:
      return ":large_yellow_circle:";
    case WebhookEvent::closed:
      return ":large_green_circle:";
    case WebhookEvent::override_set:
    case WebhookEvent::override_ended:
    case WebhookEvent::reset:
      break;
  }
  return ":wrench:";
}

json::object slack(const Posted& posted) {
  const std::string text = for_slack(sentence(posted.notice) + " — " + posted.source);
  return {{"text", std::string(sign(posted.notice.event)) + ' ' + text}};
}

json::object pagerduty(const Posted& posted) {
  const Notice& notice = posted.notice;
  const std::string key = "fusewire/" + posted.source + '/' + notice.logged.breaker;
  json::object details = event_view(notice.logged);
  details["mode"] = mode_of(notice);
  details["held_back"] = notice.held_back;
  return {{"routing_key", posted.routing_key},
          {"event_action", is_trouble(notice) ? "trigger" : "resolve"},
          {"dedup_key", key.substr(0, kMaxDedupKey)},
          {"client", "Fusewire"},
          {"payload",
           {{"summary", sentence(notice).substr(0, kMaxSummary)},
            {"source", posted.source},
            {"severity", severity(notice)},
            {"timestamp", time_text(notice.logged.at)},
            {"component", upstream_of(notice.logged.breaker)},
            {"class", "circuit breaker"},
            {"custom_details", std::move(details)}}}};
}

// Labels are the alert's identity: the same while it fires and when it ends.
json::array alertmanager(const Posted& posted) {
  const Notice& notice = posted.notice;
  const bool fires = is_trouble(notice);
  return {{{"labels",
            {{"alertname", "CircuitBreakerOpen"},
             {"name", notice.logged.breaker},
             {"upstream", upstream_of(notice.logged.breaker)},
             {"instance", posted.source},
             {"severity", severity(notice)}}},
           {"annotations", {{"summary", sentence(notice)}, {"reason", reason(notice)}}},
           {"startsAt", time_text(notice.since)},
           {"endsAt", time_text(fires ? posted.now + kAlertLasts : notice.logged.at)}}};
}

std::string placeholder(const Posted& posted, std::string_view name) {
  const Notice& notice = posted.notice;
  const breaker::Event& event = notice.logged.event;
  const bool moved = event.kind == breaker::Event::Kind::transition;
  if (name == "event") return std::string(word_of(notice));
  if (name == "breaker") return notice.logged.breaker;
  if (name == "upstream") return std::string(upstream_of(notice.logged.breaker));
  if (name == "from") return moved ? std::string(to_string(event.from)) : "";
  if (name == "to") return moved ? std::string(to_string(event.to)) : "";
  if (name == "reason") return reason(notice);
  if (name == "text") return sentence(notice);
  if (name == "at") return time_text(notice.logged.at);
  if (name == "mode") return std::string(mode_of(notice));
  if (name == "source") return posted.source;
  if (name == "held_back") return std::to_string(notice.held_back);
  return name == "id" ? std::to_string(notice.logged.id) : "";
}

}  // namespace

std::string webhook_body(const Posted& posted) {
  switch (posted.hook.format) {
    case WebhookFormat::slack:
      return json::serialize(slack(posted));
    case WebhookFormat::pagerduty:
      return json::serialize(pagerduty(posted));
    case WebhookFormat::alertmanager:
      return json::serialize(alertmanager(posted));
    case WebhookFormat::custom:
      return fill_template(posted.hook.body, [&posted](std::string_view name) { return placeholder(posted, name); });
    case WebhookFormat::json:
      break;
  }
  return json::serialize(plain(posted));
}

std::string_view usual_url(WebhookFormat format) {
  return format == WebhookFormat::pagerduty ? "https://events.pagerduty.com/v2/enqueue" : "";
}

std::string_view usual_target(WebhookFormat format) {
  if (format == WebhookFormat::pagerduty) return "/v2/enqueue";
  return format == WebhookFormat::alertmanager ? "/api/v2/alerts" : "/";
}

}  // namespace fusewire::proxy
