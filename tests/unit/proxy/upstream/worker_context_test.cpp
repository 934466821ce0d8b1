// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/worker_context.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "proxy/net/clock.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"
#include "tests/unit/proxy/upstream/no_names.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

struct Rig {
  ~Rig() { dns.stop(); }

  testing::NoNames dns;
  WorkerCells cells;
  WorkerContext worker{0, cells, dns, [] {}};
};

struct Ear final : WorkerTask {
  explicit Ear(WorkerTasks& of) : all(of) { all.add(*this); }
  ~Ear() { all.remove(*this); }
  void stop() override {}
  void configuration_changed() override { ++heard; }

  WorkerTasks& all;
  int heard = 0;
};

}  // namespace

// ------------------------------------------------------------------------------------------------------ a request's

TEST_CASE("each request of a worker has an id of its own, of 32 hexadecimal digits") {
  Rig rig;
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id(rig.worker.new_request_id());
    CHECK(id.size() == 32);
    CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
    ids.insert(id);
  }
  CHECK(ids.size() == 1000);
}

TEST_CASE("a worker's request ids have one half in common, which is no other worker's") {
  Rig one, two;
  const std::string first(one.worker.new_request_id());
  CHECK(std::string(one.worker.new_request_id()).substr(0, 16) == first.substr(0, 16));
  CHECK(std::string(two.worker.new_request_id()).substr(0, 16) != first.substr(0, 16));
}

TEST_CASE("the Date line is that of the second") {
  Rig rig;
  const WallTime at{std::chrono::seconds(784111777)};
  CHECK(rig.worker.date_line(at) == "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  CHECK(rig.worker.date_line(at + 999ms) == "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  CHECK(rig.worker.date_line(at + 1s) == "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
  CHECK(rig.worker.date_line(at) == "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");  // the clock was set back
}

TEST_CASE("a list of fields that is given back is taken again, empty, with its room") {
  Rig rig;
  Fields fields;
  fields.add("Accept", "text/plain", FieldId::other);
  const std::size_t room = fields.room();
  rig.worker.give_back(std::move(fields));
  Fields again = rig.worker.take_fields();
  CHECK(again.begin() == again.end());
  CHECK(again.room() == room);
  CHECK_FALSE(rig.worker.take_fields().has_room());
}

TEST_CASE("no list of fields is kept that one request has made too large") {
  Rig rig;
  Fields fields;
  for (int i = 0; i < 300; ++i) fields.add("Accept", "text/plain", FieldId::other);
  rig.worker.give_back(std::move(fields));
  CHECK_FALSE(rig.worker.take_fields().has_room());
}

TEST_CASE("after many requests at a time a few of their lists of fields are kept") {
  Rig rig;
  for (int i = 0; i < 100; ++i) {
    Fields fields;
    fields.add("Accept", "text/plain", FieldId::other);
    rig.worker.give_back(std::move(fields));
  }
  int kept = 0;
  while (rig.worker.take_fields().has_room()) ++kept;
  CHECK(kept == 64);
}

// ------------------------------------------------------------------------------------------------------ a snapshot

TEST_CASE("workers do not share the count of those who hold a snapshot") {
  Rig rig;
  const testing::ControlRig control;
  const auto snapshot = control.control.snapshot();
  const long before = snapshot.use_count();
  rig.worker.adopt(snapshot);
  const std::vector<std::shared_ptr<const Snapshot>> requests(10, rig.worker.snapshot());
  CHECK(rig.worker.snapshot() == snapshot);
  CHECK(snapshot.use_count() == before + 1);
}

TEST_CASE("an old snapshot goes when the last of those who hold it has let it go") {
  Rig rig;
  auto old = std::make_unique<testing::ControlRig>();
  const std::weak_ptr<const Snapshot> watched = old->control.snapshot();
  rig.worker.adopt(old->control.snapshot());
  old.reset();
  auto request = rig.worker.snapshot();
  const testing::ControlRig next;
  rig.worker.adopt(next.control.snapshot());
  CHECK_FALSE(watched.expired());
  request.reset();
  CHECK(watched.expired());
}

TEST_CASE("connections hear of another snapshot when the context has it; what runs behind clients does not") {
  Rig rig;
  Ear connection(rig.worker.connections());
  const Ear refresh(rig.worker.refreshes());
  const testing::ControlRig control;
  rig.worker.adopt(control.control.snapshot());
  CHECK(connection.heard == 1);
  CHECK(refresh.heard == 0);
}

TEST_CASE("each task's end is heard of, of whichever kind") {
  int ended = 0;
  Rig rig;
  WorkerContext worker{0, rig.cells, rig.dns, [&] { ++ended; }};
  { const Ear connection(worker.connections()); }
  CHECK(ended == 1);
  { const Ear refresh(worker.refreshes()); }
  CHECK(ended == 2);
  { const Ear probe(worker.own_requests()); }
  CHECK(ended == 3);
}
