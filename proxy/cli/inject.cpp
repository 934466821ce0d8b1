// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/inject.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <ostream>
#include <system_error>
#include <utility>

#include "config/document.hpp"
#include "config/file_text.hpp"
#include "config/printable.hpp"
#include "proxy/cli/manifest_sidecar.hpp"

namespace fusewire::cli {
namespace {

// Not by /dev/stdin: it can't be opened where it is a socket, as it is below many a program.
config::FileText read_standard_input(std::size_t limit) {
  std::string text;
  std::array<char, 65536> part;
  while (text.size() <= limit) {
    const ssize_t got = ::read(STDIN_FILENO, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {.error = std::error_code(errno, std::generic_category()).message()};
    if (got == 0) break;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  return {.text = std::move(text)};
}

}  // namespace

int inject(const Options& options, const World& world) {
  const bool from_input = options.manifest == "-";
  const std::string name = from_input ? "standard input" : options.manifest;
  const auto [text, why] = from_input ? read_standard_input(config::kMaxText)
                                      : config::read_file_or_descriptor(options.manifest, config::kMaxText);
  if (!text || text->size() > config::kMaxText) {
    world.err << "fusewire: " << name << ": " << (text ? "is longer than 4 MiB" : "cannot be read: " + why) << '\n';
    return kUsage;
  }
  try {
    std::vector<manifest::Value> documents = manifest::parse(*text);
    const std::size_t pods = options.uninject ? manifest::uninject(documents)
                                              : manifest::inject(documents, {options.image, options.config_map});
    if (pods == 0) world.err << "fusewire: " << name << ": there are no pods in it, and nothing is changed\n";
    world.out << manifest::write(documents);
  } catch (const std::exception& error) {  // manifest::Error, or no memory
    world.err << "fusewire: " << name << ": " << config::printable(error.what()) << '\n';
    return kUsage;
  }
  return kOk;
}

}  // namespace fusewire::cli
