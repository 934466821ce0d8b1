// SPDX-License-Identifier: Apache-2.0
// A port of 127.0.0.1 (or 127.0.0.HOST) that stays ours while nobody listens on it: bound with SO_REUSEADDR and never
// listening, so that connecting to it is refused, others' `:0` never gets it, and a listener of ours (or a server that
// sets SO_REUSEADDR, as nginx does) can come, go and come back.
#pragma once

#include <cstdint>

namespace fusewire::testing {

class ReservedPort {
 public:
  explicit ReservedPort(std::uint8_t host = 1, std::uint16_t number = 0);
  ~ReservedPort();
  ReservedPort(const ReservedPort&) = delete;
  ReservedPort& operator=(const ReservedPort&) = delete;

  std::uint16_t number() const { return number_; }
  int listen() const;  // a new listening socket on it; the caller closes it

 private:
  std::uint8_t host_;
  int holder_;
  std::uint16_t number_;
};

}  // namespace fusewire::testing
