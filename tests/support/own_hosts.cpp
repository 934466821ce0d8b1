// SPDX-License-Identifier: Apache-2.0
// The hosts file of a test program that links this: `localhost` is 127.0.0.1 alone, whatever the machine's own file
// says. Where it is ::1 as well, as in Debian's default, it is two addresses to count connections to, and to listen on.
// `loopbacks.test` is ::1 and 127.0.0.1, and `partly.test` 192.0.2.1 (RFC 5737: no host has it) and 127.0.0.1.
#include <dlfcn.h>
#include <netdb.h>

#include <string_view>

namespace {

using LookUp = decltype(&::getaddrinfo);

int partly(LookUp system, const char* service, const addrinfo* hints, addrinfo** found) {
  addrinfo* present = nullptr;
  if (const int error = system("127.0.0.1", service, hints, &present)) return error;
  if (const int error = system("192.0.2.1", service, hints, found)) return ::freeaddrinfo(present), error;
  addrinfo* last = *found;
  while (last->ai_next != nullptr) last = last->ai_next;
  last->ai_next = present;  // glibc frees one by one
  return 0;
}

int loopbacks(LookUp system, const char* service, const addrinfo* hints, addrinfo** found) {
  addrinfo active = *hints;
  active.ai_flags &= ~AI_PASSIVE;  // of no node: both loopback addresses
  return system(nullptr, service, &active, found);
}

}  // namespace

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
  static const auto system = reinterpret_cast<LookUp>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  const std::string_view name = node != nullptr ? node : "";
  if (name == "loopbacks.test") return loopbacks(system, service, hints, found);
  if (name == "partly.test") return partly(system, service, hints, found);
  return system(name == "localhost" ? "127.0.0.1" : node, service, hints, found);
}
