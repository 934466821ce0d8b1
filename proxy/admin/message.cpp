// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/message.hpp"

#include "proxy/admin/json_writer.hpp"

namespace fusewire::proxy::admin {

Reply json_reply(const boost::json::value& value, int status) {
  Reply reply;
  reply.status = status;
  reply.body = to_text(value);
  reply.body += '\n';
  return reply;
}

Reply problem(int status, std::string_view error, std::string_view detail, const boost::json::object& more) {
  boost::json::object body;
  body["type"] = "urn:fusewire:error:" + std::string(error);
  body["title"] = error;
  body["status"] = status;
  body["detail"] = detail;
  body["error"] = error;
  for (const auto& [key, value] : more) body[key] = value;
  Reply reply = json_reply(body, status);
  reply.content_type = "application/problem+json";
  return reply;
}

}  // namespace fusewire::proxy::admin
