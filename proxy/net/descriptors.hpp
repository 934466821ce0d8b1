// SPDX-License-Identifier: Apache-2.0
// The last file descriptors of the process belong to its operator: admin, probes and files must work while clients and
// upstreams have taken all the others.
#pragma once

#include <cstddef>

namespace fusewire::proxy {

// How many descriptors connections leave free. Connections to upstreams may use some that clients may not, so that the
// last client can be served, but do not keep them while idle: the next client may be another worker's. `near_client`:
// from here on the acceptor checks more closely before it accepts a client.
enum class Reserve : unsigned { near_client = 32, client = 16, upstream = 8 };

// Whether `descriptor` (the kernel gives the lowest one that is free) is one of the last, by today's limit.
bool is_reserved(int descriptor, Reserve);

// The same for the descriptor that would be given next; costs two system calls.
bool is_next_reserved(Reserve);

// How many there may be, by today's limit.
std::size_t descriptor_limit();

// Raises the soft limit to the hard one: the defaults of both are meant for other programs.
void raise_descriptor_limit();

}  // namespace fusewire::proxy
