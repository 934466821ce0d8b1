// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <initializer_list>
#include <string>

namespace fusewire::cli {
namespace {

constexpr std::string_view kTake = "\x1b[?1049h\x1b[?25l";      // the alternate screen, no cursor
constexpr std::string_view kGiveBack = "\x1b[?25h\x1b[?1049l";  // both as they were

bool write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno != EINTR) return false;
    text.remove_prefix(n < 0 ? 0 : static_cast<std::size_t>(n));
  }
  return true;
}

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return set;
}

}  // namespace

Terminal::Terminal() {
  const sigset_t wanted = set_of({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH});
  ::pthread_sigmask(SIG_BLOCK, &wanted, &before_);
  signals_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  keys_ = typing_ = ::tcgetattr(STDIN_FILENO, &settings_) == 0;
  take();
}

Terminal::~Terminal() {
  give_back();
  if (signals_ >= 0) ::close(signals_);
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Terminal::take() {
  if (keys_) {
    termios ours = settings_;
    ours.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &ours);
  }
  write_all(kTake);
}

void Terminal::give_back() {
  write_all(kGiveBack);
  if (keys_) ::tcsetattr(STDIN_FILENO, TCSANOW, &settings_);
}

Screen Terminal::screen(bool unicode) const {
  Screen screen{.unicode = unicode};
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return screen;
  screen.columns = size.ws_col;
  screen.lines = size.ws_row;
  return screen;
}

// Each line is written over the old one and the rest of it erased: a screen that is erased first flickers.
bool Terminal::show(std::string_view text) {
  std::string out = "\x1b[H";
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    out.append(text.substr(0, end)).append("\x1b[K");
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!text.empty()) out += "\r\n";
  }
  return write_all(out + "\x1b[J");
}

Terminal::Heard Terminal::wait(std::chrono::milliseconds limit) {
  std::array<pollfd, 2> watched = {pollfd{signals_, POLLIN, 0}, pollfd{typing_ ? STDIN_FILENO : -1, POLLIN, 0}};
  if (::poll(watched.data(), watched.size(), static_cast<int>(limit.count())) <= 0) return Heard::nothing;
  if (watched[0].revents != 0) return on_signal();
  char key = 0;
  const ssize_t n = ::read(STDIN_FILENO, &key, 1);
  typing_ = n > 0 || (n < 0 && errno == EINTR);  // else nobody types any more
  return n == 1 && (key == 'q' || key == 'Q') ? Heard::quit : Heard::nothing;
}

Terminal::Heard Terminal::on_signal() {
  signalfd_siginfo signal{};
  if (::read(signals_, &signal, sizeof signal) != sizeof signal) return Heard::nothing;
  if (signal.ssi_signo == SIGWINCH) return Heard::resized;
  if (signal.ssi_signo != SIGTSTP) return Heard::quit;
  stop_and_continue();
  return Heard::resized;
}

// Ctrl-Z: the shell gets its screen back, and we ours when it says go on.
void Terminal::stop_and_continue() {
  give_back();
  ::raise(SIGSTOP);
  if (keys_) ::tcgetattr(STDIN_FILENO, &settings_);
  take();
}

}  // namespace fusewire::cli
