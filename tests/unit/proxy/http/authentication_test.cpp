// SPDX-License-Identifier: Apache-2.0
// docs/reference.md, "Authentication of the connection".
#include "proxy/http/authentication.hpp"

#include <doctest/doctest.h>

#include <string>

#include "proxy/http/head_parser.hpp"

using namespace fusewire;
using namespace fusewire::proxy::http;

TEST_CASE("NTLM, Negotiate and Kerberos authenticate a connection") {
  for (const char* value : {"NTLM", "ntlm TlRMTVNTUAAB", "Negotiate YIIZ==", "Kerberos x", "Basic realm=\"a\", NTLM",
                            "Basic realm=\"a\" ,\tnegotiate"}) {
    CAPTURE(value);
    CHECK(authenticates_connection(value));
  }
  for (const char* value : {"", "Basic bnRsbTpudGxt", "Bearer Negotiate", "Digest realm=NTLM", "NTLMv2 x", ", ,"}) {
    CAPTURE(value);
    CHECK_FALSE(authenticates_connection(value));
  }
}

TEST_CASE("a head with such credentials or such a challenge says so") {
  const HeadLimits limits;
  const auto request = [&](const std::string& field) {
    Request out;
    const std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\n" + field + "\r\n\r\n";
    return parse_request_head(bytes, limits, out).connection_bound;
  };
  const auto response = [&](const std::string& field) {
    Response out;
    const std::string bytes = "HTTP/1.1 401 Unauthorized\r\n" + field + "\r\nA: b\r\n\r\n";
    return parse_response_head(bytes, limits, false, out).connection_bound;
  };
  CHECK(request("authorization: NTLM x"));
  CHECK(request("Proxy-Authorization: Negotiate x"));
  CHECK_FALSE(request("Authorization: Basic x"));
  CHECK_FALSE(request("X-Authorization: NTLM x"));
  CHECK(response("WWW-Authenticate: Basic realm=x\r\nWWW-Authenticate: NTLM"));
  CHECK(response("Proxy-Authenticate: Negotiate"));
  CHECK_FALSE(response("WWW-Authenticate: Basic realm=x"));
}
