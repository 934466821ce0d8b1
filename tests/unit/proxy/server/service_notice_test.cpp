// SPDX-License-Identifier: Apache-2.0
#include "proxy/server/service_notice.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>

using fusewire::proxy::notify_service_manager;

TEST_CASE("a service manager in the abstract name space gets the datagram") {
  const std::string name = "@fusewire-test-" + std::to_string(::getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(name.begin() + 1, name.end(), address.sun_path + 1);
  const int manager = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  REQUIRE(::bind(manager, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(notify_service_manager(name, "READY=1"));
  std::array<char, 64> text{};
  CHECK(::recv(manager, text.data(), text.size(), 0) == 7);
  CHECK(std::string(text.data()) == "READY=1");
  ::close(manager);
  CHECK_FALSE(notify_service_manager(name, "READY=1"));  // gone
}

TEST_CASE("without a service manager, or with a name that is none, nothing happens") {
  CHECK_FALSE(notify_service_manager("", "READY=1"));
  CHECK_FALSE(notify_service_manager("vsock:2:1234", "READY=1"));
  CHECK_FALSE(notify_service_manager("/nowhere/notify", "READY=1"));
  CHECK_FALSE(notify_service_manager("/" + std::string(200, 'x'), "READY=1"));
}
