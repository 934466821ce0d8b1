// SPDX-License-Identifier: Apache-2.0
// The sections of the file: a checked tree in, plain values out. What is wrong is reported and its default kept.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/node.hpp"
#include "config/reader.hpp"
#include "config/report.hpp"

namespace fusewire::config {

Upstream read_upstream(const Node& upstream, Report&);  // `defaults` have been merged under it
ListenerTls read_listener_tls(const Reader&);
UpstreamTls read_upstream_tls(const Reader&);
std::vector<Listener> read_listeners(const Node& root, const std::vector<Upstream>&, Report&);
void read_process(const Node& root, Config&, Report&);
CircuitBreaker read_circuit_breaker(const Reader&);
std::vector<Webhook> read_webhooks(const Reader& events);

}  // namespace fusewire::config
