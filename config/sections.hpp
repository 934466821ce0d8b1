// SPDX-License-Identifier: Apache-2.0
// The sections of the file: a checked tree in, plain values out. What is wrong is reported and its default kept.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/diagnostics.hpp"
#include "config/node.hpp"
#include "config/reader.hpp"

namespace fusewire::config {

Upstream read_upstream(const Node& upstream, Report&);  // `defaults` have been merged under it
ListenerTls read_listener_tls(const Reader&);
UpstreamTls read_upstream_tls(const Reader&);
std::vector<Listener> read_listeners(const Node& root, const std::vector<Upstream>&, Report&);
void read_process(const Node& root, Config&, Report&);
CircuitBreaker read_circuit_breaker(const Reader&);

// What more than one key decides, or is read item by item, once each key by itself has been read (describe/read.hpp).
void finish(const Reader&, Detection&);
void finish(const Reader&, Classify&);
void finish(const Reader&, StaticStep&);
void finish(const Reader&, Fallback&);
void finish(const Reader&, UpstreamTls&);
void finish(const Reader&, Admin&);
void finish(const Reader&, Shutdown&);

// A list of outcomes, statuses and classes. `outcomes`: how many of kOutcomes may stand there.
void read_conditions(const Reader&, std::string_view key, Conditions& out, std::size_t outcomes);

void read_address(const Node&, Address& out, Report&);

// A map of field names to values.
FieldList read_fields(const Reader&, std::string_view key);

// Reports a file that cannot be read, or is larger. Neither opens anything where the report says so (no_files).
void check_file(const Node& path, std::size_t limit, Report&);
// What a key names: "expected a file, …" is reported when it cannot be read.
std::optional<std::string> read_file(const Node& path, std::size_t limit, Report&);

}  // namespace fusewire::config
