// SPDX-License-Identifier: Apache-2.0
// The dashboard's page and its stream of figures.
#include <doctest/doctest.h>

#include <algorithm>

#include "proxy/admin/dashboard/assets.hpp"
#include "proxy/admin/dashboard/viewer.hpp"
#include "tests/unit/proxy/admin/calls.hpp"
#include "tests/unit/proxy/admin/wire.hpp"

using namespace fusewire;
using namespace fusewire::testing;
using namespace std::chrono_literals;
using proxy::admin::Admin;
using proxy::admin::Moment;
using proxy::admin::Reply;
using proxy::admin::dashboard::Feed;
using proxy::admin::dashboard::Text;
using proxy::admin::dashboard::Viewer;
namespace json = boost::json;

namespace {

const std::string kReadsNeedToken = [] {
  std::string yaml = kTwoUpstreams;
  return yaml.replace(yaml.find("token: secret"), 13, "token: secret, read_requires_token: true");
}();

std::string field(const Reply& reply, std::string_view name) {
  for (const auto& [key, value] : reply.fields)
    if (key == name) return value;
  return "";
}

proxy::admin::Request get_request(const std::string& target) {
  proxy::admin::Request request;
  request.method = "GET";
  request.target = target;
  return request;
}

std::string event_of(const Text& text) { return text->substr(7, text->find('\n') - 7); }
json::object data_of(const Text& text) {
  const std::size_t at = text->find("\ndata: ") + 7;
  REQUIRE(text->ends_with("\n\n"));
  return json::parse(text->substr(at, text->size() - at - 2)).as_object();
}

// A feed over a real Control, ticked by hand.
struct Watched : ControlRig {
  using ControlRig::ControlRig;

  Moment now{std::chrono::steady_clock::now(), std::chrono::system_clock::time_point{1769847330042ms}};
  Feed feed{control};

  void tick() {
    now = {now.steady + 1s, now.wall + 1s};
    feed.tick(now);
  }
  // All that a viewer has to say until it waits.
  static std::vector<Text> drain(Viewer& viewer) {
    std::vector<Text> texts;
    while (Text text = viewer.next()) texts.push_back(text);
    return texts;
  }
};

std::vector<std::string> events_of(const std::vector<Text>& texts) {
  std::vector<std::string> names;
  for (const Text& text : texts) names.push_back(event_of(text));
  return names;
}

std::string many_upstreams(int count) {
  std::string yaml = "listen: 127.0.0.1:0\nlog: {level: off}\nadmin: {token: secret}\nupstreams:\n";
  for (int i = 0; i < count; ++i)
    yaml +=
        "  upstream-" + std::to_string(i) + ": {endpoints: [\"http://127.0.0.1:" + std::to_string(9000 + i) + "\"]}\n";
  return yaml;
}

}  // namespace

TEST_CASE("the page and its files are served without a token, and nothing in them is a script or a style of its own") {
  Admin admin(kReadsNeedToken);
  const Reply page = admin.ask(get_request("/"));
  CHECK(page.status == 200);
  CHECK(page.content_type == "text/html; charset=utf-8");
  CHECK(has(page.body, "<script src=\"dashboard/app.js\" type=\"module\"></script>"));
  CHECK_FALSE(has(page.body, "<style"));
  CHECK_FALSE(has(page.body, " style="));
  CHECK_FALSE(has(page.body, "http:"));
  CHECK(admin.ask(get_request("/dashboard/app.js")).content_type == "text/javascript; charset=utf-8");
  CHECK(admin.ask(get_request("/dashboard/app.css")).content_type == "text/css; charset=utf-8");
  CHECK(admin.ask(get_request("/dashboard/nothing.js")).status == 404);
  CHECK(admin.ask(get_request("/dashboard/..%2Findex.html")).status == 404);
}

TEST_CASE("the figures need the token where reading does") {
  Admin admin(kReadsNeedToken);
  CHECK(admin.ask(get_request("/admin/dashboard/stream")).status == 401);
  proxy::admin::Request request = get_request("/admin/dashboard/stream");
  request.authorizations = {"Bearer secret"};
  CHECK(admin.ask(request).is_stream());
}

TEST_CASE("the dashboard is not on the probes' address, and OPTIONS / is still its question for readiness") {
  Admin admin;
  for (const char* target : {"/", "/dashboard/app.js", "/admin/dashboard/stream"})
    CHECK_MESSAGE(admin.ask(get_request(target), proxy::admin::Interface::probes).status == 404, target);
  proxy::admin::Request options = get_request("/");
  options.method = "OPTIONS";
  CHECK(has(admin.ask(options).body, "ready"));
}

TEST_CASE("the policy of the page's content allows what comes from this address, and no inline script or style") {
  Admin admin;
  const std::string policy = field(admin.ask(get_request("/")), "Content-Security-Policy");
  CHECK(has(policy, "default-src 'none'; script-src 'self'; style-src 'self'"));
  CHECK(has(policy, "frame-ancestors 'none'"));
  CHECK_FALSE(has(policy, "unsafe"));
  CHECK_FALSE(has(policy, "*"));
}

TEST_CASE("a file that the browser has already is not sent again") {
  AdminRig rig;
  const std::string first = rig.ask(get("/dashboard/app.js"));
  CHECK(has(first, "Cache-Control: no-cache\r\n"));
  CHECK_FALSE(has(first, "Cache-Control: no-store"));
  const std::size_t at = first.find("ETag: ") + 6;
  const std::string etag = first.substr(at, first.find("\r\n", at) - at);
  CHECK(etag.size() == 34);
  RawClient client(rig.port);
  client.send("GET /dashboard/app.js HTTP/1.1\r\n" + kHost + "If-None-Match: \"other\", W/" + etag + "\r\n\r\n" +
              get("/admin/health"));
  const std::string again = client.take_until("\r\n\r\n");
  CHECK(is(again, 304));
  CHECK(has(again, "ETag: " + etag));
  CHECK_FALSE(has(again, "Content-Length"));
  CHECK(is(client.take_response(), 200));
}

TEST_CASE("a viewer is sent who speaks, the figures, the history of each upstream, and what has happened before") {
  Watched watched;
  for (int i = 0; i < 3; ++i) watched.tick();
  watched.trip("orders", watched.now.steady);
  Viewer viewer(
      watched.feed, [] {}, watched.now);
  const std::vector<Text> texts = Watched::drain(viewer);
  REQUIRE(events_of(texts) == std::vector<std::string>{"hello", "frame", "history", "history", "events"});
  const json::object frame = data_of(texts[1]);
  CHECK(frame.at("breakers").as_array().size() == 2);
  CHECK(frame.at("breakers").at(0).at("state") == "open");
  CHECK(frame.at("upstreams").at(1).at("upstream") == "users");
  CHECK(frame.at("upstreams").at(0).at("cache").at("entries") == 0);
  CHECK(frame.at("upstreams").at(0).at("sample").at("n") == 2);
  CHECK(frame.at("process").at("token_configured") == true);
  CHECK(frame.at("process").at("last_reload").at("successful") == true);
  CHECK(data_of(texts[2]).at("upstream") == "orders");
  CHECK(data_of(texts[2]).at("requests").as_array().size() == 1);
  CHECK(data_of(texts[4]).at("events").at(0).at("reason") == "consecutive_failures");
}

TEST_CASE("a new frame is made once a second for all viewers, and only while there are some") {
  Watched watched;
  watched.tick();
  CHECK(watched.feed.frame() == 0);
  int woken = 0;
  {
    Viewer one(
        watched.feed, [&] { ++woken; }, watched.now);
    Viewer other(
        watched.feed, [&] { ++woken; }, watched.now);
    CHECK(watched.feed.frame() == 1);
    Watched::drain(one);
    Watched::drain(other);
    watched.tick();
    CHECK(woken == 2);
    const Text text = one.next();
    CHECK(event_of(text) == "frame");
    CHECK(other.next() == text);  // the same string, not a copy
    CHECK(one.next() == nullptr);
  }
  watched.tick();
  CHECK(watched.feed.frame() == 2);
  CHECK(watched.feed.parts().empty());
}

TEST_CASE("a transition is sent at once, between two frames") {
  Watched watched;
  Viewer viewer(
      watched.feed, [] {}, watched.now);
  Watched::drain(viewer);
  watched.trip("users", watched.now.steady);
  const std::vector<Text> texts = Watched::drain(viewer);
  CHECK(events_of(texts) == std::vector<std::string>{"events"});
}

TEST_CASE("a hundred breakers come in parts of which a slow viewer keeps one, and goes on with the latest frame") {
  Watched watched(many_upstreams(100));
  Viewer viewer(
      watched.feed, [] {}, watched.now);
  CHECK(event_of(viewer.next()) == "hello");
  const Text first = viewer.next();
  const std::size_t parts = watched.feed.parts().size();
  CHECK(parts > 5);
  watched.tick();
  watched.tick();
  CHECK(first.use_count() == 1);  // the old frame has gone but for what is being written
  const json::object next = data_of(viewer.next());
  CHECK(next.at("part") == 1);
  CHECK(next.at("frame") == 3);

  std::vector<std::string> seen;
  for (const Text& text : watched.feed.parts()) {
    CHECK(text->size() <= proxy::admin::dashboard::kPartBytes + proxy::admin::dashboard::kItemBytes);
    const json::object part = data_of(text);
    if (const auto* upstreams = part.if_contains("upstreams"))
      for (const json::value& upstream : upstreams->as_array()) seen.emplace_back(upstream.at("upstream").as_string());
  }
  CHECK(seen.size() == 100);
}

TEST_CASE("a stream over the wire shows a trip within a second") {
  AdminRig rig;
  RawClient viewer(rig.port);
  viewer.send(get("/admin/dashboard/stream"));
  const std::string head = viewer.take_until("\r\n\r\n");
  CHECK(is(head, 200));
  CHECK(has(head, "Content-Type: text/event-stream\r\n"));
  CHECK(has(viewer.take_until("\n\n"), "event: hello\n"));
  CHECK(has(viewer.take_until("\n\n"), "\"state\":\"closed\""));
  rig.on_control([&] { rig.trip("orders", std::chrono::steady_clock::now()); });
  const auto begin = std::chrono::steady_clock::now();
  std::string text;
  while (!has(text, "\"state\":\"open\"")) {
    text = viewer.take_until("\n\n");
    REQUIRE_FALSE(text.empty());
  }
  CHECK(std::chrono::steady_clock::now() - begin < 3s);  // 1 s, and what a busy machine adds
}

TEST_CASE("a viewer that reads nothing is no burden to another, nor to what the admin answers") {
  AdminRig rig(many_upstreams(100));
  RawClient idle(rig.port);
  idle.send(get("/admin/dashboard/stream"));
  RawClient viewer(rig.port);
  viewer.send(get("/admin/dashboard/stream"));
  REQUIRE(is(viewer.take_until("\r\n\r\n"), 200));
  int frames = 0;
  while (frames < 2) {
    const std::string text = viewer.take_until("\n\n");
    REQUIRE_FALSE(text.empty());
    if (has(text, "\"part\":0,")) ++frames;
  }
  CHECK(is(rig.ask(get("/admin/health")), 200));
}

TEST_CASE("dashboards and event streams share the places for streams") {
  AdminRig rig;
  std::vector<std::unique_ptr<RawClient>> viewers;
  for (int i = 0; i < 16; ++i) {
    viewers.push_back(std::make_unique<RawClient>(rig.port));
    viewers.back()->send(get("/admin/dashboard/stream"));
    REQUIRE(is(viewers.back()->take_until("\r\n\r\n"), 200));
  }
  CHECK(is(rig.ask(get("/admin/events/stream")), 503));
  CHECK(is(rig.ask(get("/")), 200));
}
