// SPDX-License-Identifier: Apache-2.0
// `events.webhooks`.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/print.hpp"
#include "config/web_url.hpp"
#include "support.hpp"

namespace fusewire::config {
namespace {

Lines errors_of(const std::string& hook) { return lines_of(load_with("events: {webhooks: [" + hook + "]}\n").errors); }
std::vector<Webhook> good_hooks(const std::string& hooks) {
  return good(load_with("events: {webhooks: [" + hooks + "]}\n")).webhooks;
}

// A file with a secret, removed at the end.
class Secret {
 public:
  explicit Secret(const std::string& text)
      : path_((std::filesystem::temp_directory_path() / "secret-XXXXXX").string()) {
    ::close(::mkstemp(path_.data()));
    std::ofstream(path_) << text;
  }
  ~Secret() { std::filesystem::remove(path_); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST_CASE("a webhook is a URL, or a map with one") {
  const auto hooks =
      good_hooks("\"https://a.example/x?y=1\", {url: \"http://b:81\", name: b, on: [closed, half_open]}");
  REQUIRE(hooks.size() == 2);
  CHECK(hooks[0].name == "webhook-1");
  CHECK(hooks[0].url == "https://a.example/x?y=1");
  CHECK(hooks[0].format == WebhookFormat::json);
  CHECK(hooks[0].on == std::vector{WebhookEvent::open, WebhookEvent::closed});
  CHECK(hooks[0].timeout == 2s);
  CHECK(hooks[0].retries == 3);
  CHECK(hooks[0].min_interval == 10s);
  CHECK(hooks[1].name == "b");
  CHECK(hooks[1].on == std::vector{WebhookEvent::closed, WebhookEvent::half_open});
}

TEST_CASE("what is wrong with a URL is said without it") {
  for (const std::string url : {"ftp://s3cret", "https://user:s3cret@h", "https://h/s3cret#x", "https://h/s3 cret",
                                "https:///s3cret", "s3cret"}) {
    const Lines errors = errors_of("{url: \"" + url + "\"}");
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].starts_with("f:4:"));
    CHECK(errors[0].find("s3cret") == std::string::npos);
    CHECK(errors[0].find("cret") == std::string::npos);
  }
}

TEST_CASE("what is shown of a URL ends with its host") {
  CHECK(shown_web_url("https://hooks.slack.com/services/T0/B1/x") == "https://hooks.slack.com/<redacted>");
  CHECK(shown_web_url("https://h:8443?key=x") == "https://h:8443/<redacted>");
  CHECK(shown_web_url("http://am:9093/") == "http://am:9093/");
  CHECK(shown_web_url("http://am:9093") == "http://am:9093");
  const Config config = good(load_with("events: {webhooks: [\"https://h/s3cret\"]}\n"));
  CHECK(to_yaml(config).find("s3cret") == std::string::npos);
  CHECK(to_json(config).find("s3cret") == std::string::npos);
  CHECK(to_json(config).find(R"("url":"https://h/<redacted>")") != std::string::npos);
  CHECK_FALSE(load_text(to_yaml(config)).config);  // it would be posted to another place
}

TEST_CASE("keys of a webhook that exclude or need each other") {
  CHECK(errors_of("{name: a}")
            .at(0)
            .ends_with("events.webhooks.0.url: missing; expected http://HOST[:PORT][/PATH] or "
                       "https://HOST[:PORT][/PATH], or a url_file"));
  CHECK(
      errors_of("{format: pagerduty}")
          .at(0)
          .ends_with(
              "events.webhooks.0.routing_key_file: missing; expected a file that holds the integration's routing key"));
  CHECK(errors_of("{url: \"https://h\", routing_key_file: /proc/sys/kernel/ostype}")
            .at(0)
            .ends_with("routing_key_file is for the format pagerduty only"));
  CHECK(errors_of("{url: \"https://h\", format: slack, template: \"{}\"}")
            .at(0)
            .ends_with("format and template exclude each other"));
  CHECK(errors_of("{url: \"https://h\", url_file: /proc/sys/kernel/ostype}").size() == 2);
  CHECK(errors_of("{url: \"http://h\", format: alertmanager, on: [open, reset]}")
            .at(0)
            .ends_with("events.webhooks.0.on: alertmanager takes open, half_open and closed only"));
  CHECK(
      errors_of("\"http://a\", {url: \"http://b\", name: webhook-1}").at(0).ends_with("another webhook has this name"));
  CHECK(good_hooks("{url: \"http://h\", template: \"{}\"}").at(0).format == WebhookFormat::custom);
}

TEST_CASE("bounds of a webhook's keys") {
  const auto refused = [](const std::string& keys) {
    return errors_of("{url: \"http://h\", " + keys + "}").size() == 1;
  };
  CHECK(refused("on: []"));
  CHECK(refused("on: [opened]"));
  CHECK(refused("on: [open, open]"));
  CHECK(refused("retries: 11"));
  CHECK(refused("timeout: 9ms"));
  CHECK(refused("timeout: 61s"));
  CHECK(refused("name: \"a b\""));
  CHECK(refused("name: \"\""));
  CHECK(refused("format: teams"));
  CHECK(refused("token_file: /does/not/exist"));
  CHECK(refused("ca: /does/not/exist"));
  std::string many;
  for (int i = 0; i < 17; ++i) many += "\"http://h\", ";
  CHECK(errors_of(many).at(0).ends_with("events.webhooks: expected at most 16 webhooks"));
}

TEST_CASE("files of a webhook are looked at, and not kept") {
  const Secret url("https://h/s3cret\n");
  const Secret bad("ftp://s3cret\n");
  const auto hooks = good_hooks("{url_file: " + url.path() + "}");
  CHECK(hooks.at(0).url.empty());
  CHECK(hooks.at(0).url_file == url.path());
  const Lines errors = errors_of("{url_file: " + bad.path() + "}");
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].find("the file's URL: expected http://") != std::string::npos);
  CHECK(errors[0].find("s3cret") == std::string::npos);
}

TEST_CASE("warnings: a secret that goes unencrypted, and incidents that never end") {
  const auto warnings = [](const std::string& hook) {
    return lines_of(load_with("events: {webhooks: [" + hook + "]}\n").warnings);
  };
  const std::string token = ", token_file: /proc/sys/kernel/ostype}";
  CHECK(warnings("{url: \"http://h\"" + token)
            .at(0)
            .ends_with("events.webhooks.0.url: the secret goes there unencrypted; use an https:// URL"));
  CHECK(warnings("{url: \"https://h\"" + token).empty());
  CHECK(warnings("{url: \"http://127.0.0.1:1\"" + token).empty());
  CHECK(warnings("{url: \"http://h\", format: alertmanager, on: [open]}")
            .at(0)
            .ends_with("events.webhooks.0.on: without 'closed' an alert ends only minutes after its breaker has "
                       "closed"));
  CHECK(warnings("{format: pagerduty, routing_key_file: /proc/sys/kernel/ostype, on: [open]}")
            .at(0)
            .ends_with("events.webhooks.0.on: without 'closed' no incident is ever resolved"));
}

TEST_CASE("a template is judged by the caller's judge") {
  Source source{.name = "f", .text = kListenAndOrders + "events: {webhooks: [{url: \"http://h\", template: \"x\"}]}\n"};
  source.judges.webhook_template = [](const std::string& text) { return "judged " + text; };
  const Lines errors = lines_of(load(source).errors);
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].ends_with("events.webhooks.0.template: judged x"));
}

}  // namespace
}  // namespace fusewire::config
