// SPDX-License-Identifier: Apache-2.0
// A request to the admin API and its answer, as plain values: the code that decides uses no socket and no HTTP library.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

namespace fusewire::proxy::admin {

struct Target {
  std::vector<std::string> segments;                       // percent-decoded
  std::vector<std::pair<std::string, std::string>> query;  // percent-decoded
  std::string authority;                                   // of an absolute-form target; else empty

  const std::string* find(std::string_view key) const {
    for (const auto& [name, value] : query)
      if (name == key) return &value;
    return nullptr;
  }
};

struct Request {
  std::string method;
  std::string target;
  std::vector<std::string> hosts;           // each Host field
  std::vector<std::string> authorizations;  // each Authorization field
  std::vector<std::string> accepts;         // each Accept field
  std::optional<std::string> origin;
  std::optional<std::string> last_event_id;
  std::optional<std::string> if_none_match;
  std::string body;
  std::string peer;       // for the log: address:port
  bool http_1_0 = false;  // or older: Host may be missing
  bool has_body = false;  // its head announces one

  bool is_read() const { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }
};

struct Reply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::shared_ptr<const std::string> shared_body = nullptr;  // set: goes in place of `body`
  std::vector<std::pair<std::string, std::string>> fields;
  std::string cache_control = "no-store";
  // Set: not a body but a stream of the events with a larger id follows.
  std::optional<std::uint64_t> stream_after;
  bool stream_dashboard = false;  // the same of the dashboard's figures

  bool is_stream() const { return stream_after.has_value() || stream_dashboard; }

  std::string_view content() const { return shared_body ? std::string_view(*shared_body) : std::string_view(body); }
};

Reply json_reply(const boost::json::value&, int status = 200);

// RFC 9457, with the members that the proxy's own answers have: type, title, status, detail, error; and `more`.
Reply problem(int status, std::string_view error, std::string_view detail, const boost::json::object& more = {});

}  // namespace fusewire::proxy::admin
