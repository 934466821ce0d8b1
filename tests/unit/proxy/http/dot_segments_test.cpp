// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/dot_segments.hpp"

#include <doctest/doctest.h>

using fusewire::proxy::http::has_dot_segments;

TEST_CASE("a dot segment is found however it is written") {
  for (const char* path :
       {"/.",       "/..",   "/./",     "/../",          "/a/..",     "/a/../b", "/a/./b",    "/%2e",
        "/%2E%2e/", "/.%2e", "/%2e./x", "/a%2f..%2fb",   "/a/..%2Fb", "/a%2F..", "/a\\..\\b", "/a%5c..%5Cb",
        "/..;x/b",  "/.;",   "/..%3bx", "/%2e%2e;a=b/c", "//..",      "..",      "."}) {
    CAPTURE(path);
    CHECK(has_dot_segments(path));
  }
}

TEST_CASE("what only has dots in it passes") {
  for (const char* path :
       {"",       "/",          "//",   "*",    "/...",         "/....", "/a.",     "/.a", "/..a",           "/a..",
        "/a..b/", "/%2e%2e%2e", "/.%2", "/..%", "/%252e%252e/", "/;..",  "/a;../b", "/;",  "/.well-known/x", "/%61..",
        "/..%20", "/a;b/c"}) {
    CAPTURE(path);
    CHECK_FALSE(has_dot_segments(path));
  }
}
