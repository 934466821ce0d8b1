// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 messages as a suspicious reader sees them (RFC 9112). It shares nothing with the proxy's codec, so that both
// would have to be wrong in the same way.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fusewire::fuzz {

using FieldList = std::vector<std::pair<std::string, std::string>>;

struct Message {
  std::string start;  // its first line
  FieldList fields;
  std::string body;
  FieldList trailers;
  std::vector<std::string> interims;  // of a response: the status lines of the 1xx before it
  std::size_t begin = 0, end = 0;     // where it stands in the stream; `end` once it is complete
  bool head = false;                  // its head is whole, and taken for good
  bool complete = false;
  bool until_close = false;  // a response whose body is whatever comes

  std::string_view method() const { return word(0); }
  std::string_view target() const { return word(1); }
  std::string_view version() const;
  int status() const;
  std::vector<std::string_view> all(std::string_view lower_case_name) const;
  std::string_view first(std::string_view lower_case_name) const;
  bool lists(std::string_view lower_case_name, std::string_view lower_case_element) const;
  // Whether the connection goes on behind it, as far as it says so.
  bool keeps_alive() const;

 private:
  std::string_view word(std::size_t index) const;
};

// `free`: what any peer may send and still be understood in one way only. `exact`: what we ourselves may write.
enum class Rules { free, exact };

struct Reading {
  std::vector<Message> messages;  // the last one may be incomplete
  std::string fault;              // why reading has stopped for good; empty: it has not
  std::size_t end = 0;            // behind the last complete message
};

Reading read_requests(std::string_view stream, Rules);
// `methods`: of the requests in order; an answer behind theirs is a fault. `ended`: the stream is over.
Reading read_responses(std::string_view stream, const std::vector<std::string>& methods, bool ended, Rules);

bool same_name(std::string_view a, std::string_view b);

}  // namespace fusewire::fuzz
