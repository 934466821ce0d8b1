// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proxy/downstream/body_discard.hpp"
#include "proxy/downstream/client_deadline.hpp"
#include "proxy/downstream/http1_persistence.hpp"
#include "proxy/net/channel.hpp"
#include "proxy/upstream/inbound.hpp"

namespace fusewire::proxy {

// What those who write to a client's HTTP/1 connection share. The session owns all of it.
struct Http1Connection {
  Channel& channel;
  Inbound& inbound;
  ClientDeadline& deadline;  // for all that the client owes
  Http1Persistence& persistence;
  BodyDiscard& discarded;  // of the request at hand
};

}  // namespace fusewire::proxy
