// SPDX-License-Identifier: Apache-2.0
#include "config/addresses.hpp"

#include "support.hpp"

namespace fusewire::config {
namespace {

TEST_CASE("an address is HOST:PORT, with IPv6 in brackets, or a socket's path") {
  CHECK(parse_address("127.0.0.1:8080").value->host == "127.0.0.1");
  CHECK(parse_address("127.0.0.1:8080").value->port == 8080);
  CHECK(parse_address("localhost:0").value->port == 0);
  CHECK(parse_address("[::1]:65535").value->host == "::1");
  const Address socket = *parse_address("unix:/run/in.sock").value;
  CHECK(socket.kind == Address::Kind::unix_socket);
  CHECK(socket.path == "/run/in.sock");
}

TEST_CASE("an address that is none says what was expected") {
  for (const char* text : {"", "8080", ":8080", "127.0.0.1", "::1:80", "[::1]", "[::1:80", "[x]:80", "a b:80",
                           "256.0.0.1:80", "1.2.3:80", "-a:80", ".a:80", "a..b:80", "[::1]x:80"}) {
    CAPTURE(text);
    CHECK(parse_address(text).error == "expected HOST:PORT, [IPv6]:PORT or unix:/path");
  }
  for (const char* text : {"a:", "a:65536", "a:-1", "a:x", "a:80x", "a:000080"}) {
    CAPTURE(text);
    CHECK(parse_address(text).error == "expected a port from 0 to 65535");
  }
  CHECK(parse_address("unix:").error == "expected an absolute path after 'unix:'");
  CHECK(parse_address("unix:run/x").error == "expected an absolute path after 'unix:'");
  CHECK(parse_address("unix:/" + std::string(107, 'x')).error == "expected a socket path of at most 107 bytes");
}

TEST_CASE("an endpoint is an http URL without a path, or a socket") {
  const Endpoint endpoint = *parse_endpoint("http://Orders.local:9000").value;
  CHECK(endpoint.url == "http://Orders.local:9000");
  CHECK(endpoint.address.host == "Orders.local");
  CHECK(endpoint.address.port == 9000);
  CHECK(endpoint.authority == "Orders.local:9000");
  CHECK(parse_endpoint("http://orders").value->address.port == 80);
  CHECK(parse_endpoint("http://orders").value->authority == "orders");
  CHECK(parse_endpoint("http://[::1]:1").value->address.host == "::1");
  CHECK(parse_endpoint("http://[::1]:1").value->authority == "[::1]:1");
  CHECK(parse_endpoint("http://[::1]").value->address.port == 80);
  CHECK(parse_endpoint("unix:/a").value->authority == "");
  CHECK(parse_endpoint("unix:/a").value->address.path == "/a");
}

TEST_CASE("a bare slash behind an endpoint is no path, and makes it no other endpoint") {
  CHECK(parse_endpoint("http://127.0.0.1:9000/").value == parse_endpoint("http://127.0.0.1:9000").value);
  CHECK(parse_endpoint("http://[::1]/").value->authority == "[::1]");
  CHECK(parse_endpoint("unix:/a/").value->address.path == "/a/");
}

TEST_CASE("an https endpoint is one with TLS, on port 443 unless it says otherwise") {
  CHECK(parse_endpoint("https://orders").value->address.port == 443);
  CHECK(parse_endpoint("https://orders").value->tls);
  CHECK(parse_endpoint("https://[::1]:9443/").value->authority == "[::1]:9443");
  CHECK_FALSE(parse_endpoint("http://orders:443").value->tls);
  CHECK(parse_endpoint("https://a/v1").error == "no path in an endpoint's URL; expected https://a");
}

TEST_CASE("an endpoint that is none says why") {
  CHECK(parse_endpoint("http://a:1/v1").error == "no path in an endpoint's URL; expected http://a:1");
  CHECK(parse_endpoint("http://a//").error == "no path in an endpoint's URL; expected http://a");
  CHECK(parse_endpoint("http://a/v1/").error == "no path in an endpoint's URL; expected http://a");
  CHECK(parse_endpoint("http://a?x").error == "no path in an endpoint's URL; expected http://a");
  CHECK(parse_endpoint("unix:x").error == "expected an absolute path after 'unix:'");
  for (const char* text : {"", "a:80", "ftp://a", "http://", "http://::1", "http://a b"}) {
    CAPTURE(text);
    CHECK(parse_endpoint(text).error == "expected http://HOST[:PORT], https://HOST[:PORT] or unix:/path");
  }
  for (const char* text : {"http://user@a", "http://user:password@a:80", "http://user:p/assword@a"}) {
    CAPTURE(text);
    CHECK(parse_endpoint(text).error ==
          "no user or password belongs in an endpoint's URL; expected http://HOST[:PORT]");
  }
  for (const char* text : {"http://a:0", "http://a:", "http://a:70000"}) {
    CAPTURE(text);
    CHECK(parse_endpoint(text).error == "expected a port from 1 to 65535");
  }
}

TEST_CASE("an IPv4 network is kept as mapped IPv6, and bits behind the prefix are cleared") {
  const Network network = *parse_network("10.1.2.3/8").value;
  CHECK(network.bits == 104);
  CHECK(network.address[11] == 0xff);
  CHECK(network.address[12] == 10);
  CHECK(network.address[13] == 0);
  CHECK(format_network(network) == "10.0.0.0/8");
}

TEST_CASE("networks are printed as they are read") {
  for (const char* text : {"0.0.0.0/0", "192.168.1.1/32", "::/0", "fd00::/8", "2001:db8::1/128", "172.16.0.0/12"}) {
    CAPTURE(text);
    CHECK(format_network(*parse_network(text).value) == text);
  }
  CHECK(format_network(*parse_network("10.0.0.1").value) == "10.0.0.1/32");
  CHECK(format_network(*parse_network("::1").value) == "::1/128");
}

TEST_CASE("a network that is none says why") {
  for (const char* text : {"", "x", "10.0.0/8", "localhost", "/8", "[::1]/8"})
    CHECK(parse_network(text).error == "expected a network such as 10.0.0.0/8 or fd00::/8");
  CHECK(parse_network("10.0.0.0/33").error == "expected a prefix length from 0 to 32");
  CHECK(parse_network("::/129").error == "expected a prefix length from 0 to 128");
  CHECK(parse_network("::/x").error == "expected a prefix length from 0 to 128");
  CHECK(parse_network("::/").error == "expected a prefix length from 0 to 128");
}

TEST_CASE("addresses are printed as they are read") {
  for (const char* text : {"127.0.0.1:80", "[::1]:80", "unix:/a/b", "host.name:0"})
    CHECK(format_address(*parse_address(text).value) == text);
}

TEST_CASE("loopback is 127/8, ::1, localhost and every socket") {
  for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "Localhost:1", "unix:/a"})
    CHECK(is_loopback(*parse_address(text).value));
  for (const char* text : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.example:1"})
    CHECK_FALSE(is_loopback(*parse_address(text).value));
}

}  // namespace
}  // namespace fusewire::config
