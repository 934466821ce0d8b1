// SPDX-License-Identifier: Apache-2.0
// GET, PUT and DELETE /admin/faults over a real Control.
#include <doctest/doctest.h>

#include "proxy/admin/metrics/metrics.hpp"
#include "tests/unit/proxy/admin/calls.hpp"

using namespace fusewire::proxy;
using namespace fusewire::proxy::admin;
using namespace std::chrono_literals;
using fusewire::testing::config_of;
using fusewire::testing::kTwoUpstreams;

namespace {

struct Faults : Admin {
  Asked put(const std::string& members) { return change("/admin/faults", "{" + members + "}", "PUT"); }
  Asked remove(const std::string& name = "") {
    return change("/admin/faults" + (name.empty() ? "" : "/" + name), "", "DELETE");
  }
  json::array listed() { return get("/admin/faults").body.at("faults").as_array(); }
  UpstreamState& state(const std::string& name) { return *control.snapshot()->upstream(name)->state; }
  bool scrape_has(const std::string& line) {
    return metrics_text(control, now.steady).find("\n" + line + "\n") != std::string::npos;
  }
};

const std::string kAbortOrders = R"("upstream":"orders","for":"10m","abort":503)";

}  // namespace

TEST_CASE("a fault that is set is listed with what it does, since when, until when, and what it has done") {
  Faults admin;
  admin.state("orders").cells.of(0).delays_injected.add();  // of a fault before
  const Asked put = admin.put(R"("upstream":"orders","for":"10m","delay":"2s","delay_percent":12.5)");
  CHECK(put.status == 200);
  admin.state("orders").cells.of(0).delays_injected.add();
  admin.state("orders").cells.of(1).delays_injected.add();
  admin.now.steady += 4s;
  admin.now.wall += 4s;
  REQUIRE(admin.listed().size() == 1);
  const json::object fault = admin.listed().at(0).as_object();
  CHECK(fault.at("upstream").as_string() == "orders");
  CHECK(fault.at("delay_ms") == 2000);
  CHECK(fault.at("delay_percent") == 12.5);
  CHECK(fault.at("abort").is_null());
  CHECK(fault.at("abort_percent").is_null());
  CHECK(fault.at("since").as_string() == "2026-01-31T08:15:30.042Z");
  CHECK(fault.at("until").as_string() == "2026-01-31T08:25:30.042Z");
  CHECK(fault.at("remaining_ms") == 596000);
  CHECK(fault.at("delayed") == 2);
  CHECK(fault.at("aborted") == 0);
}

TEST_CASE("a fault is listed until its end, and poll() takes it away") {
  Faults admin;
  admin.put(R"("upstream":"orders","for":"1s","abort":"reset")");
  CHECK(admin.listed().at(0).at("abort").as_string() == "reset");
  admin.now.steady += 1s;
  CHECK(admin.listed().empty());
  CHECK(admin.state("orders").faults.is_on());
  admin.control.poll(admin.now.steady);
  CHECK_FALSE(admin.state("orders").faults.is_on());
}

TEST_CASE("one fault is removed by its upstream's name, or all are") {
  Faults admin;
  admin.put(kAbortOrders);
  admin.put(R"("upstream":"users","for":"10m","delay":"1s")");
  CHECK(admin.remove("orders").body.at("removed") == json::array{"orders"});
  CHECK(admin.remove("orders").body.at("removed") == json::array());
  CHECK(admin.listed().size() == 1);
  CHECK(admin.remove().body.at("removed") == json::array{"users"});
  CHECK(admin.listed().empty());
}

TEST_CASE("an unknown upstream is a 400 in a body and a 404 in a path, and the known ones are named") {
  Faults admin;
  const Asked put = admin.put(R"("upstream":"mail","for":"10m","abort":503)");
  CHECK(put.status == 400);
  CHECK(put.body.at("detail").as_string() == "`upstream`: there is no upstream 'mail'");
  CHECK(put.body.at("known") == json::array{"orders", "users"});
  CHECK(admin.remove("mail").status == 404);
  CHECK(admin.put(R"("upstream":"orders","abort":503)").status == 400);
  CHECK(admin.listed().empty());
}

TEST_CASE("injecting and removing need the token, take no query, and little of a body") {
  Faults admin;
  for (const char* method : {"PUT", "DELETE"}) {
    Request request;
    request.method = method;
    request.target = "/admin/faults";
    CHECK(admin.ask(request).status == 401);
  }
  CHECK(admin.change("/admin/faults?for=10m", "{" + kAbortOrders + "}", "PUT").status == 400);
  Request put;
  put.method = "PUT";
  put.target = "/admin/faults";
  CHECK(handling(Interface::admin, put).max_body == 4096);
  CHECK(handling(Interface::admin, put).runs_on == RunsOn::control_thread);
  CHECK(admin.change("/admin/faults", "", "POST").reply.fields.at(0).second == "GET, HEAD, PUT, DELETE");
  CHECK(admin.get("/admin/faults", Interface::probes).status == 404);
}

TEST_CASE("a fault outlives a reload by its upstream's name, and vanishes with it") {
  Faults admin;
  admin.put(kAbortOrders);
  std::string other = kTwoUpstreams;
  other.replace(other.find("9000"), 4, "9003");
  REQUIRE(admin.control.apply(config_of(other), "test").successful);
  CHECK(admin.listed().size() == 1);
  other.erase(other.find("  orders"), other.find("  users") - other.find("  orders"));
  REQUIRE(admin.control.apply(config_of(other), "test").successful);
  CHECK(admin.listed().empty());
  REQUIRE(admin.control.apply(config_of(kTwoUpstreams), "test").successful);
  CHECK(admin.listed().empty());
}

TEST_CASE("faults have their metrics from the first scrape") {
  Faults admin;
  CHECK(admin.scrape_has("fusewire_faults_injected_total{upstream=\"orders\",type=\"delay\"} 0"));
  CHECK(admin.scrape_has("fusewire_faults_injected_total{upstream=\"users\",type=\"abort\"} 0"));
  CHECK(admin.scrape_has("fusewire_fault_active{upstream=\"orders\"} 0"));
  admin.put(kAbortOrders);
  admin.state("orders").cells.of(1).aborts_injected.add();
  CHECK(admin.scrape_has("fusewire_fault_active{upstream=\"orders\"} 1"));
  CHECK(admin.scrape_has("fusewire_fault_active{upstream=\"users\"} 0"));
  CHECK(admin.scrape_has("fusewire_faults_injected_total{upstream=\"orders\",type=\"abort\"} 1"));
  admin.now.steady += 10min;
  CHECK(admin.scrape_has("fusewire_fault_active{upstream=\"orders\"} 0"));
  CHECK(admin.scrape_has("fusewire_faults_injected_total{upstream=\"orders\",type=\"abort\"} 1"));
}

TEST_CASE("an upstream shows its fault, or null") {
  Faults admin;
  CHECK(admin.get("/admin/upstreams").body.at("upstreams").at(0).at("fault").is_null());
  admin.put(kAbortOrders);
  const Asked asked = admin.get("/admin/upstreams");
  CHECK(asked.body.at("upstreams").at(0).at("fault").at("abort") == 503);
  CHECK(asked.body.at("upstreams").at(1).at("fault").is_null());
}
