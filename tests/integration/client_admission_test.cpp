// SPDX-License-Identifier: Apache-2.0
// Connections that a new configuration would not admit are served no further.
#include <atomic>
#include <string>

#include "tests/support/reserved_port.hpp"
#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

// A TLS listener whose tls section is changed by reloads.
struct Admission {
  explicit Admission(const std::string& keys, Script script = scripts::ok())
      : upstream(std::move(script)), proxy(text(keys)) {
    folder.write("one.pem", one.certificate());
    folder.write("other.pem", other.certificate());
  }
  std::string text(const std::string& keys) const {
    return "listeners:\n  - name: main\n    address: 127.0.0.1:" + std::to_string(port.number()) + "\n" +
           files.listener(keys) +
           "upstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:" + std::to_string(upstream.port()) + "\"]\n";
  }
  std::string client_ca(const std::string& file) const {
    folder.write("one.pem", one.certificate());
    folder.write("other.pem", other.certificate());
    return ", client_ca: " + (folder.path() / file).string();
  }
  TlsWishes wishes(int version = 0) const {
    TlsWishes wished = files.client();
    wished.version = version;
    return wished;
  }
  TlsWishes wishes(const Identity& identity) const {
    TlsWishes wished = files.client();
    wished.identity = identity;
    return wished;
  }
  void reload(const std::string& keys) { REQUIRE(proxy.reload(text(keys)).status == 200); }
  // A connection that is kept after its first answer.
  Connection served(TlsEnd& end) const {
    Connection client = proxy.connect();
    REQUIRE(client.secure(end));
    REQUIRE(ask(client).status == 200);
    return client;
  }
  int status_of_new(TlsEnd& end) const {
    Connection client = proxy.connect();
    return client.secure(end) ? ask(client).status : 0;
  }

  Authority one{"One"}, other{"Other"};
  TemporaryFolder folder;
  TlsFiles files;
  ReservedPort port;
  ScriptedUpstream upstream;
  TestProxy proxy;
};

}  // namespace

TEST_CASE("kept connections without a client's certificate end when client_ca is turned on") {
  Admission admission("");
  TlsEnd end(TlsEnd::Role::client, admission.wishes());
  Connection kept = admission.served(end);
  admission.reload(admission.client_ca("one.pem"));
  CHECK(ask(kept).status == 0);
  CHECK(kept.ended());
  CHECK(admission.upstream.request_count() == 1);
  CHECK(admission.status_of_new(end) == 0);
  TlsEnd known(TlsEnd::Role::client, admission.wishes(admission.one.issue()));
  CHECK(admission.status_of_new(known) == 200);
}

TEST_CASE("kept connections end when client_ca names other authorities, and stay when it is turned off") {
  Admission admission("");
  admission.reload(admission.client_ca("one.pem"));
  TlsEnd one(TlsEnd::Role::client, admission.wishes(admission.one.issue()));
  Connection kept = admission.served(one);
  admission.reload(admission.client_ca("other.pem"));
  CHECK(ask(kept).status == 0);
  CHECK(kept.ended());

  TlsEnd other(TlsEnd::Role::client, admission.wishes(admission.other.issue()));
  Connection stays = admission.served(other);
  admission.reload("");
  CHECK(ask(stays).status == 200);
  CHECK(ask(stays).status == 200);
}

TEST_CASE("a client_ca file that holds another authority now ends kept connections, too") {
  Admission admission("");
  admission.reload(admission.client_ca("one.pem"));
  TlsEnd one(TlsEnd::Role::client, admission.wishes(admission.one.issue()));
  Connection kept = admission.served(one);
  admission.folder.write("one.pem", admission.other.certificate());
  REQUIRE(admission.proxy.admin_change("/admin/config/reload").status == 200);
  CHECK(ask(kept).status == 0);
  CHECK(kept.ended());
}

TEST_CASE("kept connections of an older TLS end when min_version is raised, others stay") {
  Admission admission("");
  TlsEnd older(TlsEnd::Role::client, admission.wishes(kTls12));
  TlsEnd newer(TlsEnd::Role::client, admission.wishes(kTls13));
  Connection old = admission.served(older);
  Connection young = admission.served(newer);
  admission.reload(", min_version: \"1.3\"");
  CHECK(ask(old).status == 0);
  CHECK(old.ended());
  CHECK(ask(young).status == 200);
}

TEST_CASE("what is being served when its client is no longer admitted is finished, and nothing after it") {
  std::atomic<bool> go{false};
  Admission admission("", [&](Call& call) {
    if (call.request().target == "/slow") eventually([&] { return go.load() || call.stopping(); });
    call.send(response(200, "done"));
  });
  TlsEnd end(TlsEnd::Role::client, admission.wishes());
  Connection kept = admission.proxy.connect();
  REQUIRE(kept.secure(end));
  kept.send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\nGET /next HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(eventually([&] { return admission.upstream.request_count() == 1; }));
  admission.reload(admission.client_ca("one.pem"));
  go = true;
  const Response last = read_response(kept);
  CHECK(last.body == "done");
  CHECK(last.field("Connection") == "close");
  CHECK(kept.ended());
  CHECK(admission.upstream.request_count() == 1);
}
