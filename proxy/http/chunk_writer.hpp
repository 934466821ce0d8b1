// SPDX-License-Identifier: Apache-2.0
// Frames pieces of a body as chunks (RFC 9112 §7.1) around the caller's memory.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include "proxy/http/headers.hpp"
#include "proxy/net/gather.hpp"

namespace fusewire::proxy::http {

class ChunkWriter {
 public:
  // The name of a request's deadline field, which does not pass as a trailer (append_trailers). It must stay valid.
  void set_deadline_header(std::string_view name) { deadline_header_ = name; }
  // Of the message's head: what Connection names goes no further, in the trailers neither (RFC 9110 §7.6.1).
  void set_connection(const Fields& head, const ConnectionOptions& connection) {
    connection_ = connection.names_fields ? joined_values(head, FieldId::connection) : std::string();
  }

  // Adds one chunk, and the end of the body with its trailers if it is the last (whose piece may be empty). What is
  // added stays good until the next call. Up to three parts.
  void add(Gather& gather, std::string_view piece, bool last, const Fields& trailers) {
    tail_.clear();
    if (!piece.empty()) {
      char* end = std::to_chars(size_line_, size_line_ + 16, piece.size(), 16).ptr;
      *end++ = '\r';
      *end++ = '\n';
      gather.add({size_line_, static_cast<std::size_t>(end - size_line_)});
      gather.add(piece);
      tail_ = "\r\n";
    }
    if (last) {
      tail_.append("0\r\n");
      add_trailers(trailers);
    }
    gather.add(tail_);
  }

 private:
  void add_trailers(const Fields& trailers) {
    if (trailers.size() == 0 || connection_.empty()) return append_trailers(tail_, trailers, deadline_header_);
    const ConnectionNames named(connection_);
    append_trailers(tail_, trailers, deadline_header_, &named);
  }

  char size_line_[18];
  std::string tail_;
  std::string_view deadline_header_;
  std::string connection_;  // the names in the head's Connection; empty where none is a field's
};

}  // namespace fusewire::proxy::http
