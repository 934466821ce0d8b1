// SPDX-License-Identifier: Apache-2.0
#include "proxy/webhooks/formats.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "proxy/webhooks/json_template.hpp"
#include "tests/unit/proxy/webhooks/notices.hpp"

using namespace fusewire;
using namespace fusewire::testing;
using namespace std::chrono_literals;
using config::WebhookFormat;
using proxy::judge_template;
using proxy::Notice;

namespace {

namespace json = boost::json;

json::value body(WebhookFormat format, const Notice& notice, const std::string& text = {}) {
  config::Webhook hook;
  hook.format = format;
  hook.body = text;
  return json::parse(proxy::webhook_body({hook, notice, "edge-1", "k3y", kMorning + 1h}));
}

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

}  // namespace

TEST_CASE("webhooks: plain JSON is the event as the admin API shows it, and more") {
  Notice notice = opened("orders/10.0.0.1:80", 7);
  notice.held_back = 2;
  const json::value sent = body(WebhookFormat::json, notice);
  CHECK(sent.at("id") == 7);
  CHECK(sent.at("event") == "transition");
  CHECK(sent.at("on") == "open");
  CHECK(sent.at("breaker") == "orders/10.0.0.1:80");
  CHECK(sent.at("upstream") == "orders");
  CHECK(sent.at("at") == "2026-01-31T08:15:30.000Z");
  CHECK(sent.at("reason") == "consecutive_failures");
  CHECK(sent.at("mode") == "enforce");
  CHECK(sent.at("source") == "edge-1");
  CHECK(sent.at("held_back") == 2);
  CHECK(text_of(sent.at("text")) ==
        "Circuit breaker orders/10.0.0.1:80 is open: consecutive_failures (5 of 5), for 30s (2 earlier events held "
        "back)");
}

TEST_CASE("webhooks: Slack gets a text, escaped as Slack wants it") {
  CHECK(text_of(body(WebhookFormat::slack, closed()).at("text")) ==
        ":large_green_circle: Circuit breaker orders is closed again — edge-1");
  Notice odd = opened();
  odd.logged.breaker = "<a&b>";
  CHECK(text_of(body(WebhookFormat::slack, odd).at("text")).find("&lt;a&amp;b&gt; is open") != std::string::npos);
}

TEST_CASE("webhooks: PagerDuty is triggered, and resolved with the same key") {
  const json::value trigger = body(WebhookFormat::pagerduty, opened());
  const json::value resolve = body(WebhookFormat::pagerduty, closed());
  CHECK(trigger.at("event_action") == "trigger");
  CHECK(resolve.at("event_action") == "resolve");
  CHECK(trigger.at("dedup_key") == "fusewire/edge-1/orders");
  CHECK(resolve.at("dedup_key") == trigger.at("dedup_key"));
  CHECK(trigger.at("routing_key") == "k3y");
  const json::value& payload = trigger.at("payload");
  CHECK(payload.at("severity") == "critical");
  CHECK(payload.at("source") == "edge-1");
  CHECK(payload.at("timestamp") == "2026-01-31T08:15:30.000Z");
  CHECK(payload.at("component") == "orders");
  CHECK(payload.at("custom_details").at("reason") == "consecutive_failures");
  CHECK(text_of(payload.at("summary")).starts_with("Circuit breaker orders is open"));
}

TEST_CASE("webhooks: nobody is woken for a breaker in shadow mode") {
  Notice notice = opened();
  notice.mode = config::Mode::shadow;
  const json::value sent = body(WebhookFormat::pagerduty, notice);
  CHECK(sent.at("payload").at("severity") == "info");
  CHECK(text_of(sent.at("payload").at("summary")).ends_with("nothing is rejected"));
}

TEST_CASE("webhooks: an alert fires for a while longer than it is repeated, and ends when the breaker closes") {
  const json::value fires = body(WebhookFormat::alertmanager, opened()).at(0);
  Notice over = closed();
  over.logged.at += 90s;
  const json::value ends = body(WebhookFormat::alertmanager, over).at(0);
  CHECK(fires.at("labels") == ends.at("labels"));
  CHECK(fires.at("labels").at("alertname") == "CircuitBreakerOpen");
  CHECK(fires.at("labels").at("name") == "orders");
  CHECK(fires.at("labels").at("severity") == "critical");
  CHECK(fires.at("startsAt") == "2026-01-31T08:15:30.000Z");
  CHECK(fires.at("endsAt") == "2026-01-31T09:19:30.000Z");
  CHECK(ends.at("startsAt") == "2026-01-31T08:15:30.000Z");
  CHECK(ends.at("endsAt") == "2026-01-31T08:17:00.000Z");
  CHECK(proxy::kAlertLasts > 2 * proxy::kAlertRepeat);
}

TEST_CASE("webhooks: overrides and resets in words") {
  using Kind = breaker::Event::Kind;
  const auto words = [](const breaker::Event& event) { return proxy::sentence(notice("orders", event)); };
  breaker::Event event{
      .kind = Kind::override_set, .override_state = breaker::Override::forced_open, .override_for = 10min};
  CHECK(words(event) == "Circuit breaker orders is forced open for 10m");
  event.override_state = breaker::Override::forced_closed;
  event.override_for.reset();
  CHECK(words(event) == "Circuit breaker orders is forced closed until it is released");
  CHECK(words({.kind = Kind::override_ended}) == "Circuit breaker orders: the override was released");
  CHECK(words({.kind = Kind::reset}) == "Circuit breaker orders was reset");
  CHECK_FALSE(proxy::webhook_event({.kind = Kind::rejection}));
}

TEST_CASE("webhooks: a template is JSON whose strings hold known placeholders") {
  CHECK(judge_template(R"({"a": ["{{text}} by {{source}}", 1, null]})").empty());
  CHECK(judge_template(R"({"a": "{{")").find("no JSON") != std::string::npos);
  CHECK(judge_template(R"({"a": {{text}}})").find("no JSON") != std::string::npos);
  CHECK(judge_template(R"({"a": "{{txet}}"})") ==
        "there is no {{txet}}; expected one of: event, breaker, upstream, from, to, reason, text, at, mode, source, "
        "held_back, id");
}

TEST_CASE("webhooks: no value can leave its place in a template") {
  Notice notice = opened();
  notice.logged.breaker = "a\", \"admin\": \"{{to}}\\";
  const json::value sent =
      body(WebhookFormat::custom, notice, R"({"x": ["<{{breaker}}|{{to}}>", 5], "{{to}}": "{{ off"})");
  CHECK(sent.as_object().size() == 2);
  CHECK(text_of(sent.at("x").at(0)) == "<a\", \"admin\": \"{{to}}\\|open>");
  CHECK(sent.at("x").at(1) == 5);
  CHECK(sent.at("{{to}}") == "{{ off");
}

TEST_CASE("webhooks: every placeholder has a value") {
  const json::value sent = body(
      WebhookFormat::custom, half_opened("orders", 9),
      R"(["{{event}}", "{{upstream}}", "{{from}}", "{{to}}", "{{reason}}", "{{at}}", "{{mode}}", "{{held_back}}", "{{id}}"])");
  CHECK(sent ==
        json::array{"half_open", "orders", "open", "half_open", "", "2026-01-31T08:15:30.000Z", "enforce", "0", "9"});
}
