// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/head_parser.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "filters/connection_field.hpp"
#include "proxy/http/authentication.hpp"
#include "proxy/http/chars.hpp"
#include "proxy/http/field_ids.hpp"

namespace fusewire::proxy::http {

namespace {

using std::string_view;

// Cuts a head into lines. A line ends with CRLF and nothing else.
class Lines {
 public:
  enum class Next { line, incomplete, bad_end };

  explicit Lines(string_view bytes) : bytes_(bytes) {}

  Next next(string_view& line) {
    const auto end = bytes_.find('\n', at_);
    if (end == string_view::npos) return Next::incomplete;
    if (end == at_ || bytes_[end - 1] != '\r') return Next::bad_end;
    line = bytes_.substr(at_, end - 1 - at_);
    at_ = end + 1;
    return Next::line;
  }
  std::size_t at() const { return at_; }

 private:
  string_view bytes_;
  std::size_t at_ = 0;
};

// Collects one message's head; every refusal passes through refuse().
class HeadReader {
 public:
  enum class Of { head, trailers };

  HeadReader(string_view bytes, const HeadLimits& limits, Of of = Of::head)
      : bytes_(bytes), limits_(limits), lines_(bytes), of_(of) {}

  HeadResult result;

  bool refuse(Problem problem, string_view reason) {
    result.parsed = Parsed::refused;
    result.problem = problem;
    result.reason = reason;
    return false;
  }
  bool bad(string_view reason) { return refuse(Problem::bad_request, reason); }

  // False: incomplete or refused.
  bool line(string_view& out) {
    switch (lines_.next(out)) {
      case Lines::Next::line:
        return within_limit(lines_.at());
      case Lines::Next::bad_end:
        return bad("a line must end with CRLF");
      case Lines::Next::incomplete:
        within_limit(bytes_.size());
        break;
    }
    return false;
  }

  // Fields up to the empty line; result.size is then the size of all.
  bool fields(Fields& out) {
    out.clear();
    for (string_view text; line(text);) {
      if (text.empty()) {
        result.size = lines_.at();
        return true;
      }
      if (!field(text, out)) return false;
    }
    return false;
  }

  bool body_from_fields(const Fields&, bool http10, BodyKind& kind, std::uint64_t& length);

 private:
  bool within_limit(std::size_t used) {
    return used <= limits_.max_bytes || refuse(Problem::headers_too_large, limits_.too_large);
  }

  bool field(string_view text, Fields& out) {
    if (text.front() == ' ' || text.front() == '\t')
      return bad(out.size() == 0 ? "white space before the first field" : "a field is folded over two lines");
    if (out.size() == limits_.max_fields) return refuse(Problem::headers_too_large, limits_.too_many_fields);
    const auto name = text.substr(0, token_prefix(text));
    const auto rest = text.substr(name.size());
    if (name.empty() || rest.empty() || rest.front() != ':')
      return bad(text.find(':') == string_view::npos ? "a field has no colon" : "a field name is not a token");
    const auto value = trim(rest.substr(1));
    if (!is_field_value(value)) return bad("a control character in a field value");
    const FieldId id = field_id(name);
    const bool is_whole_line = rest.size() == value.size() + 2 && rest[1] == ' ';
    out.add({.name = name, .value = value, .id = id, .is_whole_line = is_whole_line});
    if (id == FieldId::connection) return of_ == Of::trailers || connection(value);
    if (is_authentication(id) && authenticates_connection(value)) result.connection_bound = true;
    return true;
  }

  bool connection(string_view value) {
    while (!value.empty()) {
      const auto option = next_element(value);
      // Each field is looked up among the options: a head full of them would cost their product.
      if (++options_ > ConnectionNames::kMax)
        return refuse(Problem::headers_too_large, "too many options in Connection");
      if (option.empty()) continue;
      if (!is_token(option)) return bad("Connection is not a list of tokens");
      switch (field_id(option)) {
        case FieldId::host:
        case FieldId::content_length:
        case FieldId::transfer_encoding:
          return bad("Connection names a field that frames or routes the message");
        default:
          break;
      }
      if (iequals(option, "close"))
        result.connection.close = true;
      else if (iequals(option, "keep-alive"))
        result.connection.keep_alive = true;
      else if (iequals(option, "upgrade"))
        result.connection.upgrade = true;
      else
        result.connection.names_fields = true;
    }
    return true;
  }

  string_view bytes_;
  const HeadLimits& limits_;
  Lines lines_;
  Of of_;
  std::size_t options_ = 0;  // of all Connection fields
};

// A list of digits: its number, unless it is above 2^63 - 1, where an upstream may see a negative one.
std::optional<std::uint64_t> number(string_view digits) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (digits.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (kMax - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

// Digits only; `5, 5` folds to `5` (RFC 9112 §6.3 item 5).
bool content_length(string_view list, std::optional<std::uint64_t>& length) {
  if (list.empty()) return false;
  for (bool more = true; more;) {
    more = list.find(',') != string_view::npos;
    const auto value = number(next_element(list));
    if (!value || (length && *length != *value)) return false;
    length = value;
  }
  return true;
}

// All Transfer-Encoding fields of a message, judged as one list.
struct Codings {
  bool present = false;
  bool chunked_last = false;
  bool chunked_twice = false;
  bool bad = false;
  std::size_t others = 0;

  void add(string_view list) {
    present = true;
    for (bool more = true; more;) {
      more = list.find(',') != string_view::npos;
      const auto coding = next_element(list);
      if (!is_token(coding)) bad = true;
      const bool chunked = iequals(coding, "chunked");
      if (chunked && chunked_last) chunked_twice = true;
      if (!chunked) ++others;
      chunked_last = chunked;
    }
  }
};

bool HeadReader::body_from_fields(const Fields& list, bool http10, BodyKind& kind, std::uint64_t& length) {
  Codings codings;
  std::optional<std::uint64_t> declared;
  for (const Field& field : list) {
    if (field.id == FieldId::transfer_encoding) codings.add(field.value);
    if (field.id == FieldId::content_length && !content_length(field.value, declared))
      return bad("Content-Length is not one number");
  }
  if (!codings.present) {
    if (declared) {
      kind = BodyKind::length;
      length = *declared;
    }
    return true;
  }
  if (declared) return bad("Content-Length together with Transfer-Encoding");
  if (http10) return bad("Transfer-Encoding in HTTP/1.0");
  if (codings.bad || codings.chunked_twice || !codings.chunked_last) return bad("Transfer-Encoding is not chunked");
  if (codings.others > 0) return refuse(Problem::not_implemented, "a transfer coding other than chunked");
  kind = BodyKind::chunked;
  return true;
}

// "HTTP/1.1" -> minor version; a well-formed version with another major number is `other`.
enum class Version { http1, other, malformed };
Version version(string_view text, int& minor) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 8 || text.substr(0, 5) != "HTTP/" || !digit(text[5]) || text[6] != '.' || !digit(text[7]))
    return Version::malformed;
  minor = text[7] == '0' ? 0 : 1;  // HTTP/1.x with x > 1 is read as 1.1 (RFC 9110 §2.5)
  return text[5] == '1' ? Version::http1 : Version::other;
}

// Splits an absolute-form (RFC 9112 §3.2.2). False: malformed, or of another scheme than the
// connection's: what is secured and what is not is never mixed up (RFC 9110 §7.4).
bool absolute_form(Request& out) {
  constexpr string_view kAfterScheme = "://";
  const std::size_t before = out.scheme.size() + kAfterScheme.size();
  if (out.target.size() <= before || !iequals(out.target.substr(0, out.scheme.size()), out.scheme) ||
      out.target.substr(out.scheme.size(), kAfterScheme.size()) != kAfterScheme)
    return false;
  const auto rest = out.target.substr(before);
  const auto end = rest.find_first_of("/?");
  out.authority = rest.substr(0, end);
  out.set_target(end == string_view::npos ? string_view{} : rest.substr(end));
  return is_authority(out.authority);
}

bool request_line(HeadReader& reader, string_view line, Request& out) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == string_view::npos || first == last) return reader.bad("the request line is not METHOD TARGET VERSION");
  out.method = line.substr(0, first);
  out.target = line.substr(first + 1, last - first - 1);
  if (!is_token(out.method)) return reader.bad("the method is not a token");
  if (!is_target(out.target)) return reader.bad("a space, a control character or a fragment in the target");
  switch (version(line.substr(last + 1), out.minor_version)) {
    case Version::http1:
      break;
    case Version::other:
      return reader.refuse(Problem::version_not_supported, "not HTTP/1.x");
    case Version::malformed:
      return reader.bad("the version is malformed");
  }
  if (out.method == "CONNECT" || out.method == "TRACE")
    return reader.refuse(Problem::method_not_allowed, "CONNECT and TRACE are not served");
  out.authority = {};
  if (out.target.front() == '/' || (out.target == "*" && out.method == "OPTIONS")) {
    out.set_target(out.target);
    return true;
  }
  return absolute_form(out) || reader.bad("the target is neither origin-form nor absolute-form");
}

bool host(HeadReader& reader, Request& out) {
  std::optional<string_view> found;
  for (const Field& field : out.fields) {
    if (field.id != FieldId::host) continue;
    if (found) return reader.bad("Host is repeated");
    found = field.value;
  }
  if (!found) return out.minor_version == 0 || reader.bad("Host is missing");
  if (!is_authority(*found)) return reader.bad("Host is invalid");
  if (out.authority.empty()) out.authority = *found;  // absolute-form wins (RFC 9112 §3.2.2)
  return true;
}

}  // namespace

HeadResult parse_request_head(string_view bytes, const HeadLimits& limits, Request& out) {
  // One empty line before a request is skipped (RFC 9112 §2.2).
  const std::size_t skipped = bytes.substr(0, 2) == "\r\n" ? 2 : 0;
  HeadReader reader(bytes.substr(skipped), limits);
  if (bytes == "\r") return reader.result;  // half of it
  if (bytes.size() > skipped && !is_token(bytes.substr(skipped, 1))) {
    reader.bad("a request starts with its method");  // TLS on a plain port, say: known at its first byte
    return reader.result;
  }
  const auto line_end = bytes.find('\n', skipped);
  if (std::min(line_end, bytes.size()) - skipped > limits.max_line + 1) {  // its CR is not counted
    reader.refuse(Problem::uri_too_long, "the request line is too long");
    return reader.result;
  }
  string_view line;
  if (reader.line(line) && request_line(reader, line, out) && reader.fields(out.fields)) {
    out.body = BodyKind::none;
    out.content_length = 0;
    if (host(reader, out) &&
        reader.body_from_fields(out.fields, out.minor_version == 0, out.body, out.content_length)) {
      reader.result.parsed = Parsed::complete;
      reader.result.size += skipped;
    }
  }
  return reader.result;
}

namespace {

bool status_line(HeadReader& reader, string_view line, Response& out) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (line.size() < 12 || version(line.substr(0, 8), out.minor_version) != Version::http1 || line[8] != ' ')
    return reader.bad("the status line is malformed");
  if (line[9] < '1' || line[9] > '5' || !digit(line[10]) || !digit(line[11]))
    return reader.bad("the status is not one");
  out.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  out.reason = line.substr(12);
  if (out.reason.empty()) return true;  // the space before an empty reason is often forgotten
  if (out.reason.front() != ' ') return reader.bad("the status is not one");
  out.reason.remove_prefix(1);
  return is_field_value(out.reason) || reader.bad("a control character in the reason");
}

}  // namespace

HeadResult parse_response_head(string_view bytes, const HeadLimits& limits, bool to_head, Response& out) {
  HeadReader reader(bytes, limits);
  string_view line;
  if (reader.line(line) && status_line(reader, line, out) && reader.fields(out.fields)) {
    out.body = BodyKind::until_close;
    out.content_length = 0;
    if (reader.body_from_fields(out.fields, out.minor_version == 0, out.body, out.content_length)) {
      if (to_head || out.status < 200 || out.status == 204 || out.status == 304) out.body = BodyKind::none;
      reader.result.parsed = Parsed::complete;
    }
  }
  if (reader.result.parsed == Parsed::refused) reader.result.problem = Problem::upstream_protocol_error;
  return reader.result;
}

HeadResult parse_trailers(string_view bytes, const HeadLimits& limits, Fields& out) {
  HeadReader reader(bytes, limits, HeadReader::Of::trailers);
  if (reader.fields(out)) {
    reader.result.parsed = Parsed::complete;
    out.remove_if([](const Field& field) { return !may_be_trailer(field); });
  }
  return reader.result;
}

}  // namespace fusewire::proxy::http
