// SPDX-License-Identifier: Apache-2.0
// The real server in this process, configured through the real loader, on ports that the kernel chose.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filters/breaker/core/types.hpp"
#include "tests/support/connection.hpp"
#include "tests/support/message.hpp"

namespace fusewire::proxy {
class Server;
}

namespace fusewire::testing {

// `${ORDERS}` in the YAML text becomes the port, as the loader replaces it from the environment.
using Ports = std::vector<std::pair<std::string, std::uint16_t>>;

inline constexpr const char* kToken = "test-token";

class TestProxy {
 public:
  // Listens on port 0 for the admin, with kToken, without logs, with two workers; the text says the rest. Throws with
  // all the loader's errors.
  explicit TestProxy(const std::string& yaml, Ports ports = {}, std::vector<std::string> set = {});
  ~TestProxy();

  std::uint16_t port(const std::string& listener = "main") const;
  std::uint16_t admin_port() const;
  std::uint16_t probes_port() const;
  void drain();  // as SIGTERM
  int wait();    // the exit status

  Connection connect() const { return Connection::to(port()); }
  // One request on a connection of its own: "GET /path", then field lines, then a body with its Content-Length.
  Response get(const std::string& target, const std::string& field_lines = {}) const;
  Response request(const std::string& method, const std::string& target, const std::string& field_lines = {},
                   const std::string& body = {}) const;

  Response admin(const std::string& method, const std::string& target, const std::string& field_lines = {},
                 const std::string& body = {}) const;
  Response admin_change(const std::string& target, const std::string& body = {}) const;  // POST with the token
  boost::json::object admin_json(const std::string& target) const;                       // of a GET that must be a 200
  // The value of one line of /metrics, by its exact text before the value; -1 when there is no such line.
  double metric(const std::string& series) const;

  breaker::Snapshot breaker(const std::string& upstream = "orders");
  std::string state(const std::string& upstream = "orders");  // "closed", "open", "half_open"
  // Replaces the text that the loader reads, and reloads through the admin API.
  Response reload(const std::string& yaml);

 private:
  struct Text;
  std::shared_ptr<Text> text_;
  std::unique_ptr<proxy::Server> server_;
};

// One upstream named `orders` at ${ORDERS}; the lines given come under it, four spaces deep or more.
std::string orders(const std::string& lines = {}, const std::string& listener_lines = {});

}  // namespace fusewire::testing
