// SPDX-License-Identifier: Apache-2.0
#include "proxy/tracing/otlp.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <span>

#include "filters/outcome_name.hpp"
#include "proxy/http/trace_context.hpp"
#include "proxy/observe/packed_record.hpp"
#include "proxy/tracing/decision_event.hpp"

namespace fusewire::proxy::tracing {
namespace {

namespace json = boost::json;
using std::string_view;

constexpr int kServer = 2;
constexpr int kClient = 3;
constexpr int kError = 2;               // Status.StatusCode
constexpr unsigned kSampled = 1;        // of SpanFlags, as the W3C's
constexpr unsigned kRemoteKnown = 256;  // SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
constexpr unsigned kRemote = 512;       // SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK

std::string hex(std::uint64_t span) {
  const auto digits = span_text(span);
  return {digits.data(), digits.size()};
}

json::string valid(string_view text) {
  json::string out;
  for (const char c : text) out.push_back(static_cast<unsigned char>(c) < 128 ? c : '?');
  return out;
}

struct Authority {
  string_view host;
  int port = 0;  // 0: not given
};

// HOST[:PORT], with an IPv6 address without its brackets.
Authority split(string_view authority, int usual) {
  Authority parts{authority, usual};
  const std::size_t colon = authority.rfind(':');
  if (colon != string_view::npos && authority.find(']', colon) == string_view::npos) {
    const string_view digits = authority.substr(colon + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), parts.port);
    parts.host = authority.substr(0, colon);
  }
  if (parts.host.starts_with('[') && parts.host.ends_with(']'))
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  return parts;
}

bool is_known_method(string_view method) {
  constexpr std::array<string_view, 9> kMethods = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                   "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

// One request's spans.
class Spans {
 public:
  Spans(const JournalEntry& entry, string_view tracestate) : entry_(entry), tracestate_(tracestate) {}

  void append_to(json::array& spans) const {
    spans.push_back(server_span());
    int attempt = 0;
    for (const auto& call : entry_.calls)
      for (const auto& each : call.attempts) spans.push_back(client_span(call, each, attempt++));
  }

 private:
  json::string time(Time at) const { return time_text(entry_.facts.wall_ns + nanoseconds_of(at)); }

  string_view method() const {
    const std::string& method = entry_.text(RequestFacts::method);
    return is_known_method(method) ? string_view(method) : "_OTHER";
  }

  json::object span(std::uint64_t id, std::uint64_t parent, int kind, bool remote) const {
    json::object span;
    span["traceId"] = string_view(entry_.trace.trace_id.data(), entry_.trace.trace_id.size());
    span["spanId"] = hex(id);
    if (!tracestate_.empty()) span["traceState"] = valid(tracestate_);
    if (parent != 0) span["parentSpanId"] = hex(parent);
    span["flags"] = kSampled | kRemoteKnown | (remote ? kRemote : 0);
    span["name"] = method() == "_OTHER" ? "HTTP" : method();
    span["kind"] = kind;
    return span;
  }

  void add_method(Attributes& attributes) const {
    attributes.text("http.request.method", method());
    if (method() == "_OTHER") attributes.text("http.request.method_original", entry_.text(RequestFacts::method));
  }

  // An error by the conventions: 5xx of a server, and no answer.
  json::object server_span() const {
    const RequestFacts& facts = entry_.facts;
    json::object span = this->span(entry_.trace.span, entry_.trace.parent, kServer, entry_.trace.parent != 0);
    span["startTimeUnixNano"] = time(Time{});
    span["endTimeUnixNano"] = time(facts.ended);
    Attributes attributes;
    add_method(attributes);
    const string_view scheme = entry_.facts.tls ? "https" : "http";
    attributes.text("url.path", entry_.text(RequestFacts::path)).text("url.scheme", scheme);
    const Authority host = split(entry_.text(RequestFacts::host), scheme == "https" ? 443 : 80);
    if (!host.host.empty()) attributes.text("server.address", host.host).number("server.port", host.port);
    attributes.text("client.address", entry_.text(RequestFacts::peer));
    attributes.text("network.peer.address", entry_.text(RequestFacts::peer)).text("network.protocol.name", "http");
    attributes.text("network.protocol.version", facts.minor_version == 0 ? "1.0" : "1.1");
    if (facts.status != 0) attributes.number("http.response.status_code", facts.status);
    const std::string error = server_error();
    attributes.text("error.type", error);
    attributes.text("fusewire.request_id", entry_.text(RequestFacts::id));
    attributes.text("fusewire.listener", entry_.listener);
    attributes.text("fusewire.route", entry_.route);
    if (!entry_.calls.empty()) attributes.text("fusewire.upstream", entry_.calls.front().upstream);
    span["attributes"] = std::move(attributes).list();
    span["events"] = events();
    if (!error.empty())
      span["status"] = json::object{{"code", kError}, {"message", valid(entry_.text(RequestFacts::detail))}};
    return span;
  }

  std::string server_error() const {
    const RequestFacts& facts = entry_.facts;
    if (facts.status == 0) return (facts.flags & bits(Flag::client_gone)) != 0 ? "client_gone" : "cut_off";
    if (facts.status < 500) return {};
    return facts.error != Problem::none ? std::string(row(facts.error).name) : std::to_string(facts.status);
  }

  json::array events() const {
    json::array events;
    for (const auto& call : entry_.calls)
      for (const Note& note : call.notes) events.push_back(decision_event(call, note, entry_.facts.wall_ns));
    return events;
  }

  // A client's own error is every status from 400 on, and every attempt without an answer.
  json::object client_span(const JournalEntry::Call& call, const JournalEntry::Attempt& attempt, int resends) const {
    const AttemptFacts& facts = attempt.facts;
    json::object span = this->span(facts.span, entry_.trace.span, kClient, false);
    span["startTimeUnixNano"] = time(facts.begun);
    span["endTimeUnixNano"] = time(std::max(facts.begun, facts.ended != kNever ? facts.ended : entry_.facts.ended));
    Attributes attributes;
    add_method(attributes);
    add_endpoint(attributes, attempt);
    if (facts.status != 0) attributes.number("http.response.status_code", facts.status);
    if (resends > 0) attributes.number("http.request.resend_count", resends);
    std::string error;
    if (facts.status == 0 || row(facts.outcome).fault == FaultOf::upstream)
      error = to_string(facts.outcome);
    else if (facts.status >= 400)
      error = std::to_string(facts.status);
    attributes.text("error.type", error).text("fusewire.upstream", call.upstream);
    attributes.flag("fusewire.kept_connection", facts.kept_connection);
    if (facts.injected_delay_ms != 0) attributes.number("fusewire.injected_delay_ms", facts.injected_delay_ms);
    if (facts.injected_abort != 0) attributes.flag("fusewire.injected_abort", true);
    span["attributes"] = std::move(attributes).list();
    if (!error.empty()) span["status"] = json::object{{"code", kError}, {"message", valid(attempt.detail)}};
    return span;
  }

  void add_endpoint(Attributes& attributes, const JournalEntry::Attempt& attempt) const {
    const std::string& url = attempt.endpoint;
    attributes.text("url.scheme", url.starts_with("https://") ? "https" : "http");
    if (const std::size_t scheme = url.find("://"); scheme != std::string::npos) {
      const Authority at = split(string_view(url).substr(scheme + 3), url.starts_with("https://") ? 443 : 80);
      attributes.text("server.address", at.host).number("server.port", at.port);
      attributes.text("url.full", url + entry_.text(RequestFacts::path));
    } else {
      attributes.text("server.address", url.substr(url.find(':') + 1));  // unix:PATH
    }
    const Authority peer = split(attempt.address, 0);
    attributes.text("network.peer.address", peer.host);
    if (peer.port != 0) attributes.number("network.peer.port", peer.port);
    attributes.text("network.protocol.name", "http").text("network.protocol.version", "1.1");
  }

  const JournalEntry& entry_;
  string_view tracestate_;
};

}  // namespace

std::string otlp_json(const std::vector<SpanQueue::Item>& items, string_view service_name) {
  json::array spans;
  for (const auto& item : items) Spans(unpack_alone(item.record), item.tracestate).append_to(spans);
  Attributes resource;
  resource.text("service.name", service_name);
  const json::object scope = {{"scope", {{"name", "fusewire"}, {"version", FUSEWIRE_VERSION}}},
                              {"spans", std::move(spans)}};
  const json::object all = {{"resource", {{"attributes", std::move(resource).list()}}},
                            {"scopeSpans", json::array{scope}}};
  return json::serialize(json::object{{"resourceSpans", json::array{all}}});
}

}  // namespace fusewire::proxy::tracing
