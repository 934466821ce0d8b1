// SPDX-License-Identifier: Apache-2.0
// `events.webhooks`. No message repeats a URL or what a file holds.
#include <algorithm>

#include "config/certificates.hpp"
#include "config/describe/process.hpp"
#include "config/describe/read.hpp"
#include "config/finish.hpp"
#include "config/judges.hpp"
#include "config/report.hpp"
#include "config/sections.hpp"

namespace fusewire::config {
namespace {

constexpr const char* kUrl = "http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH], or a url_file";

bool is_transition(WebhookEvent event) {
  return event == WebhookEvent::open || event == WebhookEvent::half_open || event == WebhookEvent::closed;
}

bool makes_incidents(WebhookFormat format) {
  return format == WebhookFormat::pagerduty || format == WebhookFormat::alertmanager;
}

void check_events(const Reader& reader, const Webhook& hook) {
  if (!makes_incidents(hook.format) || std::all_of(hook.on.begin(), hook.on.end(), is_transition)) return;
  if (const Node* on = reader.find("on"))
    reader.error(*on, std::string(name_of(kWebhookFormats, hook.format)) + " takes open, half_open and closed only");
}

}  // namespace

void finish(const Reader& reader, Webhook& hook) {
  const bool pagerduty = hook.format == WebhookFormat::pagerduty;
  const Node* format = reader.find("format");
  if (reader.has("template") && format != nullptr)
    reader.error(*format, "format and template exclude each other");
  else if (reader.has("template"))
    hook.format = WebhookFormat::custom;
  if (const Node* file = reader.find("url_file"); file != nullptr && reader.has("url"))
    reader.error(*file, "url and url_file exclude each other");
  else if (!reader.has("url_file") && !pagerduty)
    reader.missing("url", kUrl);
  if (pagerduty) reader.missing("routing_key_file", "a file that holds the integration's routing key");
  if (const Node* key = reader.find("routing_key_file"); key != nullptr && !pagerduty)
    reader.error(*key, "routing_key_file is for the format pagerduty only");
  check_events(reader, hook);
}

std::vector<Webhook> read_webhooks(const Reader& events) {
  std::vector<Webhook> hooks;
  const Node* list = events.find("webhooks");
  if (list != nullptr && list->children.size() > kMaxWebhooks) {
    events.error(*list, "expected at most " + std::to_string(kMaxWebhooks) + " webhooks");
    return hooks;
  }
  std::size_t place = 0;
  for (const Node& item : events.items("webhooks")) {
    Webhook hook;
    hook.name = "webhook-" + std::to_string(++place);
    if (item.kind == Node::Kind::invalid) continue;
    read_section(Reader(&item, events.report()), hook);
    const bool taken =
        std::any_of(hooks.begin(), hooks.end(), [&](const Webhook& other) { return other.name == hook.name; });
    const Node* name = item.find("name");
    if (taken) events.error(name != nullptr ? *name : item, "another webhook has this name");
    hooks.push_back(std::move(hook));
  }
  return hooks;
}

void judge_templates(const Node& root, const Judges& judges, Report& report) {
  if (!judges.webhook_template) return;
  Report reported_already{std::string()};
  for (const Node& item : Reader(&root, reported_already).below("events").items("webhooks")) {
    const Node* text = item.kind == Node::Kind::map ? item.find("template") : nullptr;
    if (text == nullptr || text->kind != Node::Kind::scalar) continue;
    if (const std::string wrong = judges.webhook_template(text->text); !wrong.empty()) report.error(*text, wrong);
  }
}

}  // namespace fusewire::config
