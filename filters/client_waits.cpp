// SPDX-License-Identifier: Apache-2.0
#include "filters/client_waits.hpp"

namespace fusewire {

void ClientWaits::begin(std::uint8_t kind, Wait& wait, Time now) noexcept {
  if (waits(kind)) return;
  if (!waiting()) since_ = now;
  wait.since = now;
  waiting_ = static_cast<std::uint8_t>(waiting_ | kind);
}

void ClientWaits::end(std::uint8_t kind, Wait& wait, Time now) noexcept {
  if (!waits(kind)) return;
  wait.before += now - wait.since;
  waiting_ = static_cast<std::uint8_t>(waiting_ & ~kind);
  if (!waiting()) total_ += now - since_;
}

void ClientWaits::upload_came(std::size_t bytes, Time now) noexcept {
  uploaded_ += bytes;
  if (waits(kUpload)) at_hand_since_ = now;
  end(kUpload, upload_, now);
}

void ClientWaits::request_sent(Time now) noexcept {
  if (trickles(now)) aftermath_until_ = now + kUploadAftermath;
  before_sent_ = total(now);
  upload_began_ = kNever;
  upload_ = {};
}

void ClientWaits::response_taken(Time now) noexcept {
  if (waits(kResponse) && now - response_.since > kPatience) aftermath_until_ = now + kAftermath;
  end(kResponse, response_, now);
}

bool ClientWaits::trickles(Time now) const noexcept {
  if (upload_began_ == kNever || upload_.sum(now, waits(kUpload)) <= kPatience) return false;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - upload_began_).count();
  return uploaded_ * 1000 < kTrickle * static_cast<std::size_t>(ms);
}

bool ClientWaits::withholds_upload(Time now) const noexcept {
  if (waits(kUpload) && now - upload_.since > kPatience) return true;
  return trickles(now) && (waits(kUpload) || now - at_hand_since_ < kPatience);
}

bool ClientWaits::withheld(Time now) const noexcept {
  if (withholds_upload(now)) return true;
  return (waits(kResponse) && now - response_.since > kPatience) || now < aftermath_until_;
}

Time ClientWaits::patience_ends() const noexcept {
  constexpr Duration kPassed = kPatience + std::chrono::milliseconds(1);
  if (waiting()) return since_ + (kPassed - total_);
  return total_ > kPatience ? since_ : kNever;
}

}  // namespace fusewire
