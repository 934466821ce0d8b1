// SPDX-License-Identifier: Apache-2.0
// What came from a variable is shown by the variable's name: in errors, in warnings, and in the effective
// configuration.
#include "config/from_variables.hpp"
#include "config/load.hpp"
#include "config/print.hpp"
#include "config/report.hpp"

#include <functional>
#include <set>

#include "config/document.hpp"
#include "config/emit.hpp"
#include "full_file.hpp"
#include "support.hpp"

namespace fusewire::config {
namespace {

const std::string kMark = "s3cret";

// Values that break as many rules as possible.
const Lines kBadValues = {kMark, "http://user:" + kMark + "@h/x", "http://" + kMark + "/path",
                          "(" + kMark + "\nline two"};

void for_each_scalar(Node& node, const std::string& path, const std::function<void(Node&, const std::string&)>& use) {
  if (node.kind == Node::Kind::scalar) return use(node, path);
  std::size_t index = 0;
  for (Node& child : node.children)
    for_each_scalar(child, join(path, node.kind == Node::Kind::list ? std::to_string(index++) : child.key), use);
}

// Lists of values and of maps can be printed, those of both cannot.
void write_out_endpoints(Node& node) {
  for (Node& child : node.children) {
    if (node.key == "endpoints" && child.kind == Node::Kind::scalar) {
      Node url = child;
      url.key = "url";
      child.kind = Node::Kind::map;
      child.children = {url};
    }
    write_out_endpoints(child);
  }
}

Node full_file() {
  Report report("f");
  std::optional<Node> root = parse_document(kFullFile, Origin::file, report);
  REQUIRE(root);
  write_out_endpoints(*root);
  return *std::move(root);
}

// The full file with `text`, which is YAML, at `node`.
std::string with_text(const Node& root, Node& node, const std::string& text) {
  const Node before = node;
  node.text = text;
  node.quoted = false;
  std::string file = emit_yaml(root);
  node.text = before.text;
  node.quoted = before.quoted;
  return file;
}

bool says(const LoadResult& result, const std::string& word) {
  for (const auto* list : {&result.errors, &result.warnings})
    for (const std::string& line : lines_of(*list))
      if (line.find(word) != std::string::npos) return true;
  return result.config && (to_yaml(*result.config).find(word) != std::string::npos ||
                           to_json(*result.config).find(word) != std::string::npos);
}

TEST_CASE("whatever key has it: a value from ${NAME} is quoted nowhere") {
  Node root = full_file();
  std::size_t keys = 0;
  for_each_scalar(root, "", [&](Node& node, const std::string& path) {
    ++keys;
    CAPTURE(path);
    const std::string text = with_text(root, node, "\"${NAME}\"");
    for (const std::string& value : kBadValues) {
      CAPTURE(value);
      CHECK_FALSE(says(load({.name = "f", .text = text, .environment = {{"NAME", value}}}), kMark));
    }
  });
  CHECK(keys > 100);
}

TEST_CASE("whatever key it overrides: a value of the environment is quoted nowhere") {
  Node root = full_file();
  const Lines values = {kMark,
                        "{" + kMark + ": " + kMark + ", " + kMark + ": x}",
                        "[[" + kMark + "], {" + kMark + ": {}}]",
                        "{" + kMark,
                        "\"\\" + kMark + "\"",
                        "[*" + kMark + "]",
                        "[!" + kMark + " x]"};
  std::set<std::string> done;
  for_each_scalar(root, "", [&](Node&, const std::string& path) {
    std::string name = "FUSEWIRE";
    for (std::string rest = path; !rest.empty();) {
      const std::size_t dot = rest.starts_with("orders.v2") ? 9 : std::min(rest.find('.'), rest.size());
      name += "__" + rest.substr(0, dot);
      rest.erase(0, dot + 1);
    }
    std::replace(name.begin(), name.end(), '-', '_');
    std::replace(name.begin(), name.end(), '.', '_');
    for (std::string part = name; part.size() > std::string("FUSEWIRE").size(); part.resize(part.rfind("__"))) {
      if (!done.insert(part).second) return;
      for (const std::string& value : values) {
        CAPTURE(part);
        CAPTURE(value);
        CHECK_FALSE(says(load({.name = "f", .text = kFullFile, .environment = {{part, value}}}), kMark));
      }
    }
  });
}

// Not part of the effective configuration: keys that take one value, and the words that are keys there.
bool is_shown(const std::string& path) {
  for (const char* other : {"version", "defaults", "state", "template", "scope", "policy", "ramp", "retries", "queue",
                            "rate", "adaptive", "read_only", "requests.set"})
    if (path.find(other) != std::string::npos && !path.ends_with("_rate.threshold") &&
        path.find("slow_call_rate") == std::string::npos)
      return false;
  return !path.ends_with("timeouts.idle");  // of `defaults`
}

TEST_CASE("one value is shown as it is, or by its variable") {
  const LoadResult result = load({.name = "f",
                                  .text = "listen: \"127.0.0.1:${PORT}\"\nadmin: {address: 127.0.0.1:1}\n"
                                          "upstreams: {orders: {endpoints: [\"http://${HOST}\"]}}\n",
                                  .environment = {{"PORT", "4711"}, {"HOST", "h"}}});
  REQUIRE(result.config);
  CHECK(shown(*result.config, {"listeners", "0", "address"}, "127.0.0.1:4711") == "<from PORT>");
  CHECK(shown(*result.config, {"upstreams", "orders", "endpoints", "0", "url"}, "http://h") == "<from HOST>");
  CHECK(shown(*result.config, {"admin", "address"}, "127.0.0.1:1") == "127.0.0.1:1");
  CHECK(shown(*result.config, {"listeners", "0"}, "x") == "x");
}

TEST_CASE("the effective configuration shows the variable's name in the place of every value that came from one") {
  Node root = full_file();
  std::size_t shown = 0;
  for_each_scalar(root, "", [&](Node& node, const std::string& path) {
    if (!is_shown(path)) return;
    CAPTURE(path);
    const std::string text = with_text(root, node, "\"${NAME}\"");
    const LoadResult result = load({.name = "f", .text = text, .environment = {{"NAME", node.text}}});
    if (!result.config) return;  // the value must be in quotes, which a variable's never is
    CHECK(to_yaml(*result.config).find("<from NAME>") != std::string::npos);
    CHECK(to_json(*result.config).find("<from NAME>") != std::string::npos);
    ++shown;
  });
  CHECK(shown > 90);
}

Config good_with(const std::string& section, std::vector<std::pair<std::string, std::string>> environment) {
  return good(load({.name = "f", .text = kListenAndOrders + section, .environment = std::move(environment)}));
}

TEST_CASE("a token from a variable is shown by its name, and one that is written there not at all") {
  const Config config = good_with("admin: {token: \"${ADMIN_TOKEN}\"}\n", {{"ADMIN_TOKEN", kMark}});
  CHECK(config.admin.token == kMark);
  CHECK(to_json(config).find(R"("token":"<from ADMIN_TOKEN>")") != std::string::npos);
  CHECK(to_yaml(config).find(R"(token: "<from ADMIN_TOKEN>")") != std::string::npos);
  CHECK(to_json(good_with("admin: {token: x}\n", {})).find(R"("token":"<redacted>")") != std::string::npos);
}

TEST_CASE("several variables in one value are all named, each once") {
  const Config config = good_with("via: ${A}-${B}-${A}\n", {{"A", "x"}, {"B", "y"}});
  CHECK(config.via == "x-y-x");
  CHECK(to_yaml(config).find(R"(via: "<from A, B>")") != std::string::npos);
}

TEST_CASE("a field whose name came out of a variable, too, is named without either") {
  const LoadResult result = load({.name = "f",
                                  .text = upstream_file("    fallback: {chain: [{static: {headers: {a: b}}}]}\n"),
                                  .environment = {{"FUSEWIRE__UPSTREAMS__ORDERS__FALLBACK__CHAIN__0__STATIC__HEADERS",
                                                   "{x-s3cret: s3cret, y-s3cret: s3cret}"}}});
  const std::string json = to_json(good(result));
  CHECK(json.find(kMark) == std::string::npos);
  CHECK(json.find("\"headers\":{\"<from FUSEWIRE__UPSTREAMS__ORDERS__FALLBACK__CHAIN__0__STATIC__HEADERS>\":") !=
        std::string::npos);
}

TEST_CASE("a default that stands in is the file's own text") {
  const Config config = good_with("via: ${NONE:-edge}\n", {});
  CHECK(config.from_variables.empty());
  CHECK(to_yaml(config).find("via: edge") != std::string::npos);
}

TEST_CASE("the environment's override is named by its variable, and the command line's is shown") {
  const LoadResult result = load({.name = "f",
                                  .text = kListenAndOrders,
                                  .environment = {{"FUSEWIRE__UPSTREAMS__ORDERS__TIMEOUTS__IDLE", "7s"},
                                                  {"FUSEWIRE__LISTEN", "127.0.0.1:1"},
                                                  {"FUSEWIRE__LOG", "{level: warn}"}},
                                  .set = {"upstreams.orders.timeouts.connect=3s"}});
  const std::string yaml = to_yaml(good(result));
  CHECK(yaml.find(R"(idle: "<from FUSEWIRE__UPSTREAMS__ORDERS__TIMEOUTS__IDLE>")") != std::string::npos);
  CHECK(yaml.find(R"(address: "<from FUSEWIRE__LISTEN>")") != std::string::npos);
  CHECK(yaml.find(R"(level: "<from FUSEWIRE__LOG>")") != std::string::npos);
  CHECK(yaml.find("connect: 3s") != std::string::npos);
}

TEST_CASE("what a variable gave to `defaults`, or to a route's upstream, is named wherever it takes effect") {
  const Config config = good(load({.name = "f",
                                   .text = R"(
listeners: [{address: 127.0.0.1:1, routes: [{upstream: a.b, timeouts: {idle: 1s}}]}]
defaults: {timeouts: {connect: "${T}"}}
upstreams: {a.b: http://a}
)",
                                   .environment = {{"T", "7s"}}}));
  const std::string yaml = to_yaml(config);
  std::size_t count = 0;
  for (std::size_t at = yaml.find("connect: \"<from T>\""); at != std::string::npos;
       at = yaml.find("connect: \"<from T>\"", at + 1))
    ++count;
  CHECK(count == 2);
}

TEST_CASE("a list of conditions with a variable in it is named as a whole") {
  const LoadResult result = load({.name = "f",
                                  .text = upstream_file("    circuit_breaker: {classify: {failure: [timeout, \"${A}\", "
                                                        "\"${B}\"]}}\n"),
                                  .environment = {{"A", "501"}, {"B", "reset"}}});
  CHECK(to_yaml(good(result)).find(R"(failure: ["<from A>", "<from B>"])") != std::string::npos);
}

TEST_CASE("a printed configuration with names in it loads only when they are variables again") {
  const Config config = good_with("via: ${A}\n", {{"A", "edge"}});
  std::string yaml = to_yaml(config);
  CHECK(yaml.ends_with("# <from NAME> came from a variable; as a file, this needs ${NAME} there\n"));
  const Lines errors = lines_of(load_text(yaml).errors);
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].ends_with("via: '<from NAME>' is how a value is shown that came from a variable; write ${NAME}"));
  yaml.replace(yaml.find("\"<from A>\""), 10, "${A}");
  CHECK(good(load({.name = "f", .text = yaml, .environment = {{"A", "edge"}}})) == config);
}

TEST_CASE("an error names the variable") {
  const LoadResult result = load({.name = "f",
                                  .text = upstream_file("    timeouts: {connect: \"${T}\"}\n"),
                                  .environment = {{"T", kMark}, {"FUSEWIRE__LOG__LEVEL", "loud"}}});
  CHECK(lines_of(result.errors) ==
        Lines{"f:5:25: upstreams.orders.timeouts.connect: expected a duration such as 250ms, 1.5s, 10m or 1h, found "
              "<from T>",
              "environment: log.level: unknown value <from FUSEWIRE__LOG__LEVEL>; expected one of: trace, debug, info, "
              "warn, error, off"});
}

TEST_CASE("warnings name the variable instead of the value") {
  const LoadResult result = load(
      {.name = "f",
       .text = upstream_file("    timeouts: {response: \"${R}\"}\n    circuit_breaker: {transitions: {open_timeout: "
                             "\"${O}\"}}\n"),
       .environment = {{"R", "9s"}, {"O", "8s"}}});
  CHECK(
      lines_of(result.warnings) ==
      Lines{"f:6:51: upstreams.orders.circuit_breaker.transitions.open_timeout: the open interval <from O> is shorter "
            "than the response timeout <from R>: calls of before the trip are still waiting when trials begin"});
}

}  // namespace
}  // namespace fusewire::config
