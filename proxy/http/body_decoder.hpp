// SPDX-License-Identifier: Apache-2.0
// Finds a message's body in the bytes of its connection (RFC 9112 §6.3, §7.1). No allocation but for trailers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "filters/message.hpp"

namespace fusewire::proxy::http {

class BodyDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;  // bytes of the input that are used up
    std::string_view data;     // body bytes, a view into the input (chunks are moved together in place)
  };

  BodyDecoder() = default;
  BodyDecoder(BodyKind kind, std::uint64_t content_length);

  // Takes as much of the input as belongs to this message. May move bytes within the consumed part of the input.
  Step decode(char* input, std::size_t size);
  // The connection has ended. True if that is the body's proper end.
  bool finish();

  bool done() const { return state_ == State::done; }
  bool failed() const { return state_ == State::failed; }
  std::string_view failure() const { return failure_; }  // one clause for a person, static
  BodyKind kind() const { return kind_; }
  std::uint64_t remaining() const { return remaining_; }  // BodyKind::length: bytes to come
  std::uint64_t decoded() const { return decoded_; }      // body bytes given so far
  // Views into the decoder, after done().
  const Fields& trailers() const;

 private:
  enum class State : std::uint8_t {
    identity,
    chunk_size,
    chunk_space,  // before an extension's semicolon
    extension_start,
    extension_name,
    extension_equals,  // white space before it
    extension_value,   // its beginning
    extension_token,
    extension_quoted,
    extension_escaped,
    extension_end,  // behind a quoted value
    chunk_size_lf,
    chunk_data,
    chunk_cr,
    chunk_lf,
    trailers,
    done,
    failed
  };

  struct Trailers {
    std::string text;
    Fields fields;
  };

  void fail(std::string_view why);
  void chunk_size_digit(char c);
  void chunk_head(char c);
  void chunk_extension(char c);
  void after_extension(char c);
  void chunk_size_complete();
  std::size_t decode_trailers(std::string_view input);

  State state_ = State::done;
  BodyKind kind_ = BodyKind::none;
  std::uint8_t size_digits_ = 0;
  std::uint64_t remaining_ = 0;
  std::uint64_t decoded_ = 0;
  std::uint64_t overhead_ = 0;  // extension bytes of this message, limited
  std::string_view failure_;
  std::unique_ptr<Trailers> trailers_;  // from the first byte of a trailer section on that is not empty
};

}  // namespace fusewire::proxy::http
