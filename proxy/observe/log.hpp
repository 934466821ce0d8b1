// SPDX-License-Identifier: Apache-2.0
// JSON lines on stdout through spdlog's asynchronous logger: a blocked stdout drops lines, and counts them, but never
// stops a thread of the proxy. Thread-safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "config/config.hpp"

namespace fusewire::proxy::log {

using Value = std::variant<std::string_view, std::int64_t, double, bool>;
struct Pair {
  std::string_view key;
  Value value;
};

// Called once, before the threads start; until then lines go to stderr as text and batches are lost. A further call
// acts as configure().
void start(const config::Log&, int fd = 1);
void configure(const config::Log&);  // level and format may change at a reload
void stop();                         // writes what is queued, for at most a second

void info(std::string_view message, std::initializer_list<Pair> = {});
void warn(std::string_view message, std::initializer_list<Pair> = {});
void error(std::string_view message, std::initializer_list<Pair> = {});

// The same for a level or a list that is not known beforehand.
void write(config::LogLevel, std::string_view message, std::span<const Pair>);
bool enabled(config::LogLevel);

// Ready-made lines, each ended by '\n' (a worker's batch of access lines); false when the queue is full: they are lost
// and `lines` is added to dropped().
bool write_lines(std::string&& batch, std::uint64_t lines);
std::uint64_t dropped();

}  // namespace fusewire::proxy::log
