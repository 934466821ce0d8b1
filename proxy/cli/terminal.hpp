// SPDX-License-Identifier: Apache-2.0
// The whole screen of the process' terminal, given back as it was on every way out. One at a time, on the main thread.
#pragma once

#include <termios.h>

#include <chrono>
#include <csignal>
#include <string_view>

#include "proxy/cli/watch_frame.hpp"

namespace fusewire::cli {

class Terminal {
 public:
  Terminal();  // its signals come by wait() from now on
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  Screen screen(bool unicode) const;  // its size now
  bool show(std::string_view text);   // in the place of what is shown; false: nobody reads

  enum class Heard { nothing, resized, quit };
  Heard wait(std::chrono::milliseconds limit);

 private:
  void take();
  void give_back();
  Heard on_signal();
  void stop_and_continue();

  sigset_t before_{};
  int signals_ = -1;
  bool keys_ = false;    // standard input is a terminal, and its settings are ours
  bool typing_ = false;  // and there may be keys
  termios settings_{};
};

}  // namespace fusewire::cli
