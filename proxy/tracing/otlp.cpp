// SPDX-License-Identifier: Apache-2.0
#include "proxy/tracing/otlp.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "filters/outcome_name.hpp"
#include "proxy/http/trace_context.hpp"
#include "proxy/observe/packed_record.hpp"
#include "proxy/text/json_text.hpp"
#include "proxy/tracing/decision_event.hpp"

namespace fusewire::proxy::tracing {
namespace {

using std::string_view;
using namespace std::string_view_literals;

constexpr int kServer = 2;
constexpr int kClient = 3;
constexpr int kError = 2;               // Status.StatusCode
constexpr unsigned kSampled = 1;        // of SpanFlags, as the W3C's
constexpr unsigned kRemoteKnown = 256;  // SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
constexpr unsigned kRemote = 512;       // SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK

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

// One request's spans, at the end of a list.
class Spans {
 public:
  Spans(std::string& out, const JournalEntry& entry, string_view tracestate)
      : out_(out), entry_(entry), tracestate_(tracestate) {}

  void append() {
    append_server_span();
    int attempt = 0;
    for (const auto& call : entry_.calls)
      for (const auto& each : call.attempts) append_client_span(call, each, attempt++);
  }

 private:
  string_view method() const {
    const std::string& method = entry_.text(RequestFacts::method);
    return is_known_method(method) ? string_view(method) : "_OTHER";
  }

  void append_id(string_view key, std::uint64_t span) {
    const auto digits = span_text(span);
    out_.append(key).append(digits.data(), digits.size()).append("\""sv);
  }
  void append_time(string_view key, Time at) {
    out_.append(key);
    append_number_text(out_, entry_.facts.wall_ns + nanoseconds_of(at));
  }

  // As far as the attributes.
  void begin_span(std::uint64_t id, std::uint64_t parent, int kind, bool remote, Time begun, Time ended) {
    out_.append(out_.ends_with('[') ? R"({"traceId":")"sv : R"(,{"traceId":")"sv);
    out_.append(entry_.trace.trace_id.data(), entry_.trace.trace_id.size());
    append_id(R"(","spanId":")", id);
    if (!tracestate_.empty()) {
      out_.append(R"(,"traceState":)"sv);
      append_json(out_, tracestate_);
    }
    if (parent != 0) append_id(R"(,"parentSpanId":")", parent);
    out_.append(R"(,"flags":)"sv).append(std::to_string(kSampled | kRemoteKnown | (remote ? kRemote : 0)));
    out_.append(R"(,"name":")"sv).append(method() == "_OTHER" ? "HTTP" : method());
    out_.append(R"(","kind":)"sv).append(std::to_string(kind));
    append_time(R"(,"startTimeUnixNano":)", begun);
    append_time(R"(,"endTimeUnixNano":)", ended);
    out_.append(R"(,"attributes":)"sv);
  }
  void end_span(string_view error, string_view message) {
    if (!error.empty()) {
      out_.append(R"(,"status":{"code":)"sv).append(std::to_string(kError)).append(R"(,"message":)"sv);
      append_json(out_, message);
      out_ += '}';
    }
    out_ += '}';
  }

  void add_method(Attributes& attributes) const {
    attributes.text("http.request.method", method());
    if (method() == "_OTHER") attributes.text("http.request.method_original", entry_.text(RequestFacts::method));
  }

  // An error by the conventions: 5xx of a server, and no answer.
  void append_server_span() {
    const std::string error = server_error();
    begin_span(entry_.trace.span, entry_.trace.parent, kServer, entry_.trace.parent != 0, Time{}, entry_.facts.ended);
    append_server_attributes(error);
    append_events();
    end_span(error, entry_.text(RequestFacts::detail));
  }

  void append_server_attributes(string_view error) {
    const RequestFacts& facts = entry_.facts;
    Attributes attributes(out_);
    add_method(attributes);
    const string_view scheme = entry_.facts.tls ? "https" : "http";
    attributes.text("url.path", entry_.text(RequestFacts::path)).text("url.scheme", scheme);
    const Authority host = split(entry_.text(RequestFacts::host), scheme == "https" ? 443 : 80);
    if (!host.host.empty()) attributes.text("server.address", host.host).number("server.port", host.port);
    attributes.text("client.address", entry_.text(RequestFacts::peer));
    attributes.text("network.peer.address", entry_.text(RequestFacts::peer)).text("network.protocol.name", "http");
    attributes.text("network.protocol.version", facts.minor_version == 0 ? "1.0" : "1.1");
    if (facts.status != 0) attributes.number("http.response.status_code", facts.status);
    attributes.text("error.type", error);
    attributes.text("fusewire.request_id", entry_.text(RequestFacts::id));
    attributes.text("fusewire.listener", entry_.listener);
    attributes.text("fusewire.route", entry_.route);
    if (!entry_.calls.empty()) attributes.text("fusewire.upstream", entry_.calls.front().upstream);
  }

  std::string server_error() const {
    const RequestFacts& facts = entry_.facts;
    if (facts.status == 0) return (facts.flags & bits(Flag::client_gone)) != 0 ? "client_gone" : "cut_off";
    if (facts.status < 500) return {};
    return facts.error != Problem::none ? std::string(row(facts.error).name) : std::to_string(facts.status);
  }

  void append_events() {
    out_.append(R"(,"events":[)"sv);
    for (const auto& call : entry_.calls)
      for (const Note& note : call.notes) {
        if (!out_.ends_with('[')) out_ += ',';
        append_decision_event(out_, call, note, entry_.facts.wall_ns);
      }
    out_ += ']';
  }

  // A client's own error is every status from 400 on, and every attempt without an answer.
  void append_client_span(const JournalEntry::Call& call, const JournalEntry::Attempt& attempt, int resends) {
    const AttemptFacts& facts = attempt.facts;
    begin_span(facts.span, entry_.trace.span, kClient, false, facts.begun,
               std::max(facts.begun, facts.ended != kNever ? facts.ended : entry_.facts.ended));
    const std::string error = client_error(facts);
    append_client_attributes(call, attempt, resends, error);
    end_span(error, attempt.detail);
  }

  static std::string client_error(const AttemptFacts& facts) {
    if (facts.status == 0 || row(facts.outcome).fault == FaultOf::upstream)
      return std::string(to_string(facts.outcome));
    return facts.status >= 400 ? std::to_string(facts.status) : std::string();
  }

  void append_client_attributes(const JournalEntry::Call& call, const JournalEntry::Attempt& attempt, int resends,
                                string_view error) {
    const AttemptFacts& facts = attempt.facts;
    Attributes attributes(out_);
    add_method(attributes);
    add_endpoint(attributes, attempt);
    if (facts.status != 0) attributes.number("http.response.status_code", facts.status);
    if (resends > 0) attributes.number("http.request.resend_count", resends);
    attributes.text("error.type", error).text("fusewire.upstream", call.upstream);
    attributes.flag("fusewire.kept_connection", facts.kept_connection);
    if (facts.injected_delay_ms != 0) attributes.number("fusewire.injected_delay_ms", facts.injected_delay_ms);
    if (facts.injected_abort != 0) attributes.flag("fusewire.injected_abort", true);
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

  std::string& out_;
  const JournalEntry& entry_;
  string_view tracestate_;
};

}  // namespace

std::string otlp_json(const std::vector<SpanQueue::Item>& items, string_view service_name) {
  std::string out;
  out.append(R"({"resourceSpans":[{"resource":{"attributes":)"sv);
  Attributes(out).text("service.name", service_name);
  out.append(R"(},"scopeSpans":[{"scope":{"name":"fusewire","version":")" FUSEWIRE_VERSION R"("},"spans":[)"sv);
  for (const auto& item : items) Spans(out, unpack_alone(item.record), item.tracestate).append();
  return out.append("]}]}]}"sv);
}

}  // namespace fusewire::proxy::tracing
