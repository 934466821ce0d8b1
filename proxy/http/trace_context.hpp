// SPDX-License-Identifier: Apache-2.0
// Whose trace a request belongs to: W3C Trace Context (level 1), and Zipkin's B3 where a client sends that. Pure
// functions of bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "filters/balance/random.hpp"
#include "filters/message.hpp"

namespace fusewire::proxy {

// Of one request, on its worker's thread.
class TraceContext {
 public:
  // How the client gave it. With `b3` and `b3_fields` the same kind goes upstream, beside traceparent.
  enum class From : std::uint8_t { nobody, traceparent, b3, b3_fields };
  // For what is new: numbers that no other request has, and whether a trace that nobody has decided about is sampled.
  struct Fresh {
    std::array<std::uint64_t, 3> random{};
    bool sampled = false;
  };

  // Continues the client's trace, or begins one: where it has none, or where its traceparent is malformed or there are
  // several (§3.3).
  static TraceContext of(const Fields&, const Fresh&);

  std::string_view trace_id() const { return {trace_id_.data(), trace_id_.size()}; }  // 32 lower-case digits
  const std::array<char, 32>& id_digits() const { return trace_id_; }
  std::uint64_t span() const { return span_; }      // of the request
  std::uint64_t parent() const { return parent_; }  // the client's; 0: the trace begins here
  bool sampled() const { return sampled_; }
  From from() const { return from_; }
  // The client's tracestate goes on: only together with its traceparent.
  bool keeps_state() const { return from_ == From::traceparent; }

  // For each attempt another one.
  std::uint64_t next_span() {
    const std::uint64_t span = balance::mix64(span_ + ++spans_);
    return span != 0 ? span : 1;
  }

 private:
  std::array<char, 32> trace_id_{};
  std::uint64_t span_ = 0;
  std::uint64_t parent_ = 0;
  std::uint32_t spans_ = 0;
  bool sampled_ = false;
  From from_ = From::nobody;
};

// "traceparent: 00-…-…-01\r\n", and `b3` where the client spoke it, with that span as the parent of what follows.
void append_trace_fields(std::string& out, const TraceContext&, std::uint64_t span);
// Of a client that sends X-B3-TraceId and its like: a field of these, with what it says to the upstream. False: it is
// none, and passes as it is.
bool append_b3_field(std::string& out, const Field&, const TraceContext&, std::uint64_t span);

// The trace's id in a traceparent as it came; empty where it is malformed.
std::string_view trace_id_in(std::string_view traceparent);

// 16 lower-case digits.
std::array<char, 16> span_text(std::uint64_t span);

}  // namespace fusewire::proxy
