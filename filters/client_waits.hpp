// SPDX-License-Identifier: Apache-2.0
// Time in which an exchange could not go on because of its client: nothing of an upload was at hand, or a response was
// not taken. What an upstream does meanwhile, or fails to do, says little about the upstream (docs/configuration.md,
// "Clients that keep their upstream waiting"). A plain value; time is an argument.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "filters/time.hpp"

namespace fusewire {

// Part of the exchange, on its thread. The forwarding code says when a wait begins and ends (upload_…, response_…,
// request_sent); the breaker filter and the response timeout ask what that means. Invariant: two waits at once count
// once.
class ClientWaits {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // A wait that is longer is attributed to the client.
  static constexpr std::chrono::milliseconds kPatience{1000};
  // Bytes a second. A slower upload counts as one long wait, which single bytes and pieces do not end.
  static constexpr std::size_t kTrickle = 4 * 1024;
  // While a response waits for its client nothing is read from the upstream. Its end is then found behind what the
  // kernels of both sides still hold, which takes a moment to be read.
  static constexpr std::chrono::seconds kAftermath{10};
  // An upstream with a time limit for the whole request may end it just when a slow upload has finished.
  static constexpr std::chrono::seconds kUploadAftermath{1};

  // The request's body goes upstream piece by piece from now on, until request_sent().
  void upload_begins(Time now) noexcept { upload_began_ = now; }
  // Each may be called again: a wait that has begun goes on, and one that has ended is over.
  void upload_waits(Time now) noexcept { begin(kUpload, upload_, now); }
  void upload_came(std::size_t bytes, Time now) noexcept;
  void response_waits(Time now) noexcept { begin(kResponse, response_, now); }
  void response_taken(Time now) noexcept;

  // From here on since_sent() counts: the whole request has been sent.
  void request_sent(Time now) noexcept;

  bool waiting() const noexcept { return waiting_ != 0; }
  // Whether the upstream may have given up because of its client: the exchange waits for the client, or did a moment
  // ago, and has waited for more than kPatience. The waits of a trickling upload add up, until its data has been at
  // hand for as long.
  bool withheld(Time now) const noexcept;
  // The part of it that is an upload.
  bool withholds_upload(Time now) const noexcept;
  // All waits together; two at once count once.
  Duration total(Time now) const noexcept { return total_ + (waiting() ? now - since_ : Duration::zero()); }
  // The waits that have ended since the request was sent.
  Duration since_sent() const noexcept { return total_ - before_sent_; }
  // When total() passes kPatience if the wait goes on; kNever while there is none.
  Time patience_ends() const noexcept;
  // When an upload has taken more than kPatience, whichever side was waited for; kNever while there is none.
  Time upload_is_long() const noexcept {
    return upload_began_ == kNever ? kNever : upload_began_ + kPatience + std::chrono::milliseconds(1);
  }

 private:
  static constexpr std::uint8_t kUpload = 1;
  static constexpr std::uint8_t kResponse = 2;

  struct Wait {
    Time since{};       // of the wait that goes on
    Duration before{};  // the waits that have ended

    Duration sum(Time now, bool goes_on) const noexcept { return before + (goes_on ? now - since : Duration::zero()); }
  };

  bool trickles(Time now) const noexcept;
  bool waits(std::uint8_t kind) const noexcept { return (waiting_ & kind) != 0; }
  void begin(std::uint8_t kind, Wait&, Time now) noexcept;
  void end(std::uint8_t kind, Wait&, Time now) noexcept;

  std::uint8_t waiting_ = 0;  // kUpload, kResponse
  Time since_{};              // when the first of the waits that go on began
  Duration total_{};          // of those that have ended
  Duration before_sent_{};
  Wait upload_;
  Wait response_;
  Time upload_began_ = kNever;
  std::size_t uploaded_ = 0;
  Time at_hand_since_{};  // something of an upload, while it is not waited for
  Time aftermath_until_{};
};

}  // namespace fusewire
