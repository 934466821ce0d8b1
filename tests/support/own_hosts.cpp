// SPDX-License-Identifier: Apache-2.0
// The hosts file of a test program that links this: `localhost` is 127.0.0.1 alone, whatever the machine's own file
// says. Where it is ::1 as well, as in Debian's default, it is two addresses to count connections to, and to listen on.
#include <dlfcn.h>
#include <netdb.h>

#include <string_view>

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
  static const auto system = reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  const bool local = node != nullptr && std::string_view(node) == "localhost";
  return system(local ? "127.0.0.1" : node, service, hints, found);
}
