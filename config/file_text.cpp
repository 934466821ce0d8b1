// SPDX-License-Identifier: Apache-2.0
#include "config/file_text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

namespace fusewire::config {
namespace {

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }

 private:
  const int fd_;
};

FileText failed() { return {.error = std::generic_category().message(errno)}; }

FileText read_up_to(int fd, std::size_t limit) {
  std::string text;
  std::array<char, 16384> piece;
  while (text.size() <= limit) {
    const ssize_t n = ::read(fd, piece.data(), std::min(piece.size(), limit + 1 - text.size()));
    if (n == 0) break;
    if (n > 0)
      text.append(piece.data(), static_cast<std::size_t>(n));
    else if (errno != EINTR)
      return failed();
  }
  return {.text = std::move(text)};
}

bool is_descriptor(std::string_view path) {
  return path == "/dev/stdin" || path.starts_with("/dev/fd/") || path.starts_with("/proc/self/fd/");
}

}  // namespace

FileText read_regular_file(const std::string& path, std::size_t limit) {
  const Descriptor file(path, O_NONBLOCK);  // the opening of a pipe would wait for its writer
  if (file.get() < 0) return failed();
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failed();
  if (S_ISDIR(status.st_mode)) return {.error = std::generic_category().message(EISDIR)};
  if (!S_ISREG(status.st_mode)) return {.error = "not a regular file"};
  return read_up_to(file.get(), limit);
}

FileText read_file_or_descriptor(const std::string& path, std::size_t limit) {
  if (!is_descriptor(path)) return read_regular_file(path, limit);
  const Descriptor file(path, 0);
  return file.get() < 0 ? failed() : read_up_to(file.get(), limit);
}

}  // namespace fusewire::config
