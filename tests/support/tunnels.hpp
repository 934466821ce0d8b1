// SPDX-License-Identifier: Apache-2.0
// What tests of upgraded connections have in common.
#pragma once

#include <string>

#include "tests/support/rig.hpp"

namespace fusewire::testing {

// A WebSocket handshake as a browser sends it; `fields` are added.
std::string handshake(const std::string& target = "/", const std::string& fields = {});

// The upstream's agreement.
inline constexpr const char* kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

// The client's end of a tunnel whose 101 has been read; checks that it was one.
Connection open_tunnel(const TestProxy&, const std::string& fields = {});

namespace scripts {

Script echo_tunnel();                       // agrees, sends back what comes, and ends when the client has ended
Script tunnel(std::function<void(Call&)>);  // agrees, then that, then FIN

}  // namespace scripts

}  // namespace fusewire::testing
