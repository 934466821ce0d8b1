// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_proxy.hpp"

#include <boost/json/parse.hpp>
#include <mutex>
#include <stdexcept>

#include "config/load.hpp"
#include "proxy/admin/metrics/metrics.hpp"
#include "proxy/control/control.hpp"
#include "proxy/control/tls_contexts.hpp"
#include "proxy/server/server.hpp"
#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::testing {

// What the server's loader reads; replaced by the test, read by the control thread.
struct TestProxy::Text {
  std::mutex mutex;
  config::Source source;

  config::LoadResult load() {
    const std::lock_guard lock(mutex);
    return config::load(source);
  }
};

TestProxy::TestProxy(const std::string& yaml, Ports ports, std::vector<std::string> set)
    : text_(std::make_shared<Text>()) {
  config::Source& source = text_->source;
  source.name = "test.yaml";
  source.judges = proxy::tls_judges();
  source.text = yaml;
  for (const auto& [name, port] : ports) source.environment.emplace_back(name, std::to_string(port));
  source.set = {"admin.address=127.0.0.1:0", std::string("admin.token=") + kToken, "log.level=off", "log.access=off",
                "runtime.workers=2"};
  source.set.insert(source.set.end(), set.begin(), set.end());

  config::LoadResult loaded = text_->load();
  if (!loaded.config) {
    std::string errors = "the test's configuration is refused:";
    for (const auto& error : loaded.errors) errors += "\n" + error.to_string();
    throw std::runtime_error(errors);
  }
  proxy::ServerOptions options;
  options.loader = [text = text_] { return text->load(); };
  server_ = std::make_unique<proxy::Server>(std::move(*loaded.config), std::move(options));
}

TestProxy::~TestProxy() = default;

std::uint16_t TestProxy::port(const std::string& listener) const { return server_->port(listener); }
std::uint16_t TestProxy::admin_port() const { return server_->admin_port(); }
std::uint16_t TestProxy::probes_port() const { return server_->probes_port(); }
void TestProxy::drain() { server_->drain(); }
int TestProxy::wait() { return server_->wait(); }

namespace {

Response ask(std::uint16_t port, const std::string& method, const std::string& target, const std::string& field_lines,
             const std::string& body) {
  Connection connection = Connection::to(port);
  std::string text = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + field_lines;
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  connection.send(text + "\r\n" + body);
  return read_response(connection, method);
}

}  // namespace

Response TestProxy::get(const std::string& target, const std::string& field_lines) const {
  return request("GET", target, field_lines);
}

Response TestProxy::request(const std::string& method, const std::string& target, const std::string& field_lines,
                            const std::string& body) const {
  return ask(port(), method, target, field_lines, body);
}

Response TestProxy::admin(const std::string& method, const std::string& target, const std::string& field_lines,
                          const std::string& body) const {
  return ask(admin_port(), method, target, field_lines, body);
}

Response TestProxy::admin_change(const std::string& target, const std::string& body) const {
  std::string fields = std::string("Authorization: Bearer ") + kToken + "\r\n";
  if (body.empty()) fields += "Content-Length: 0\r\n";
  return admin("POST", target, fields, body);
}

boost::json::object TestProxy::admin_json(const std::string& target) const {
  const Response reply = admin("GET", target);
  if (reply.status != 200) throw std::runtime_error(target + " answered " + std::to_string(reply.status));
  return boost::json::parse(reply.body).as_object();
}

// As it is now: what /metrics answers may be a second old.
double TestProxy::metric(const std::string& series) const {
  std::string text = "\n";
  server_->on_control(
      [&](proxy::Control& control) { text += proxy::metrics_text(control, std::chrono::steady_clock::now()); });
  const auto at = text.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
}

breaker::Snapshot TestProxy::breaker(const std::string& upstream) {
  breaker::Snapshot snapshot;
  server_->on_control([&](proxy::Control& control) {
    snapshot = control.snapshot()->upstream(upstream)->state->breaker.snapshot(std::chrono::steady_clock::now());
  });
  return snapshot;
}

std::string TestProxy::state(const std::string& upstream) {
  return std::string(breaker::to_string(breaker(upstream).state));
}

Response TestProxy::reload(const std::string& yaml) {
  {
    const std::lock_guard lock(text_->mutex);
    text_->source.text = yaml;
  }
  return admin_change("/admin/config/reload");
}

std::string orders(const std::string& lines, const std::string& listener_lines) {
  std::string text = "listeners:\n  - name: main\n    address: 127.0.0.1:0\n" + listener_lines +
                     "    routes:\n      - upstream: orders\n";
  return text + "upstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:${ORDERS}\"]\n" + lines;
}

}  // namespace fusewire::testing
