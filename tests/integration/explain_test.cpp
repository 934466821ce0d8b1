// SPDX-License-Identifier: Apache-2.0
// From a request's id to what was decided about it, through real sockets.
#include <boost/json.hpp>

#include "tests/support/eventually.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;
namespace json = boost::json;

namespace {

// All requests of that id, once there are so many: a client may have its answer before its request is recorded.
json::array all_explained(const TestProxy& proxy, const std::string& id, std::size_t count) {
  json::array found;
  CHECK(eventually([&] {
    const Response reply = proxy.admin("GET", "/admin/explain/" + id);
    if (reply.status == 200) found = json::parse(reply.body).at("requests").as_array();
    return found.size() >= count;
  }));
  return found;
}

json::object explained(const TestProxy& proxy, const std::string& id) {
  return all_explained(proxy, id, 1).at(0).as_object();
}

// "filter decision" of each step, in order.
std::string steps(const json::object& request) {
  std::string all;
  for (const json::value& step : request.at("steps").as_array())
    all += (all.empty() ? "" : ", ") + std::string(step.at("filter").as_string()) + " " +
           std::string(step.at("decision").as_string());
  return all;
}

}  // namespace

TEST_CASE("the id of an answer leads to its attempt, with endpoint, address and times") {
  const Rig rig;
  const Response reply = rig.proxy.get("/a?secret=1");
  const json::object request = explained(rig.proxy, reply.field("X-Request-Id"));
  CHECK(request.at("path").as_string() == "/a");
  CHECK(request.at("ended_well") == true);
  CHECK(steps(request).starts_with("route routed, breaker permitted, timeout set, attempt answered, "));
  CHECK(steps(request).ends_with("breaker success, answer relayed"));
  const json::value& attempt = request.at("calls").at(0).at("attempts").at(0);
  const std::string address = "127.0.0.1:" + std::to_string(rig.upstream.port());
  CHECK(attempt.at("endpoint").as_string() == "http://" + address);
  CHECK(attempt.at("address").as_string() == address);
  CHECK(attempt.at("status") == 200);
  CHECK(attempt.at("outcome").as_string() == "complete");
  CHECK(attempt.at("kept_connection") == false);
  CHECK(attempt.at("connected_ms").is_number());
  CHECK(attempt.at("head_ms").to_number<double>() >= attempt.at("connected_ms").to_number<double>());
  CHECK(json::serialize(request).find("secret") == std::string::npos);
}

TEST_CASE("a retry is explained with both of its attempts, one that is not allowed with the reason") {
  Rig rig(scripts::in_turn({scripts::reset(), scripts::ok(), scripts::reset()}));
  json::object request = explained(rig.proxy, rig.proxy.get("/", "X-Request-Id: one\r\n").field("X-Request-Id"));
  CHECK(request.at("calls").at(0).at("attempts").as_array().size() == 2);
  CHECK(request.at("calls").at(0).at("attempts").at(0).at("outcome").as_string() == "reset");
  CHECK(steps(request).find("attempt failed, retry made, attempt answered") != std::string::npos);
  CHECK(rig.proxy.request("POST", "/", "X-Request-Id: two\r\n", "x").status == 502);
  request = explained(rig.proxy, "two");
  CHECK(steps(request).find("attempt failed, retry not_made") != std::string::npos);
  for (const json::value& step : request.at("steps").as_array())
    if (step.at("filter").as_string() == "retry") CHECK(step.at("reason").as_string() == "not_repeatable");
}

TEST_CASE("an open breaker and the fallback that stood in are explained, with the other upstream's call") {
  ScriptedUpstream other(scripts::ok("other"));
  Rig rig(scripts::ok(),
          "    fallback: {on: [breaker_open], chain: [{upstream: other}]}\n  other: \"http://127.0.0.1:" +
              std::to_string(other.port()) + "\"\n");
  rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open");
  CHECK(rig.proxy.get("/", "X-Request-Id: one\r\n").body == "other");
  const json::object request = explained(rig.proxy, "one");
  CHECK(request.at("fallback").as_string() == "upstream");
  CHECK(request.at("ended_well") == false);
  CHECK(request.at("calls").as_array().size() == 2);
  CHECK(request.at("calls").at(1).at("upstream").as_string() == "other");
  CHECK(request.at("calls").at(1).at("is_fallback") == true);
  CHECK(request.at("calls").at(1).at("answered") == true);
  CHECK(steps(request).starts_with("route routed, breaker rejected, fallback begun, fallback asks, breaker permitted"));
}

TEST_CASE("a request that reaches no upstream is explained, and one of an id that nobody has used is not found") {
  const Rig rig;
  CHECK(rig.proxy.request("OPTIONS", "*", "Max-Forwards: 0\r\nX-Request-Id: own\r\n").status == 200);
  CHECK(explained(rig.proxy, "own").at("calls").as_array().empty());
  CHECK(rig.proxy.admin("GET", "/admin/explain/nobody").status == 404);
}

TEST_CASE("of requests with one id all are shown, the newest first") {
  Rig rig(scripts::in_turn({scripts::ok(), scripts::status(404)}));
  rig.proxy.get("/", "X-Request-Id: same\r\n");
  rig.proxy.get("/", "X-Request-Id: same\r\n");
  const json::array found = all_explained(rig.proxy, "same", 2);
  REQUIRE(found.size() == 2);
  CHECK(found[0].at("status") == 404);
  CHECK(found[1].at("status") == 200);
}
