// SPDX-License-Identifier: Apache-2.0
#include "filters/client_waits.hpp"

namespace fusewire {

void ClientWaits::begin(std::uint8_t kind, Wait& wait, Time now) noexcept {
  if (waits(kind)) return;
  if (!waiting()) since_ = now;
  wait.since = now;
  waiting_ = static_cast<std::uint8_t>(waiting_ | kind);
}

void ClientWaits::end(std::uint8_t kind, Time now) noexcept {
  waiting_ = static_cast<std::uint8_t>(waiting_ & ~kind);
  if (!waiting()) total_ += now - since_;
}

void ClientWaits::upload_came(std::size_t bytes, Time now) noexcept {
  if (!waits(kUpload)) return;
  upload_.before += now - upload_.since;
  trickled_ += bytes;
  if (trickled_ >= kTrickle) {
    upload_.before = Duration::zero();
    trickled_ = 0;
  }
  end(kUpload, now);
}

void ClientWaits::response_taken(Time now) noexcept {
  if (!waits(kResponse)) return;
  if (now - response_.since > kPatience) aftermath_until_ = now + kAftermath;
  end(kResponse, now);
}

bool ClientWaits::withheld(Time now) const noexcept {
  if (waits(kUpload) && upload_.before + (now - upload_.since) > kPatience) return true;
  return (waits(kResponse) && now - response_.since > kPatience) || now < aftermath_until_;
}

ClientWaits::Time ClientWaits::patience_ends() const noexcept {
  constexpr Duration kPassed = kPatience + std::chrono::milliseconds(1);
  if (waiting()) return since_ + (kPassed - total_);
  return total_ > kPatience ? since_ : Time::max();
}

}  // namespace fusewire
