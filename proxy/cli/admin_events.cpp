// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/admin_events.hpp"

#include <algorithm>
#include <chrono>
#include <ostream>
#include <random>
#include <string>
#include <thread>

#include "config/printable.hpp"
#include "proxy/cli/answers.hpp"
#include "proxy/cli/event_reader.hpp"
#include "proxy/cli/report.hpp"

namespace fusewire::cli {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

// Nobody reads what is shown.
struct NobodyReads {};

// Doubled from a quarter of a second to five, a random half of it taken off: followers of one proxy come back apart.
class Backoff {
 public:
  void reset() { whole_ = kFirst; }
  void wait() {
    std::this_thread::sleep_for(whole_ / 2 +
                                milliseconds(std::uniform_int_distribution<long>(0, whole_.count() / 2)(random_)));
    whole_ = std::min<milliseconds>(whole_ * 2, 5s);
  }

 private:
  static constexpr milliseconds kFirst = 250ms;
  milliseconds whole_ = kFirst;
  std::minstd_rand random_{std::random_device{}()};
};

class Follower {
 public:
  Follower(const AdminClient& client, const Options& options, const World& world)
      : client_(client), json_(options.json), world_(world) {}

  // What is kept; the exit status.
  int show_kept() {
    const auto answer = client_.call("GET", "/admin/events");
    if (answer.status != 200) return refused(world_, answer);
    with_body(answer, [&](const json::value& body) {
      for (const json::value& event : body.at("events").as_array()) print(event);
      last_ = body.at("last_id").to_number<std::uint64_t>();
      if (const json::value* instance = body.as_object().if_contains("instance"))  // not of an older proxy
        prefix_ = std::string(instance->as_string()) + '.';
    });
    world_.out.flush();
    return kOk;
  }

  // An exit status, where there is no going on.
  int follow() {
    for (;; backoff_.wait()) {
      try {
        const AdminClient::Answer answer = stream();
        if (answer.status != 200 && answer.status != 503) return refused(world_, answer);
        lost(answer.status == 200 ? "the stream of events ended" : detail_of(answer));
      } catch (const Unreachable& error) {
        lost(error.what());
      } catch (const Foreign&) {
        lost("what answers there is not a Fusewire's admin");
      }
    }
  }

 private:
  AdminClient::Answer stream() {
    EventReader reader([this](std::string_view data) { take(data); }, [this](std::string_view id) { note(id); });
    return client_.stream("/admin/events/stream?since=" + prefix_ + std::to_string(last_), [&](std::string_view piece) {
      if (!reader.read(piece)) throw Foreign{200};
      found();
    });
  }

  // "INSTANCE.7": of another process the ids begin anew.
  void note(std::string_view id) {
    const std::size_t dot = id.find('.');
    if (dot == std::string_view::npos || id.substr(0, dot + 1) == prefix_) return;
    prefix_ = id.substr(0, dot + 1);
    last_ = 0;
  }

  void take(std::string_view data) {
    try {
      show(json::parse({data.data(), data.size()}));
    } catch (const std::exception&) {  // no event of ours
      throw Foreign{200};
    }
  }

  void show(const json::value& event) {
    const auto id = event.at("id").to_number<std::uint64_t>();
    if (id > last_ + 1) say(std::to_string(id - last_ - 1) + " events came meanwhile that are no longer kept");
    last_ = id;
    print(event);
    world_.out.flush();
  }

  void print(const json::value& event) {
    if (json_)
      world_.out << config::printable(json::serialize(event)) << '\n';
    else
      world_.out << event_line(event, Paint(world_.colours()));
    if (!world_.out) throw NobodyReads{};
  }

  void lost(const std::string& why) {
    if (!std::exchange(away_, true)) say(why + "; trying again");
    if (!world_.out.flush()) throw NobodyReads{};
  }
  void found() {
    backoff_.reset();
    if (std::exchange(away_, false)) say("following again");
  }
  void say(const std::string& line) { world_.err << "fusewire: " << config::printable(line) << std::endl; }

  const AdminClient& client_;
  const bool json_;
  const World& world_;
  std::string prefix_;  // of ids: "INSTANCE."; empty: not known
  std::uint64_t last_ = 0;
  bool away_ = false;
  Backoff backoff_;
};

}  // namespace

int show_events(const AdminClient& client, const Options& options, const World& world) {
  Follower follower(client, options, world);
  try {
    const int failed = follower.show_kept();
    return failed != kOk || !options.follow ? failed : follower.follow();
  } catch (const NobodyReads&) {
    return kFailed;
  }
}

}  // namespace fusewire::cli
