// SPDX-License-Identifier: Apache-2.0
// The rest of a request's body between a scripted client and a scripted stream.
#include "proxy/upstream/upload.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "proxy/net/clock.hpp"
#include "proxy/net/spawn.hpp"
#include "tests/unit/proxy/upstream/scripted_streams.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using testing::ScriptedStream;
using testing::UploadingClient;
using State = Upload::State;

namespace {

struct Scene {
  explicit Scene(BodyKind kind = BodyKind::length, std::uint64_t length = 6) {
    inbound.body = http::BodyDecoder(kind, length);
    client.body = &inbound.body;
    spawn(listen(), "driver");
  }
  ~Scene() {
    stream.cancel();
    upload.stop();
    turn();
    CHECK_FALSE(upload.running());
    event.set();
  }
  void start(bool unasked = false) {
    upload.start(stream, unasked, [this](Upload::Progress progress, Time, std::size_t bytes) {
      constexpr const char* kWords[] = {"starved ", "fed ", "blocked ", "sent "};
      story += kWords[static_cast<int>(progress)];
      fed += bytes;
    });
  }
  void turn() { loop.turn(Time{}); }
  std::string take_story() { return std::exchange(story, {}); }

  Loop loop;
  UploadingClient client;
  Event event;
  Inbound inbound{.client = client, .event = event, .session = {}};
  ScriptedStream stream{loop};
  Upload upload{inbound, loop};
  std::string story;    // of its progress
  std::size_t fed = 0;  // bytes that have come
  bool woken = false;   // the driver

 private:
  Task<void> listen() {
    co_await event.wait();
    woken = true;
  }
};

}  // namespace

// ------------------------------------------------------------------------------------------------------ its pieces

TEST_CASE("a body goes upstream piece by piece as it comes, and the request ends with the last of them") {
  Scene scene;
  scene.client.upload("abc");
  scene.start();
  CHECK(scene.stream.request == "abc|");
  CHECK_FALSE(scene.stream.request_ended);
  CHECK(scene.upload.state() == State::running);
  scene.client.upload("d");
  scene.client.upload("ef");
  CHECK(scene.stream.request == "abc|d|ef|");
  CHECK(scene.stream.request_ended);
  CHECK(scene.upload.state() == State::complete);
}

TEST_CASE("the end of a chunked body, where it comes alone, ends the request") {
  Scene scene(BodyKind::chunked, 0);
  scene.client.upload("3\r\nabc\r\n");
  scene.start();
  CHECK_FALSE(scene.stream.request_ended);
  scene.client.upload("0\r\n\r\n");
  CHECK(scene.stream.request == "abc|");
  CHECK(scene.stream.request_ended);
  CHECK(scene.upload.state() == State::complete);
}

TEST_CASE("the driver hears of an upload's end in a later turn, for it may destroy the caller") {
  Scene scene;
  scene.client.upload("abcdef");
  scene.start();
  CHECK_FALSE(scene.upload.running());
  CHECK_FALSE(scene.woken);
  scene.turn();
  CHECK(scene.woken);
}

TEST_CASE("an upload that has ended leaves its client to others, with what that sends behind its request") {
  Scene scene;
  scene.client.upload("abc");
  scene.start();
  CHECK(scene.client.is_uploading());
  scene.client.upload("def");
  CHECK_FALSE(scene.client.is_uploading());
  scene.client.upload("another request");
  CHECK(scene.client.uploads.size() == 1);
  CHECK(scene.stream.request == "abc|def|");
}

// ------------------------------------------------------------------------------------------------------ a slow client

TEST_CASE("an upload says once that it waits for its client, and how much has come when it goes on") {
  Scene scene;
  scene.start();
  CHECK(scene.take_story() == "starved ");
  scene.client.stir();
  CHECK(scene.take_story().empty());
  scene.client.upload("abcd");
  CHECK(scene.take_story() == "fed sent starved ");
  CHECK(scene.fed == 4);
}

TEST_CASE("a client has its time for each piece from when that is waited for") {
  Scene scene;
  const Time before = steady_now();
  scene.start();
  CHECK(scene.client.waited_for >= before);
  CHECK(scene.client.waited_for <= steady_now());
  scene.client.waited_for = {};
  scene.client.upload("abc");
  CHECK(scene.client.waited_for >= before);
}

TEST_CASE("a client that waits to be asked has no time that could pass until it sends something") {
  Scene scene;
  scene.start(true);
  CHECK(scene.client.waited_for == kNever);
  scene.client.upload("abc");
  CHECK(scene.client.waited_for <= steady_now());
}

TEST_CASE("an upload ends with what is wrong with its client, and its request looks unfinished") {
  const std::pair<ClientStream::BodyRead, State> kEnds[] = {
      {ClientStream::BodyRead::malformed, State::client_malformed},
      {ClientStream::BodyRead::too_large, State::too_large},
      {ClientStream::BodyRead::late, State::client_late},
      {ClientStream::BodyRead::gone, State::client_gone},
  };
  for (const auto& [read, end] : kEnds) {
    const int wanted = static_cast<int>(end);
    CAPTURE(wanted);
    Scene scene;
    scene.client.upload("abc");
    scene.client.otherwise = read;
    scene.start();
    CHECK(scene.upload.state() == end);
    CHECK(scene.stream.request == "abc|");
    CHECK_FALSE(scene.stream.request_ended);
    scene.turn();
    CHECK(scene.woken);
  }
}

// ------------------------------------------------------------------------------------------------------ a slow
// upstream

TEST_CASE("a piece that the upstream does not take stays the client's, and nothing is read behind it") {
  Scene scene;
  scene.stream.takes = false;
  scene.client.upload("abc");
  scene.client.upload("def");
  scene.start();
  CHECK(scene.take_story() == "blocked ");
  CHECK(scene.client.uploads.size() == 2);
  CHECK(scene.stream.request == "abc|");
  scene.stream.take();
  CHECK(scene.take_story() == "sent sent ");
  CHECK(scene.client.uploads.empty());
  CHECK(scene.upload.state() == State::complete);
}

TEST_CASE("while a piece waits for the upstream, a client that leaves is heard of") {
  Scene scene;
  scene.client.upload("abc");
  scene.start();
  CHECK_FALSE(scene.client.end_watched);
  scene.stream.takes = false;
  scene.client.upload("d");
  CHECK(scene.client.end_watched);
}

TEST_CASE("an upstream that takes nothing more ends the upload, and no further piece is read") {
  Scene scene;
  scene.client.upload("abc");
  scene.client.upload("def");
  scene.stream.cancelled = true;
  scene.start();
  CHECK(scene.upload.state() == State::stopped);
  CHECK(scene.client.uploads.size() == 1);
  CHECK(scene.story.empty());
}

// ------------------------------------------------------------------------------------------------------ its stop

TEST_CASE("an upload that is stopped while it waits for its client ends at once") {
  Scene scene;
  scene.start();
  scene.upload.stop();
  CHECK(scene.upload.state() == State::stopped);
  scene.client.upload("abc");
  CHECK(scene.stream.request.empty());
}

TEST_CASE("an upload that is stopped while it waits for the upstream ends with the stream") {
  Scene scene;
  scene.stream.takes = false;
  scene.client.upload("abc");
  scene.start();
  scene.upload.stop();
  CHECK(scene.upload.running());
  scene.stream.cancel();
  scene.turn();
  CHECK(scene.upload.state() == State::stopped);
}

TEST_CASE("an upload that has ended keeps its end when it is stopped") {
  Scene scene;
  scene.client.upload("abcdef");
  scene.start();
  scene.upload.stop();
  CHECK(scene.upload.state() == State::complete);
}
