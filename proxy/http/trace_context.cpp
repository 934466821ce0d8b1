// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/trace_context.hpp"

#include <algorithm>
#include <cstring>

#include "filters/connection_field.hpp"
#include "proxy/text/hex.hpp"

namespace fusewire::proxy {
namespace {

using std::string_view;

constexpr std::size_t kTraceDigits = 32;
constexpr std::size_t kSpanDigits = 16;
constexpr std::size_t kTraceparent = 55;  // 00-TRACE-PARENT-FLAGS

// Lower case, as both formats have it.
bool is_hex(string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == string_view::npos;
}
bool is_zero(string_view text) { return text.find_first_not_of('0') == string_view::npos; }

unsigned digit(char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); }
std::uint64_t number(string_view hex) {
  std::uint64_t value = 0;
  for (const char c : hex) value = value << 4 | digit(c);
  return value;
}

struct Parent {
  string_view trace_id;  // 16 or 32 digits
  std::uint64_t span = 0;
  std::optional<bool> sampled = {};  // absent: to be decided here
};

// §3.2.2. What is behind the flags of a later version is not looked at.
std::optional<Parent> parse_traceparent(string_view text) {
  if (text.size() < kTraceparent || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const string_view version = text.substr(0, 2);
  const string_view trace = text.substr(3, kTraceDigits);
  const string_view span = text.substr(36, kSpanDigits);
  const string_view flags = text.substr(53, 2);
  for (const string_view part : {version, trace, span, flags})
    if (!is_hex(part)) return std::nullopt;
  if (version == "ff" || is_zero(trace) || is_zero(span)) return std::nullopt;
  if (text.size() > kTraceparent && (version == "00" || text[kTraceparent] != '-')) return std::nullopt;
  return Parent{trace, number(span), (digit(flags[1]) & 1U) != 0};
}

std::optional<bool> b3_sampling(string_view text) {
  if (text == "1" || text == "d" || text == "true") return true;
  if (text == "0" || text == "false") return false;
  return std::nullopt;
}

bool is_b3_trace_id(string_view id) {
  return (id.size() == kTraceDigits || id.size() == kSpanDigits) && is_hex(id) && !is_zero(id);
}
bool is_span_id(string_view id) { return id.size() == kSpanDigits && is_hex(id) && !is_zero(id); }

// TRACE-SPAN[-SAMPLED[-PARENT]], or SAMPLED alone, which begins a trace.
std::optional<Parent> parse_b3(string_view text) {
  if (const auto alone = b3_sampling(text)) return Parent{{}, 0, alone};
  const std::size_t dash = text.find('-');
  if (dash == string_view::npos) return std::nullopt;
  const string_view rest = text.substr(dash + 1);
  Parent parent{.trace_id = text.substr(0, dash)};
  const string_view span = rest.substr(0, kSpanDigits);
  if (!is_b3_trace_id(parent.trace_id) || !is_span_id(span)) return std::nullopt;
  parent.span = number(span);
  if (rest.size() == kSpanDigits) return parent;
  if (rest[kSpanDigits] != '-') return std::nullopt;
  const string_view more = rest.substr(kSpanDigits + 1);
  const string_view decision = more.substr(0, more.find('-'));
  parent.sampled = b3_sampling(decision);
  const bool well_formed = decision.size() == more.size() || is_span_id(more.substr(decision.size() + 1));
  return parent.sampled && well_formed ? std::optional(parent) : std::nullopt;
}

enum class B3Field : std::uint8_t { none, trace_id, span_id, parent_span_id, sampled, flags };

B3Field b3_field(string_view name) {
  constexpr string_view kPrefix = "x-b3-";
  if (name.size() < kPrefix.size() || !iequals(name.substr(0, kPrefix.size()), kPrefix)) return B3Field::none;
  const string_view rest = name.substr(kPrefix.size());
  if (iequals(rest, "traceid")) return B3Field::trace_id;
  if (iequals(rest, "spanid")) return B3Field::span_id;
  if (iequals(rest, "parentspanid")) return B3Field::parent_span_id;
  if (iequals(rest, "sampled")) return B3Field::sampled;
  if (iequals(rest, "flags")) return B3Field::flags;
  return B3Field::none;
}

std::optional<Parent> parse_b3_fields(const Fields& fields) {
  Parent parent;
  string_view span;
  for (const Field& field : fields) {
    switch (b3_field(field.name)) {
      case B3Field::trace_id:
        parent.trace_id = field.value;
        break;
      case B3Field::span_id:
        span = field.value;
        break;
      case B3Field::sampled:
        parent.sampled = b3_sampling(field.value);
        break;
      case B3Field::flags:
        if (field.value == "1") parent.sampled = true;  // debug
        break;
      default:
        break;
    }
  }
  if (parent.trace_id.empty() && span.empty()) return parent.sampled ? std::optional(parent) : std::nullopt;
  if (!is_b3_trace_id(parent.trace_id) || !is_span_id(span)) return std::nullopt;
  parent.span = number(span);
  return parent;
}

struct Given {
  std::optional<Parent> parent;
  TraceContext::From from = TraceContext::From::nobody;
};

// traceparent goes before B3; a malformed one does not make room for it.
Given given(const Fields& fields) {
  const Field* w3c = nullptr;
  const Field* b3 = nullptr;
  bool several = false;
  bool multi = false;
  for (const Field& field : fields) {
    if (field.id == FieldId::traceparent) {
      several = w3c != nullptr;
      w3c = &field;
    } else if (field.id == FieldId::b3) {
      b3 = &field;
    } else if (field.id == FieldId::other && b3_field(field.name) != B3Field::none) {
      multi = true;
    }
  }
  using From = TraceContext::From;
  if (w3c != nullptr) {
    const auto parent = several ? std::nullopt : parse_traceparent(w3c->value);
    return {parent, parent ? From::traceparent : From::nobody};
  }
  if (b3 != nullptr) return {parse_b3(b3->value), From::b3};
  if (multi) return {parse_b3_fields(fields), From::b3_fields};
  return {};
}

}  // namespace

TraceContext TraceContext::of(const Fields& fields, const Fresh& fresh) {
  const Given client = given(fields);
  TraceContext context;
  context.from_ = client.from;
  context.span_ = fresh.random[2] | 1U;
  context.sampled_ = client.parent && client.parent->sampled ? *client.parent->sampled : fresh.sampled;
  if (!client.parent || client.parent->trace_id.empty()) {
    write_hex(context.trace_id_.data(), fresh.random[0] | 1U);
    write_hex(context.trace_id_.data() + kSpanDigits, fresh.random[1]);
    return context;
  }
  context.parent_ = client.parent->span;
  const string_view id = client.parent->trace_id;
  context.trace_id_.fill('0');  // 64-bit ids stand on the right
  std::copy(id.begin(), id.end(), context.trace_id_.end() - static_cast<std::ptrdiff_t>(id.size()));
  return context;
}

std::array<char, 16> span_text(std::uint64_t span) {
  std::array<char, kSpanDigits> text{};
  write_hex(text.data(), span);
  return text;
}

void append_trace_fields(std::string& out, const TraceContext& trace, std::uint64_t span) {
  constexpr string_view kForm = "traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-00\r\n";
  constexpr std::size_t kId = 16, kSpan = kId + kTraceDigits + 1, kSampled = kSpan + kSpanDigits + 2;
  std::array<char, kForm.size()> line;
  std::memcpy(line.data(), kForm.data(), kForm.size());
  std::memcpy(line.data() + kId, trace.trace_id().data(), kTraceDigits);
  write_hex(line.data() + kSpan, span);
  if (trace.sampled()) line[kSampled] = '1';
  out.append(line.data(), line.size());
  if (trace.from() != TraceContext::From::b3) return;
  const string_view id(line.data() + kSpan, kSpanDigits);
  out.append("b3: ").append(trace.trace_id()).append("-").append(id).append(trace.sampled() ? "-1\r\n" : "-0\r\n");
}

bool append_b3_field(std::string& out, const Field& field, const TraceContext& trace, std::uint64_t span) {
  const B3Field which = b3_field(field.name);
  if (which == B3Field::none) return false;
  const auto line = [&](string_view value) { out.append(field.name).append(": ").append(value).append("\r\n"); };
  const auto digits = span_text(which == B3Field::span_id ? span : trace.span());
  switch (which) {
    case B3Field::trace_id:
      line(trace.trace_id());
      break;
    case B3Field::span_id:
    case B3Field::parent_span_id:
      line({digits.data(), digits.size()});
      break;
    case B3Field::sampled:
      line(trace.sampled() ? "1" : "0");
      break;
    default:
      line(field.value);
      break;
  }
  return true;
}

string_view trace_id_in(string_view traceparent) {
  const auto parent = parse_traceparent(traceparent);
  return parent ? parent->trace_id : string_view{};
}

}  // namespace fusewire::proxy
