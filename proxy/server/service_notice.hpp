// SPDX-License-Identifier: Apache-2.0
// What a service manager (systemd, Type=notify) is to know, by the protocol of sd_notify(3): a datagram to the socket
// that NOTIFY_SOCKET names. Where there is no manager, or it does not listen, nothing happens.
#pragma once

#include <string>
#include <string_view>

namespace fusewire::proxy {

// A socket's path, or behind @ a name in the abstract name space. False: it was not taken.
bool notify_service_manager(const std::string& socket, std::string_view state);

}  // namespace fusewire::proxy
