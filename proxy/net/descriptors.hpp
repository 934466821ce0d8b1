// SPDX-License-Identifier: Apache-2.0
// The last file descriptors of the process belong to its operator: admin, probes and files must work while clients and
// upstreams have taken all the others.
#pragma once

#include <cstddef>

namespace fusewire::proxy {

// What connections leave free. Upstreams may take what clients may not, so that the last client can be served, but keep
// none of it idle: another worker's client may be the next.
// `near_client`: time to look more closely before a client is taken.
enum class Reserve : unsigned { near_client = 32, client = 16, upstream = 8 };

// Whether `descriptor` (the kernel gives the lowest one that is free) is one of the last, by today's limit.
bool is_reserved(int descriptor, Reserve);

// The same for the descriptor that would be given next; costs two system calls.
bool is_next_reserved(Reserve);

// How many there may be, by today's limit.
std::size_t descriptor_limit();

// Raises the soft limit to the hard one: both are set with other programs in mind.
void raise_descriptor_limit();

}  // namespace fusewire::proxy
