// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/body_decoder.hpp"

#include <algorithm>
#include <cstring>

#include "proxy/http/chars.hpp"
#include "proxy/http/head_parser.hpp"

namespace fusewire::proxy::http {

namespace {

constexpr std::uint64_t kMaxExtensions = 16 * 1024;  // over a whole message
constexpr HeadLimits kTrailerLimits{.max_line = 8 * 1024,
                                    .max_bytes = 8 * 1024,
                                    .max_fields = 200,
                                    .too_large = "the trailer section is over 8 KiB",
                                    .too_many_fields = "there are over 200 trailers"};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr bool is_white(char c) { return c == ' ' || c == '\t'; }
constexpr bool is_tchar(char c) { return token_prefix({&c, 1}) == 1; }
// Within a quoted string: HTAB, SP, VCHAR and obs-text (RFC 9110 §5.6.4).
constexpr bool is_text(char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); }

}  // namespace

BodyDecoder::BodyDecoder(BodyKind kind, std::uint64_t content_length) : kind_(kind) {
  switch (kind) {
    case BodyKind::none:
      break;
    case BodyKind::length:
      remaining_ = content_length;
      if (remaining_ > 0) state_ = State::identity;
      break;
    case BodyKind::until_close:
      state_ = State::identity;
      break;
    case BodyKind::chunked:
      state_ = State::chunk_size;
      break;
  }
}

void BodyDecoder::fail(std::string_view why) {
  state_ = State::failed;
  failure_ = why;
}

bool BodyDecoder::finish() {
  if (kind_ == BodyKind::until_close && state_ == State::identity) state_ = State::done;
  return done();
}

BodyDecoder::Step BodyDecoder::decode(char* input, std::size_t size) {
  if (state_ == State::identity) {
    const auto n =
        kind_ == BodyKind::length ? static_cast<std::size_t>(std::min<std::uint64_t>(size, remaining_)) : size;
    if (kind_ == BodyKind::length) {
      remaining_ -= n;
      if (remaining_ == 0) state_ = State::done;
    }
    decoded_ += n;
    return {n, {input, n}};
  }
  std::size_t in = 0;
  std::size_t out = 0;
  while (in < size && state_ != State::done && state_ != State::failed) {
    if (state_ == State::chunk_data) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(size - in, remaining_));
      if (in != out) std::memmove(input + out, input + in, n);
      in += n;
      out += n;
      remaining_ -= n;
      if (remaining_ == 0) state_ = State::chunk_cr;
    } else if (state_ == State::trailers) {
      in += decode_trailers({input + in, size - in});
    } else {
      chunk_head(input[in++]);
    }
  }
  decoded_ += out;
  return {in, {input, out}};
}

void BodyDecoder::chunk_head(char c) {
  switch (state_) {
    case State::chunk_size:
      return chunk_size_digit(c);
    case State::chunk_space:  // only before an extension (RFC 9112 §7.1.1, BWS): `5 5` is not a size
      if (c == ';')
        state_ = State::extension_start;
      else if (!is_white(c))
        fail("white space after a chunk size");
      else if (++overhead_ > kMaxExtensions)
        fail("too many chunk extensions");
      return;
    case State::chunk_size_lf:
      return c == '\n' ? chunk_size_complete() : fail("a chunk size must end with CRLF");
    case State::chunk_cr:
      return c == '\r' ? void(state_ = State::chunk_lf) : fail("a chunk is longer than its size");
    case State::chunk_lf:
      return c == '\n' ? void(state_ = State::chunk_size) : fail("a chunk must end with CRLF");
    default:
      return chunk_extension(c);
  }
}

// ; name [= token or quoted-string], with white space around both marks (RFC 9112 §7.1.1). Nothing of it is kept.
void BodyDecoder::chunk_extension(char c) {
  if (++overhead_ > kMaxExtensions) return fail("too many chunk extensions");
  switch (state_) {
    case State::extension_start:
      if (is_tchar(c))
        state_ = State::extension_name;
      else if (!is_white(c))
        fail("a chunk extension without a name");
      return;
    case State::extension_name:
      if (is_tchar(c)) return;
      [[fallthrough]];
    case State::extension_equals:
      if (c == '=')
        state_ = State::extension_value;
      else if (is_white(c))
        state_ = State::extension_equals;
      else if (state_ == State::extension_equals && c == '\r')
        fail("white space after a chunk extension");
      else
        after_extension(c);
      return;
    case State::extension_value:
      if (c == '"')
        state_ = State::extension_quoted;
      else if (is_tchar(c))
        state_ = State::extension_token;
      else if (!is_white(c))
        fail("a chunk extension without its value");
      return;
    case State::extension_token:
      return is_tchar(c) ? void() : after_extension(c);
    case State::extension_quoted:
      if (c == '"')
        state_ = State::extension_end;
      else if (c == '\\')
        state_ = State::extension_escaped;
      else if (!is_text(c))
        fail("a control character in a chunk extension");
      return;
    case State::extension_escaped:
      return is_text(c) ? void(state_ = State::extension_quoted) : fail("a control character in a chunk extension");
    default:
      return after_extension(c);
  }
}

void BodyDecoder::after_extension(char c) {
  if (c == ';')
    state_ = State::extension_start;
  else if (c == '\r')
    state_ = State::chunk_size_lf;
  else if (is_white(c))
    state_ = State::chunk_space;
  else
    fail("a malformed chunk extension");
}

void BodyDecoder::chunk_size_digit(char c) {
  if (const int digit = hex_digit(c); digit >= 0) {
    if (++size_digits_ > 15) return fail("a chunk size overflows");
    remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
    return;
  }
  if (size_digits_ == 0) return fail("a chunk size is not hexadecimal");
  if (c == ' ' || c == '\t')
    state_ = State::chunk_space;
  else if (c == ';')
    state_ = State::extension_start;
  else if (c == '\r')
    state_ = State::chunk_size_lf;
  else
    fail("a chunk size is not hexadecimal");
}

void BodyDecoder::chunk_size_complete() {
  state_ = remaining_ == 0 ? State::trailers : State::chunk_data;
  size_digits_ = 0;
}

const Fields& BodyDecoder::trailers() const {
  static const Fields kNone;
  return trailers_ ? trailers_->fields : kNone;
}

// Gathers the trailer section and parses it when its empty line is there. Returns the bytes taken.
std::size_t BodyDecoder::decode_trailers(std::string_view input) {
  if (!trailers_) {
    if (input.substr(0, 2) == "\r\n") {
      state_ = State::done;
      return 2;
    }
    if (input.empty()) return 0;
    trailers_ = std::make_unique<Trailers>();
  }
  std::string& text = trailers_->text;
  const std::size_t before = text.size();
  const std::size_t taken =
      std::min(input.size(), kTrailerLimits.max_bytes + 1 - std::min(before, kTrailerLimits.max_bytes));
  text.append(input.substr(0, taken));
  const HeadResult result = parse_trailers(text, kTrailerLimits, trailers_->fields);
  switch (result.parsed) {
    case Parsed::incomplete:
      return taken;
    case Parsed::refused:
      fail(result.reason);
      return taken;
    case Parsed::complete:
      break;
  }
  text.resize(result.size);  // keeps its memory: the views stay good
  state_ = State::done;
  return result.size - before;
}

}  // namespace fusewire::proxy::http
