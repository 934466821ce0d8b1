// SPDX-License-Identifier: Apache-2.0
// TLS with what people have: curl, openssl s_client, nginx, openssl s_server.
#include <string>

#include "tests/support/real_nginx.hpp"
#include "tests/support/shell.hpp"
#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

std::string url(const TlsListenerRig& tls, const std::string& path = "/") {
  return " https://localhost:" + std::to_string(tls.rig.proxy.port()) + path;
}

std::string curl(const TlsFiles& files) {
  return "curl -sS -4 --max-time 20 --noproxy '*' --cacert " + files.at("ca.pem");
}

bool has(const Ran& ran, const std::string& text) { return ran.output.find(text) != std::string::npos; }

}  // namespace

TEST_CASE("curl gets what it asks for over TLS, and HTTP/1.1 although it would like HTTP/2") {
  TlsListenerRig tls(scripts::ok("over TLS"));
  const Ran ran = run(curl(tls.files) + " -w ' %{http_version} %{ssl_verify_result}'" + url(tls));
  CHECK(ran.output == "over TLS 1.1 0");
  CHECK(ran.status == 0);
  CHECK(run(curl(tls.files) + " --tls-max 1.2 -o /dev/null" + url(tls)).status == 0);
}

TEST_CASE("curl uploads and downloads a large body over one connection") {
  TlsListenerRig tls(scripts::echo());
  const std::string body = pattern(3 * 1024 * 1024);
  const std::string file = tls.files.folder.write("body", body);
  const std::string two = " -w '%{num_connects}' -T " + file + url(tls) + " -o " + tls.files.at("one");
  const Ran ran = run(curl(tls.files) + two + " --next" + two.substr(0, two.rfind(" -o")) + " --cacert " +
                      tls.files.at("ca.pem") + " -4 --noproxy '*' -o " + tls.files.at("two"));
  CHECK(ran.status == 0);
  CHECK(ran.output == "10");
  CHECK((tls.files.folder.read("one") == body));
  CHECK((tls.files.folder.read("two") == body));
}

TEST_CASE("curl with a client certificate is let in, without it is not") {
  Authority clients("Clients");
  TemporaryFolder folder;
  TlsListenerRig tls(scripts::ok(), ", client_ca: " + folder.write("clients.pem", clients.certificate()));
  const Identity identity = clients.issue();
  const std::string shown = " --cert " + folder.write("cert.pem", identity.certificate) + " --key " +
                            folder.write("key.pem", identity.private_key);
  CHECK(run(curl(tls.files) + shown + url(tls)).output == "hello");
  const Ran refused = run(curl(tls.files) + url(tls));
  CHECK(refused.status == 56);
  CHECK(has(refused, "alert certificate required"));
}

TEST_CASE("curl that speaks plain HTTP to a TLS port reads why not") {
  TlsListenerRig tls;
  const Ran ran =
      run("curl -sS --max-time 20 --noproxy '*' http://127.0.0.1:" + std::to_string(tls.rig.proxy.port()) + "/");
  CHECK(ran.status == 0);
  CHECK(has(ran, "plain HTTP on a port that speaks TLS"));
}

TEST_CASE("openssl s_client agrees on ALPN, resumes, and is refused what is too old or compressed or renegotiated") {
  TlsListenerRig tls;
  const std::string base = "echo Q | openssl s_client -connect 127.0.0.1:" + std::to_string(tls.rig.proxy.port()) +
                           " -servername localhost -CAfile " + tls.files.at("ca.pem") + " ";
  const Ran plain = run(base + "-alpn h2,http/1.1");
  CHECK(has(plain, "Verify return code: 0 (ok)"));
  CHECK(has(plain, "ALPN protocol: http/1.1"));
  CHECK(has(run(base + "-alpn h2"), "no application protocol"));
  CHECK(has(run(base + "-tls1_1 -cipher DEFAULT@SECLEVEL=0"), "alert protocol version"));
  CHECK(has(run(base + "-tls1_2 -cipher AES128-GCM-SHA256"), "handshake failure"));
  const Ran older = run(base + "-tls1_2 -reconnect");
  CHECK(has(older, "Reused, TLSv1.2"));
  CHECK(has(older, "Compression: NONE"));
  const Ran again = run("(printf 'R\\n'; sleep 1; echo Q) | " + base.substr(base.find("openssl")) + "-tls1_2");
  CHECK(has(again, "no renegotiation"));
}

TEST_CASE("nginx over TLS: downloads and uploads are what they are without the proxy") {
  TlsFiles files;
  RealNginx nginx(files.at("cert.pem"), files.at("key.pem"));
  TestProxy proxy("listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"https://localhost:" +
                  std::to_string(nginx.port()) + "\"]\n" + files.upstream());
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{5 * 1024 * 1024}}) {
    CAPTURE(size);
    const std::string body = pattern(size);
    nginx.write_file("file", body);
    const Response with = proxy.get("/file");
    CHECK(with.complete);
    CHECK((with.body == body));
    if (size == 0) continue;
    CHECK(proxy.request("PUT", "/upload/file", {}, body).status / 100 == 2);
    CHECK((nginx.read_file("upload/file") == body));
  }
}

TEST_CASE("nginx on both sides of TLS: the proxy between") {
  TlsFiles files;
  RealNginx nginx(files.at("cert.pem"), files.at("key.pem"));
  nginx.write_file("file", pattern(2 * 1024 * 1024));
  TestProxy proxy("listeners:\n  - address: 127.0.0.1:0\n" + files.listener() +
                  "upstreams:\n  orders:\n    endpoints: [\"https://localhost:" + std::to_string(nginx.port()) +
                  "\"]\n" + files.upstream());
  const Ran ran =
      run(curl(files) + " https://localhost:" + std::to_string(proxy.port()) + "/file -o " + files.at("got"));
  CHECK(ran.status == 0);
  CHECK((files.folder.read("got") == pattern(2 * 1024 * 1024)));
}
