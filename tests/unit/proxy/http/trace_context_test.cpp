// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/trace_context.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <utility>

#include "proxy/http/field_ids.hpp"

using namespace fusewire;
using namespace fusewire::proxy;

namespace {

constexpr const char* kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr const char* kParent = "00f067aa0ba902b7";

Fields fields_of(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  Fields fields;
  for (const auto& [name, value] : pairs) fields.add(name, value, http::field_id(name));
  return fields;
}

TraceContext of(const Fields& fields, bool sampled = false) {
  return TraceContext::of(fields, {.random = {11, 12, 13}, .sampled = sampled});
}

TraceContext with_traceparent(const std::string& value) { return of(fields_of({{"traceparent", value}})); }

bool continues(const TraceContext& trace) { return trace.trace_id() == kTrace && trace.parent() == 0x00f067aa0ba902b7; }

std::string sent(const TraceContext& trace) {
  std::string out;
  append_trace_fields(out, trace, 0xabcULL);
  return out;
}

}  // namespace

TEST_CASE("a traceparent is continued, with its sampled flag") {
  const std::string start = std::string("00-") + kTrace + "-" + kParent;
  CHECK(continues(with_traceparent(start + "-01")));
  CHECK(with_traceparent(start + "-01").sampled());
  CHECK_FALSE(of(fields_of({{"Traceparent", start + "-00"}}), true).sampled());
  CHECK(sent(with_traceparent(start + "-03")) == std::string("traceparent: 00-") + kTrace + "-0000000000000abc-01\r\n");
}

TEST_CASE("what a later version has behind its flags is ignored") {
  const std::string start = std::string(kTrace) + "-" + kParent + "-01";
  CHECK(continues(with_traceparent("cc-" + start)));
  CHECK(continues(with_traceparent("cc-" + start + "-what-ever")));
  CHECK_FALSE(continues(with_traceparent("cc-" + start + "x")));
}

TEST_CASE("a malformed traceparent begins a new trace, and its tracestate ends") {
  const std::string trace = kTrace;
  const std::string parent = kParent;
  for (const std::string& value :
       {std::string(), std::string("00"), "ff-" + trace + "-" + parent + "-01", "00-" + trace + "-" + parent + "-01-x",
        "00-" + trace + "-" + parent + "-0", "00-" + trace + "-" + parent + "-0G", "00-" + trace + "-" + parent + "_01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + parent + "-01",
        "00-00000000000000000000000000000000-" + parent + "-01", "00-" + trace + "-0000000000000000-01",
        "0-" + trace + "-" + parent + "-011", "00-" + trace.substr(1) + "-" + parent + "-011"}) {
    CAPTURE(value);
    const TraceContext begun = with_traceparent(value);
    CHECK(begun.parent() == 0);
    CHECK(begun.trace_id() != kTrace);
    CHECK(begun.trace_id() != std::string(32, '0'));
    CHECK_FALSE(begun.keeps_state());
  }
  const std::string good = "00-" + trace + "-" + parent + "-01";
  CHECK(of(fields_of({{"traceparent", good}, {"traceparent", good}})).parent() == 0);
  CHECK(with_traceparent(good).keeps_state());
}

TEST_CASE("where nobody has decided, it is sampled as it is said") {
  CHECK(of({}, true).sampled());
  CHECK_FALSE(of({}, false).sampled());
  CHECK(of({}).span() != 0);
}

TEST_CASE("b3 is accepted in one field, and goes on in it beside traceparent") {
  const std::string ids = std::string(kTrace) + "-" + kParent;
  const TraceContext trace = of(fields_of({{"b3", ids + "-1-05e3ac9a4f6e3b90"}}));
  CHECK(continues(trace));
  CHECK(trace.sampled());
  CHECK(sent(trace) ==
        std::string("traceparent: 00-") + kTrace + "-0000000000000abc-01\r\nb3: " + kTrace + "-0000000000000abc-1\r\n");
  CHECK(of(fields_of({{"b3", ids + "-d"}})).sampled());
  CHECK(of(fields_of({{"b3", ids}}), true).sampled());
  CHECK_FALSE(of(fields_of({{"b3", "0"}}), true).sampled());
  CHECK(of(fields_of({{"b3", "0"}})).parent() == 0);
  CHECK(of(fields_of({{"b3", "a3ce929d0e0e4736-00f067aa0ba902b7-1"}})).trace_id() ==
        "0000000000000000a3ce929d0e0e4736");
}

TEST_CASE("malformed b3 begins a new trace") {
  const std::string ids = std::string(kTrace) + "-" + kParent;
  for (const std::string& value : {std::string(""), std::string("x"), ids + "-", ids + "-2", ids + "x", ids + "-1-5",
                                   std::string("a3ce929d-00f067aa0ba902b7-1"), std::string("-")}) {
    CAPTURE(value);
    CHECK(of(fields_of({{"b3", value}})).parent() == 0);
  }
}

TEST_CASE("traceparent goes before b3, be it malformed or not") {
  const std::string b3 = "a3ce929d0e0e4736-00f067aa0ba902b7-1";
  CHECK(of(fields_of({{"b3", b3}, {"traceparent", std::string("00-") + kTrace + "-" + kParent + "-00"}})).trace_id() ==
        kTrace);
  CHECK(of(fields_of({{"b3", b3}, {"traceparent", "x"}})).parent() == 0);
}

TEST_CASE("X-B3 fields are continued, and go on with our span") {
  const Fields fields = fields_of({{"X-B3-TraceId", kTrace},
                                   {"X-B3-SpanId", kParent},
                                   {"X-B3-ParentSpanId", "05e3ac9a4f6e3b90"},
                                   {"X-B3-Sampled", "1"},
                                   {"X-Other", "x"}});
  const TraceContext trace = of(fields);
  CHECK(continues(trace));
  CHECK(trace.sampled());
  std::string out;
  for (const Field& field : fields) append_b3_field(out, field, trace, 0xabcULL);
  const auto own = span_text(trace.span());
  CHECK(out == std::string("X-B3-TraceId: ") + kTrace + "\r\nX-B3-SpanId: 0000000000000abc\r\nX-B3-ParentSpanId: " +
                   std::string(own.data(), own.size()) + "\r\nX-B3-Sampled: 1\r\n");
  CHECK(of(fields_of({{"X-B3-Flags", "1"}})).sampled());
}

TEST_CASE("each attempt has a span of its own") {
  TraceContext trace = of({});
  const std::uint64_t first = trace.next_span();
  CHECK(first != 0);
  CHECK(trace.next_span() != first);
  CHECK(first != trace.span());
}
