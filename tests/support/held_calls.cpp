// SPDX-License-Identifier: Apache-2.0
// Preloaded into the program: a look-up of `held.test` (127.0.0.1) does not return before the file HELD_CALLS/names
// exists, and opening a file called held.yaml does not return while HELD_CALLS/files exists.
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

bool exists(const char* name) {
  const char* folder = std::getenv("HELD_CALLS");
  return folder != nullptr && ::access((std::string(folder) + "/" + name).c_str(), F_OK) == 0;
}

constexpr useconds_t kStep = 1000;

}  // namespace

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
  static const auto system = reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  const bool held = node != nullptr && std::string_view(node) == "held.test";
  while (held && !exists("names")) ::usleep(kStep);
  return system(held ? "127.0.0.1" : node, service, hints, found);
}

extern "C" int open(const char* path, int flags, ...) {
  static const auto system = reinterpret_cast<int (*)(const char*, int, ...)>(::dlsym(RTLD_NEXT, "open"));
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  while (std::string_view(path).ends_with("/held.yaml") && exists("files")) ::usleep(kStep);
  return system(path, flags, mode);
}
