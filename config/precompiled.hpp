// SPDX-License-Identifier: Apache-2.0
// What takes the compiler longest to read and changes never. The build includes it by itself; nobody else does.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
