// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <string>

#include "tests/breaker_adapter/player.hpp"

int main() {
  fusewire::adapter::Player player;
  for (std::string line; std::getline(std::cin, line);)
    std::cout << boost::json::serialize(player.play(line))
              << std::endl;  // the player at the other end waits for the answer
}
