// SPDX-License-Identifier: Apache-2.0
// The text of /metrics in one form, shared by all requests within a second after it was rendered: sixteen scrapers cost
// as much as one. It decides when the text has to be rendered; the caller renders it. Admin thread; time is an
// argument.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/control/control_view.hpp"

namespace fusewire::proxy::admin {

class Scrape {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Text = std::shared_ptr<const std::string>;  // nullptr: it could not be made
  using Answer = std::function<void(const Text&)>;

  static constexpr std::chrono::seconds kShared{1};

  // Answers at once if the text is recent enough and of that view, else as soon as the next one is there. True: the
  // caller has to render one, and to pass it to made().
  bool ask(const std::shared_ptr<const ControlView>&, Time now, Answer);
  void made(Text, Time now);

 private:
  Text text_;
  Time made_{};
  std::weak_ptr<const ControlView> of_;  // a reload's result is seen by the next scrape
  bool being_made_ = false;
  std::vector<Answer> waiting_;
};

}  // namespace fusewire::proxy::admin
