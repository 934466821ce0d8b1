// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/exchange/reader.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace fusewire::fuzz {

namespace {

using std::string;
using std::string_view;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

string_view without_blanks(string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<string_view> elements(string_view list) {
  std::vector<string_view> all;
  for (std::size_t at = 0; at != string_view::npos;) {
    const auto comma = list.find(',', at);
    all.push_back(without_blanks(list.substr(at, comma == string_view::npos ? comma : comma - at)));
    at = comma == string_view::npos ? comma : comma + 1;
  }
  return all;
}

bool is_token(string_view text) {
  constexpr string_view kOther = "!#$%&'*+-.^_`|~";
  for (const char c : text) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alnum && kOther.find(c) == string_view::npos) return false;
  }
  return !text.empty();
}

bool has_control(string_view text, bool blanks_are_fine) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool blank = c == ' ' || c == '\t';
    if (blank ? !blanks_are_fine : byte < 0x20 || byte == 0x7f) return true;
  }
  return false;
}

bool is_digits(string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == string_view::npos; }

class Stream {
 public:
  Stream(string_view bytes, Rules rules) : bytes_(bytes), rules_(rules) {}

  Reading out;

  bool fault(string why) {
    if (out.fault.empty()) out.fault = std::move(why);
    return false;
  }
  bool over() const { return !out.fault.empty(); }
  std::size_t at() const { return at_; }
  bool exact() const { return rules_ == Rules::exact; }
  string_view rest() const { return bytes_.substr(at_); }
  void skip(std::size_t n) { at_ += n; }

  // A line, when it is whole and ends as it must.
  std::optional<string_view> line() {
    const auto lf = bytes_.find('\n', at_);
    const auto text = bytes_.substr(at_, lf == string_view::npos ? lf : lf - at_);
    const bool crlf = !text.empty() && text.back() == '\r';
    if (text.substr(0, crlf ? text.size() - 1 : text.size()).find('\r') != string_view::npos) fault("a bare CR");
    if (lf != string_view::npos && !crlf) fault("a bare LF");
    if (lf == string_view::npos || over()) return std::nullopt;
    at_ = lf + 1;
    return text.substr(0, text.size() - 1);
  }

  // Up to the empty line. False: it is not there, or there is a fault.
  bool fields(FieldList& into) {
    while (const auto text = line()) {
      if (text->empty()) return true;
      const auto colon = text->find(':');
      if (colon == string_view::npos) return fault("a field without a colon");
      const auto name = text->substr(0, colon);
      const auto value = without_blanks(text->substr(colon + 1));
      if (!is_token(name)) return fault("a field name is not a token");  // obs-fold, too
      if (has_control(value, true)) return fault("a control character in a value");
      into.emplace_back(name, value);
    }
    return false;
  }

  bool counted(Message& message, std::uint64_t size) {
    const auto piece = rest().substr(0, size);
    message.body.append(piece);
    at_ += piece.size();
    return piece.size() == size;
  }

  bool chunked(Message& message) {
    for (;;) {
      const auto text = line();
      if (!text) return false;
      const auto size = chunk_size(*text);
      if (!size) return fault("a chunk size");
      if (*size == 0) break;
      if (!counted(message, *size)) return false;
      if (rest().substr(0, 2) != string_view("\r\n").substr(0, rest().size())) return fault("a chunk without its end");
      if (rest().size() < 2) return false;
      at_ += 2;
    }
    if (!fields(message.trailers)) return false;
    for (const auto& [name, value] : message.trailers)
      for (const auto bad : {"content-length", "transfer-encoding", "host", "connection"})
        if (exact() && same_name(name, bad)) return fault("a trailer that frames or routes");
    return true;
  }

  // What frames the message: a number, chunked (true), or neither.
  struct Framing {
    bool chunked = false;
    std::optional<std::uint64_t> length;
  };
  bool framing(const Message& message, Framing& framing) {
    const auto codings = message.all("transfer-encoding");
    const auto lengths = message.all("content-length");
    if (!codings.empty()) {
      if (codings.size() > 1 || !same_name(codings[0], "chunked")) return fault("Transfer-Encoding is not chunked");
      if (!lengths.empty()) return fault("Content-Length beside Transfer-Encoding");
      if (message.version() == "HTTP/1.0") return fault("Transfer-Encoding in HTTP/1.0");
      framing.chunked = true;
      return true;
    }
    if (exact() && lengths.size() > 1) return fault("Content-Length twice");
    for (const auto field : lengths)
      for (const auto text : elements(field)) {
        const auto value = decimal(text);
        if (!value || (exact() && text.size() != field.size())) return fault("Content-Length is not one number");
        if (framing.length && framing.length != value) return fault("two lengths");
        framing.length = value;
      }
    return true;
  }

 private:
  std::optional<std::uint64_t> chunk_size(string_view text) const {
    const auto digits = text.find_first_not_of("0123456789abcdefABCDEF");
    const auto size = text.substr(0, digits);
    if (size.empty() || size.size() > 15) return std::nullopt;
    if (digits != string_view::npos) {  // an extension
      if (exact()) return std::nullopt;
      const auto behind = text.find_first_not_of(" \t", digits);
      if (behind == string_view::npos || text[behind] != ';' || has_control(text.substr(behind), true))
        return std::nullopt;
    }
    return std::stoull(string(size), nullptr, 16);
  }

  std::optional<std::uint64_t> decimal(string_view text) const {
    if (!is_digits(text)) return std::nullopt;
    if (exact() && text.size() > 1 && text.front() == '0') return std::nullopt;
    const auto significant = text.find_first_not_of('0');
    if (significant == string_view::npos) return 0;
    text.remove_prefix(significant);
    if (text.size() > 19) return std::nullopt;  // above 2^63 some see a negative number; nothing here is that long
    return std::stoull(string(text));
  }

  string_view bytes_;
  Rules rules_;
  std::size_t at_ = 0;
};

bool request_line(Stream& in, const Message& message) {
  const auto& line = message.start;
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == string::npos || first == last) return in.fault("a request line without three words");
  const string_view version = string_view(line).substr(last + 1);
  const auto target = string_view(line).substr(first + 1, last - first - 1);
  if (!is_token(string_view(line).substr(0, first))) return in.fault("a method that is not a token");
  if (target.empty() || has_control(target, false)) return in.fault("a target with a space or a control character");
  const bool known = version.size() == 8 && version.starts_with("HTTP/1.") && is_digits(version.substr(7));
  if (!known || (in.exact() && version != "HTTP/1.1")) return in.fault("a version that is not HTTP/1.1");
  return true;
}

bool host(Stream& in, const Message& message) {
  const auto hosts = message.all("host");
  const bool optional = !in.exact() && message.version() == "HTTP/1.0";
  if (hosts.size() > 1 || (hosts.empty() && !optional)) return in.fault("Host is not there once");
  if (in.exact() && (hosts[0].empty() || hosts[0].find_first_of(" \t/@?#") != string_view::npos))
    return in.fault("Host is not a host");
  return true;
}

bool one_request(Stream& in, Message& message) {
  if (!in.exact() && in.rest().starts_with("\r\n")) in.skip(2);
  message.begin = in.at();
  const auto line = in.line();
  if (!line) return false;
  message.start = *line;
  Stream::Framing framing;
  if (!request_line(in, message) || !in.fields(message.fields) || !host(in, message) || !in.framing(message, framing))
    return false;
  message.head = true;
  return framing.chunked ? in.chunked(message) : in.counted(message, framing.length.value_or(0));
}

bool status_line(Stream& in, const Message& message) {
  const string_view line = message.start;
  const bool known = line.size() >= 12 && line.starts_with("HTTP/1.") && is_digits(line.substr(7, 1)) &&
                     line[8] == ' ' && is_digits(line.substr(9, 3)) && line[9] >= '1' && line[9] <= '5' &&
                     (line.size() == 12 || line[12] == ' ') && !has_control(line, true);
  if (!known || (in.exact() && (!line.starts_with("HTTP/1.1") || line.size() == 12)))
    return in.fault("a status line that is none");
  return true;
}

bool response_head(Stream& in, Message& message, Stream::Framing& framing) {
  const auto line = in.line();
  if (!line) return false;
  message.start = *line;
  return status_line(in, message) && in.fields(message.fields) && in.framing(message, framing);
}

bool one_response(Stream& in, Message& message, string_view method, bool ended) {
  message.begin = in.at();
  Stream::Framing framing;
  for (;;) {
    if (!response_head(in, message, framing)) return false;
    if (message.status() >= 200 || message.status() == 101) break;
    if (in.exact() && (framing.chunked || framing.length)) return in.fault("an interim response with a length");
    message.interims.push_back(std::exchange(message.start, {}));
    message.fields.clear();
    framing = {};
  }
  message.head = true;
  const int status = message.status();
  if (method == "HEAD" || status == 101 || status == 204 || status == 304) return true;
  if (framing.chunked) return in.chunked(message);
  if (framing.length) return in.counted(message, *framing.length);
  message.until_close = true;
  in.counted(message, in.rest().size());
  return ended;
}

}  // namespace

bool same_name(string_view a, string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

string_view Message::word(std::size_t index) const {
  const string_view line = start;
  const auto first = line.find(' ');
  if (index == 0 || first == string_view::npos) return line.substr(0, first);
  return line.substr(first + 1, line.rfind(' ') - first - 1);
}

string_view Message::version() const {
  return start.starts_with("HTTP/") ? string_view(start).substr(0, 8) : string_view(start).substr(start.rfind(' ') + 1);
}

int Message::status() const { return std::stoi(start.substr(9, 3)); }

std::vector<string_view> Message::all(string_view name) const {
  std::vector<string_view> values;
  for (const auto& [key, value] : fields)
    if (same_name(key, name)) values.emplace_back(value);
  return values;
}

string_view Message::first(string_view name) const {
  const auto values = all(name);
  return values.empty() ? string_view{} : values.front();
}

bool Message::lists(string_view name, string_view element) const {
  for (const auto value : all(name))
    for (const auto one : elements(value))
      if (same_name(one, element)) return true;
  return false;
}

bool Message::keeps_alive() const {
  if (until_close || lists("connection", "close")) return false;
  return version() != "HTTP/1.0" || lists("connection", "keep-alive");
}

Reading read_requests(string_view stream, Rules rules) {
  Stream in(stream, rules);
  while (!in.rest().empty() && !in.over()) {
    Message& message = in.out.messages.emplace_back();
    if (!one_request(in, message)) break;
    message.complete = true;
    message.end = in.out.end = in.at();
  }
  return std::move(in.out);
}

Reading read_responses(string_view stream, const std::vector<string>& methods, bool ended, Rules rules) {
  Stream in(stream, rules);
  for (std::size_t i = 0; !in.rest().empty() && !in.over(); ++i) {
    if (i == methods.size()) {
      in.fault("an answer that nobody asked for");
      break;
    }
    Message& message = in.out.messages.emplace_back();
    if (!one_response(in, message, methods[i], ended)) break;
    message.complete = true;
    message.end = in.out.end = in.at();
  }
  return std::move(in.out);
}

}  // namespace fusewire::fuzz
