// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/config_source.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "proxy/control/tls_contexts.hpp"

namespace fusewire::cli {
namespace {

// The text, or nothing and errno.
std::optional<std::string> read_whole(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  std::array<char, 16384> piece;
  ssize_t n = 0;
  while ((n = ::read(fd, piece.data(), piece.size())) != 0) {
    if (n > 0)
      text.append(piece.data(), static_cast<std::size_t>(n));
    else if (errno != EINTR)
      break;
  }
  const int error = errno;
  ::close(fd);
  errno = error;
  return n == 0 ? std::optional(std::move(text)) : std::nullopt;
}

config::Diagnostic unreadable(const std::string& file) {
  config::Diagnostic error;
  error.source = file;
  error.message = "cannot be read: " + std::generic_category().message(errno);
  return error;
}

}  // namespace

std::string config_file(const Options& options, const World& world) {
  return options.file.empty() ? world.variable("FUSEWIRE_CONFIG") : options.file;
}

config::LoadResult load_file(const std::string& file, const Options& options, const World& world) {
  auto text = read_whole(file);
  if (text) {
    config::Source source{file, std::move(*text), world.environment, options.set, proxy::tls_judges()};
    source.no_files = options.no_files;
    return config::load(source);
  }
  config::LoadResult result;
  result.errors.push_back(unreadable(file));
  return result;
}

config::AdminResult load_admin(const std::string& file, const Options& options, const World& world) {
  auto text = read_whole(file);
  if (text) return config::load_admin({file, std::move(*text), world.environment, options.set});
  config::AdminResult result;
  result.errors.push_back(unreadable(file));
  return result;
}

config::LoadResult judge_text(const std::string& text, const std::string& file, const Options& options,
                              const World& world) {
  config::Source source{"posted", text, world.environment, options.set, proxy::tls_judges()};
  source.folder = std::filesystem::absolute(file).parent_path().string();
  return config::load(source);
}

}  // namespace fusewire::cli
