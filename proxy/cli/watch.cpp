// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/watch.hpp"

#include <boost/json.hpp>
#include <ctime>
#include <exception>
#include <ostream>
#include <thread>

#include "config/printable.hpp"
#include "proxy/cli/report.hpp"
#include "proxy/cli/terminal.hpp"
#include "proxy/cli/watch_frame.hpp"

namespace fusewire::cli {
namespace {

using Ask = std::function<WatchAnswer()>;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// By the locale, as curses does it.
bool speaks_utf8(const World& world) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = world.variable(name);
    if (!value.empty())
      return value.find("UTF-8") != std::string::npos || value.find("utf8") != std::string::npos ||
             value.find("utf-8") != std::string::npos;
  }
  return false;
}

std::string time_of_day() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[16];
  return {text, std::strftime(text, sizeof text, "%H:%M:%S", &local)};
}

// One table or line of JSON after the other, until nobody reads.
int print_on(const Ask& ask, const WatchWishes& wishes, const World& world) {
  for (bool first = true; world.out.flush(); first = false) {
    if (!first) std::this_thread::sleep_for(wishes.interval);
    try {
      const WatchAnswer answer = ask();
      if (wishes.json)
        world.out << config::printable(boost::json::serialize(answer.breakers)) << '\n';
      else
        world.out << (first ? "" : "\n") << (answer.notice.empty() ? "" : answer.notice + '\n')
                  << breaker_table(answer.breakers);
    } catch (const std::exception& error) {
      world.err << "fusewire: " << config::printable(error.what()) << std::endl;
    }
  }
  return kFailed;
}

void look(const Ask& ask, WatchFrame& frame) {
  try {
    WatchAnswer answer = ask();
    frame.take(std::move(answer.breakers), steady_clock::now(), std::move(answer.notice));
  } catch (const std::exception& error) {
    frame.fail(error.what());
  }
}

int take_screen(const Ask& ask, const WatchWishes& wishes, const World& world) {
  const bool unicode = speaks_utf8(world);
  WatchFrame frame(wishes.url);
  Terminal terminal;
  for (auto due = steady_clock::now();;) {
    if (steady_clock::now() >= due) {
      look(ask, frame);
      due = steady_clock::now() + wishes.interval;
    }
    if (!terminal.show(frame.text(terminal.screen(unicode), Paint(world.colours()), time_of_day()))) return kFailed;
    const auto left = std::chrono::ceil<milliseconds>(due - steady_clock::now());
    if (terminal.wait(std::max(left, milliseconds(0))) == Terminal::Heard::quit) return kOk;
  }
}

}  // namespace

int watch_breakers(const Ask& ask, const WatchWishes& wishes, const World& world) {
  return world.terminal && !wishes.json ? take_screen(ask, wishes, world) : print_on(ask, wishes, world);
}

}  // namespace fusewire::cli
