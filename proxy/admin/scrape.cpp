// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/scrape.hpp"

#include <utility>

namespace fusewire::proxy::admin {

bool Scrape::ask(const std::shared_ptr<const ControlView>& view, Time now, Answer answer) {
  if (!being_made_ && text_ && now - made_ < kShared && of_.lock() == view) {
    answer(text_);
    return false;
  }
  waiting_.push_back(std::move(answer));
  if (being_made_) return false;
  text_.reset();
  of_ = view;
  being_made_ = true;
  return true;
}

void Scrape::made(Text text, Time now) {
  text_ = std::move(text);
  made_ = now;
  being_made_ = false;
  for (const Answer& answer : std::exchange(waiting_, {})) answer(text_);
}

}  // namespace fusewire::proxy::admin
