// SPDX-License-Identifier: Apache-2.0
// A client that sends all of its request before it reads can read the answer that came before its body was read
// (docs/reference.md, "Requests that are answered before their bodies are read").
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "tests/support/rig.hpp"
#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

constexpr std::size_t kLarge = 20'000'000;

// Of a client that takes little before it reads.
int connect_to(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int small = 16 * 1024;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

// Without a look at what comes meanwhile. False: the proxy took no more, or has reset the connection.
bool send_blindly(int fd, std::string_view bytes) {
  pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
  while (!bytes.empty() && ::poll(&writable, 1, 20000) > 0) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return bytes.empty();
}

std::string upload(const std::string& framing, std::size_t size) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  if (framing == "chunked")
    return head + "Transfer-Encoding: chunked\r\n\r\n" + chunked(std::string(size, 'x'), 100000);
  return head + "Content-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'x');
}

struct Sent {
  Response reply;
  bool whole = false;
  End end = End::open;
};

Sent send_then_read(std::uint16_t port, const std::string& request) {
  const int fd = connect_to(port);
  Connection client(fd);
  Sent sent;
  sent.whole = send_blindly(fd, request);
  sent.reply = read_response(client, "POST");
  client.ended();
  sent.end = client.end();
  return sent;
}

}  // namespace

TEST_CASE("a client that sends 20 MB before it reads gets our 503") {
  Rig rig;
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  for (const std::string framing : {"length", "chunked"}) {
    CAPTURE(framing);
    const Sent sent = send_then_read(rig.proxy.port(), upload(framing, kLarge));
    CHECK(sent.whole);
    check_problem(sent.reply, 503, "CircuitBreakerOpen", "destination_unavailable");
    CHECK(sent.reply.field("Connection") == "close");
    CHECK(sent.end == End::eof);
  }
  CHECK(rig.upstream.request_count() == 0);
}

TEST_CASE("a client that sends 20 MB before it reads gets our 413, announced or found out") {
  Rig rig(scripts::ok(), "", "    limits: {max_body: 1000}\n");
  for (const std::string framing : {"length", "chunked"}) {
    CAPTURE(framing);
    const Sent sent = send_then_read(rig.proxy.port(), upload(framing, kLarge));
    CHECK(sent.whole);
    check_problem(sent.reply, 413, "BodyTooLarge");
    CHECK(sent.end == End::eof);
  }
}

TEST_CASE("a client that sends 20 MB before it reads gets an answer that fits into no socket's buffers") {
  const std::string body(3'000'000, 'y');
  Rig rig(scripts::ok(), "    fallback: {chain: [{static: {status: 200, body: \"" + body + "\"}}]}\n");
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  const Sent sent = send_then_read(rig.proxy.port(), upload("length", kLarge));
  CHECK(sent.whole);
  CHECK(sent.reply.status == 200);
  CHECK(sent.reply.body == body);
}

TEST_CASE("a client that sends 20 MB before it reads gets its upstream's early response") {
  Rig rig([](Call& call) {
    call.send(response(403, "no"));
    call.hang();
  });
  const Sent sent = send_then_read(rig.proxy.port(), upload("length", kLarge));
  CHECK(sent.whole);
  CHECK(sent.reply.status == 403);
  CHECK(sent.reply.body == "no");
  CHECK(sent.reply.field("Connection") == "close");
}

TEST_CASE("a client over TLS that sends 20 MB before it reads gets our 413") {
  TlsListenerRig tls(scripts::ok(), {}, "    limits: {max_body: 1000}\n");
  Connection client = tls.secured(tls.client);
  CHECK(client.send(upload("length", kLarge)));
  check_problem(read_response(client, "POST"), 413, "BodyTooLarge");
  CHECK(client.ended());
  CHECK(client.end() == End::eof);
}

TEST_CASE("a client that sends nothing more after an answer to half a request is let go after five seconds") {
  Rig rig;
  REQUIRE(rig.proxy.admin_change("/admin/circuit-breakers/orders/force-open").status == 200);
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\nthe beginning");
  CHECK(read_response(client, "POST").status == 503);
  CHECK(client.ended());  // our FIN
  const milliseconds taken =
      time_of([&] { CHECK(eventually([&] { return rig.proxy.metric("fusewire_connections") == 0; })); });
  CHECK(taken >= 4s);
}
