// SPDX-License-Identifier: Apache-2.0
// Time in which an exchange could not go on because of its client: nothing of an upload was at hand, or a response was
// not taken. What an upstream does meanwhile, or fails to do, says little about the upstream (spec/breaker.md, "What
// counts"). A plain value; time is an argument.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace fusewire {

class ClientWaits {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // What is withheld for longer is the client's doing.
  static constexpr std::chrono::milliseconds kPatience{1000};
  // An upload that brings less within kPatience is withheld all the same: single bytes do not end a wait.
  static constexpr std::size_t kTrickle = 1024;
  // While a response waits for its client nothing is read from the upstream. Its end is then found behind what the
  // kernels of both sides still hold, which takes a moment to be read.
  static constexpr std::chrono::seconds kAftermath{10};

  // Each may be called again: a wait that has begun goes on, and one that has ended is over.
  void upload_waits(Time now) noexcept { begin(kUpload, upload_, now); }
  void upload_came(std::size_t bytes, Time now) noexcept;
  void response_waits(Time now) noexcept { begin(kResponse, response_, now); }
  void response_taken(Time now) noexcept;

  // From here on since_sent() counts: the whole request has been sent.
  void request_sent(Time now) noexcept { before_sent_ = total(now); }

  bool waiting() const noexcept { return waiting_ != 0; }
  // Whether the client has withheld something for over kPatience.
  bool withheld(Time now) const noexcept;
  // All waits together; two at once count once.
  Duration total(Time now) const noexcept { return total_ + (waiting() ? now - since_ : Duration::zero()); }
  // The waits that have ended since the request was sent.
  Duration since_sent() const noexcept { return total_ - before_sent_; }
  // When total() passes kPatience if the wait goes on; Time::max() while there is none.
  Time patience_ends() const noexcept;

 private:
  static constexpr std::uint8_t kUpload = 1;
  static constexpr std::uint8_t kResponse = 2;

  struct Wait {
    Time since{};       // of the wait that goes on
    Duration before{};  // waits that nothing but a trickle has ended
  };

  bool waits(std::uint8_t kind) const noexcept { return (waiting_ & kind) != 0; }
  void begin(std::uint8_t kind, Wait&, Time now) noexcept;
  void end(std::uint8_t kind, Time now) noexcept;

  std::uint8_t waiting_ = 0;  // kUpload, kResponse
  Time since_{};              // when the first of the waits that go on began
  Duration total_{};          // of those that have ended
  Duration before_sent_{};
  Wait upload_;
  Wait response_;
  std::size_t trickled_ = 0;
  Time aftermath_until_{};
};

}  // namespace fusewire
