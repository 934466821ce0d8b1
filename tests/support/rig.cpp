// SPDX-License-Identifier: Apache-2.0
#include "tests/support/rig.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>

namespace fusewire::testing {

namespace {

std::string text(const boost::json::object& body, const char* key) {
  const auto* value = body.if_contains(key);
  return value && value->is_string() ? std::string(value->as_string()) : kAbsent;
}

}  // namespace

std::string parameter(const std::string& field_value, const std::string& name) {
  std::size_t at = field_value.find(';');
  while (at != std::string::npos) {
    const std::size_t start = field_value.find_first_not_of(" ", at + 1);
    const std::size_t end = field_value.find(';', at + 1);
    if (start != std::string::npos && field_value.compare(start, name.size() + 1, name + "=") == 0)
      return field_value.substr(start + name.size() + 1,
                                end == std::string::npos ? end : end - start - name.size() - 1);
    at = end;
  }
  return kAbsent;
}

boost::json::object check_problem(const Response& reply, int status, const std::string& error,
                                  const std::string& proxy_status) {
  CAPTURE(error);
  CAPTURE(reply.head);
  CAPTURE(reply.body);
  CHECK(reply.status == status);
  CHECK(reply.complete);
  CHECK(reply.field("Content-Type") == "application/problem+json");
  CHECK(reply.has("Date"));
  if (!proxy_status.empty()) CHECK(parameter(reply.field("Proxy-Status"), "error") == proxy_status);

  boost::json::error_code failed;
  const boost::json::value parsed = boost::json::parse(reply.body, failed);
  REQUIRE_FALSE(failed);
  REQUIRE(parsed.is_object());
  const boost::json::object& body = parsed.as_object();
  CHECK(text(body, "type") == "urn:fusewire:error:" + error);
  CHECK(text(body, "title") == error);
  CHECK(text(body, "error") == error);
  CHECK(text(body, "detail") != kAbsent);
  CHECK(text(body, "request_id") != kAbsent);
  REQUIRE(body.contains("status"));
  CHECK(boost::json::value_to<int>(body.at("status")) == status);
  return body;
}

}  // namespace fusewire::testing
