// SPDX-License-Identifier: Apache-2.0
// `fusewire status --watch` on a terminal of its own.
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

constexpr std::string_view kTake = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kGiveBack = "\x1b[?25h\x1b[?1049l";

// The program in a terminal of this size.
class Screen {
 public:
  explicit Screen(const TestProxy& proxy, unsigned short columns = 120, const char* no_colour = "") {
    winsize size{.ws_row = 20, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    const std::string url = "http://127.0.0.1:" + std::to_string(proxy.admin_port());
    pid_ = ::forkpty(&master_, nullptr, nullptr, &size);
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::setenv("TERM", "xterm", 1);
      ::setenv("LC_ALL", "C.UTF-8", 1);
      ::setenv("NO_COLOR", no_colour, 1);
      ::execl(FUSEWIRE_BINARY_DIR "/fusewire", "fusewire", "status", "--watch", "--interval", "100ms", "--admin",
              url.c_str(), nullptr);
      ::_exit(127);
    }
    ::fcntl(master_, F_SETFL, O_NONBLOCK);
  }
  ~Screen() {
    if (!status_) ::kill(pid_, SIGKILL);
    if (!status_) ::waitpid(pid_, nullptr, 0);
    ::close(master_);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  bool shows(std::string_view part) {
    return eventually([&] { return read().find(part) != std::string::npos; });
  }
  void forget() { shown_.clear(); }
  const std::string& read() {
    char piece[4096];
    for (ssize_t n = 0; (n = ::read(master_, piece, sizeof piece)) > 0;)
      shown_.append(piece, static_cast<std::size_t>(n));
    return shown_;
  }
  void type(std::string_view keys) {
    REQUIRE(::write(master_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
  }
  void signal(int number) { ::kill(pid_, number); }
  void resize(unsigned short columns) {
    const winsize size{.ws_row = 20, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    ::ioctl(master_, TIOCSWINSZ, &size);
  }
  // Its exit status.
  int wait() {
    int status = 0;
    REQUIRE(eventually([&] {
      read();
      return ::waitpid(pid_, &status, WNOHANG) == pid_;
    }));
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return *status_;
  }
  bool is_given_back() {
    const termios now = settings();
    return read().find(kGiveBack) != std::string::npos && (now.c_lflag & ICANON) != 0 && (now.c_lflag & ECHO) != 0;
  }
  termios settings() const {
    termios found{};
    REQUIRE(::tcgetattr(master_, &found) == 0);
    return found;
  }

 private:
  int master_ = -1;
  pid_t pid_ = -1;
  std::string shown_;
  std::optional<int> status_;
};

// The widest line without what steers the terminal.
std::size_t widest(const std::string& output) {
  std::size_t widest = 0;
  std::size_t width = 0;
  for (std::size_t i = 0; i < output.size(); ++i) {
    if (output[i] == '\x1b') {
      while (i < output.size() && std::isalpha(static_cast<unsigned char>(output[i])) == 0) ++i;
      if (i < output.size() && output[i] == 'H') width = 0;
    } else if (output[i] == '\r' || output[i] == '\n') {
      width = 0;
    } else if ((output[i] & '\xc0') != '\x80') {
      widest = std::max(widest, ++width);
    }
  }
  return widest;
}

}  // namespace

TEST_CASE("watch: the table is kept up to date, and the terminal is given back as it was") {
  TestProxy proxy(orders(), {{"ORDERS", 1}});
  for (const std::string end : {"q", "\x03", "SIGTERM", "SIGHUP"}) {
    CAPTURE(end);
    Screen screen(proxy);
    REQUIRE(screen.shows(kTake));
    REQUIRE(screen.shows("closed"));
    CHECK((screen.settings().c_lflag & (ICANON | ECHO)) == 0);
    proxy.admin_change("/admin/circuit-breakers/orders/force-open");
    CHECK(screen.shows("\x1b[1;31mforced_open\x1b[0m"));
    screen.forget();
    proxy.admin_change("/admin/circuit-breakers/orders/release");
    CHECK(screen.shows("\x1b[32mclosed\x1b[0m"));
    if (end.size() == 1)
      screen.type(end);
    else
      screen.signal(end == "SIGHUP" ? SIGHUP : SIGTERM);
    CHECK(screen.wait() == 0);
    CHECK(screen.is_given_back());
  }
}

TEST_CASE("watch: no line is wider than the terminal, which may change its size") {
  TestProxy proxy(orders(), {{"ORDERS", 1}});
  Screen screen(proxy, 100);
  REQUIRE(screen.shows("LAST TRIP"));
  CHECK(widest(screen.read()) <= 100);
  screen.resize(40);
  REQUIRE(eventually([&] {
    screen.forget();
    return screen.shows("\x1b[H") && screen.shows("\x1b[J") && widest(screen.read()) <= 40;
  }));
  screen.forget();
  REQUIRE(screen.shows("orders"));
  CHECK(widest(screen.read()) <= 40);
  screen.type("q");
  CHECK(screen.wait() == 0);
}

TEST_CASE("watch: stopped by Ctrl-Z it gives the screen back, and takes it again") {
  TestProxy proxy(orders(), {{"ORDERS", 1}});
  Screen screen(proxy);
  REQUIRE(screen.shows("closed"));
  screen.forget();
  screen.signal(SIGTSTP);
  REQUIRE(screen.shows(kGiveBack));
  screen.forget();
  screen.signal(SIGCONT);
  CHECK(screen.shows(kTake));
  CHECK(screen.shows("closed"));
  screen.type("q");
  CHECK(screen.wait() == 0);
  CHECK(screen.is_given_back());
}

TEST_CASE("watch: NO_COLOR is respected") {
  TestProxy proxy(orders(), {{"ORDERS", 1}});
  Screen screen(proxy, 120, "1");
  REQUIRE(screen.shows("closed"));
  CHECK(screen.read().find("\x1b[3") == std::string::npos);
  CHECK(screen.read().find("\x1b[1") == std::string::npos);
}
