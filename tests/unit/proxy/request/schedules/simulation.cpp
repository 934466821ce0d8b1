// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/proxy/request/schedules/simulation.hpp"

#include <algorithm>
#include <utility>

#include "tests/unit/proxy/control/control_rig.hpp"
#include "tests/unit/proxy/request/schedules/checks.hpp"

namespace fusewire::testing {

using namespace std::chrono_literals;

namespace {

constexpr int kQuietTurns = 5;  // in which nothing moves: the longest chain inside is shorter
constexpr int kMaxTurns = 2000;
constexpr milliseconds kPause = 20s;  // longer than all that may take time in a schedule

}  // namespace

Simulation::Simulation(unsigned seed, bool tells)
    : play_(seed, tells),
      frame_(play_.draw),
      control_({}, 1),
      dns_(
          [](const std::string&, std::uint16_t) { return proxy::Resolved{.addresses = {}, .error = "", .cut = false}; },
          [](const proxy::ResolvedName&) {}) {
  gate_->name = "main";
  for (int i = 0; i < frame_.endpoints; ++i)
    endpoints_.push_back(
        std::make_unique<VirtualEndpoint>(play_, "orders", static_cast<std::uint16_t>(kFirstPort + i)));
  endpoints_.push_back(std::make_unique<VirtualEndpoint>(play_, "spare", kSparePort));
  network_.on_dial = [this](const LinkPtr& link) {
    for (const auto& endpoint : endpoints_)
      if (endpoint->port() == link->port) endpoint->on_dial(link);
  };
  const std::string yaml = random_configuration(play_.draw, frame_);
  play_.tell([&] { return "configuration\n" + yaml; });
  control_.start(config_of(yaml), {.publish = [](const auto&) { return std::string(); },
                                   .evict = [this](const proxy::UpstreamState* state) { worker_->evict_idle(state); }});
  worker_ = std::make_unique<proxy::Worker>(0, control_.worker_cells().of(0), dns_);
  publish();
  settle();
}

Simulation::~Simulation() { dns_.stop(); }

// ------------------------------------------------------------------------------------------------------ time

void Simulation::run() {
  for (int act = 0; act < kActs && play_.findings.empty(); ++act) {
    draw_act(act + 1 == kActs);
    play_until(play_.clock.now() + kPause);
    for (const auto& client : clients_)
      if (!client->is_over()) play_.find("a client still waits");
    check_at_rest(play_, snapshots_, *worker_, *gate_);
    breakers_.check_quiet(play_.clock.now());
    clients_.clear();
  }
  worker_->context().pool().close_all();
  settle();
  if (network_.open_descriptors() != 0) play_.find("a connection is left");
  check_requests(play_, snapshots_);
  check_counts(play_, snapshots_, breakers_, budgets_);
}

void Simulation::play_until(Time end) {
  proxy::DeadlineWheel& wheel = worker_->context().deadlines();
  for (;;) {
    const Time next = std::min(play_.agenda.empty() ? end : play_.agenda.begin()->first, wheel.next());
    if (next >= end) break;
    play_.clock.advance_to(next);
    if (!play_.agenda.empty() && play_.agenda.begin()->first <= play_.clock.now()) {
      const auto what = std::move(play_.agenda.extract(play_.agenda.begin()).mapped());
      what();
    }
    settle();
  }
  play_.clock.advance_to(end);
  settle();
}

void Simulation::settle() {
  proxy::Loop& loop = worker_->context().loop();
  int quiet = 0;
  for (int turns = 0; quiet < kQuietTurns; ++turns) {
    if (turns == kMaxTurns) return play_.find("the worker does not come to rest");
    loop.turn(Time{});
    quiet = network_.deliver() ? 0 : quiet + 1;
  }
}

Simulation::Figures Simulation::figures() {
  Figures all{.breaker_calls = breakers_.calls(), .trips = breakers_.trips()};
  for (const RequestLog& request : play_.requests) {
    all.requests += request.sent ? 1 : 0;
    all.answered += request.has_whole_answer ? 1 : 0;
  }
  for (const auto& upstream : control_.snapshot()->upstreams) {
    const proxy::UpstreamCells& cells = upstream->state->cells.of(0);
    all.retried += cells.retries[0].value() + cells.retries[1].value();
    all.hedged += cells.hedges[0].value() + cells.hedges[1].value() + cells.hedges[2].value();
  }
  return all;
}

// ------------------------------------------------------------------------------------------------------ an act

void Simulation::draw_act(bool last) {
  Draw& draw = play_.draw;
  const int span = draw.between(300, 2500);  // ms
  for (const auto& endpoint : endpoints_) {
    VirtualEndpoint* const one = endpoint.get();
    using enum VirtualEndpoint::Mood;
    constexpr VirtualEndpoint::Mood kMoods[] = {well,     well,        slow,  failing, failing,
                                                refusing, unreachable, moody, moody};
    for (int at = 0; at < span; at += draw.between(100, 1000))
      play_.in(milliseconds(at), [one, mood = draw.one_of(kMoods)] { one->turn(mood); });
  }
  const bool in_bursts = draw.chance(30);
  int at = 0;
  for (int left = draw.between(8, 20); left > 0; --left) {
    if (!in_bursts || draw.chance(25)) at = draw.below(span);
    const auto client = std::make_shared<VirtualClient>(play_, draw);
    clients_.push_back(client);
    play_.in(milliseconds(at), [this, client] { admit(client); });
  }
  if (draw.chance(40))
    for (int times = draw.between(1, 3); times > 0; --times) play_.in(draw.ms(0, span), [this] { operate(); });
  const int die = last ? draw.below(100) : 100;
  if (die < 25) play_.in(draw.ms(0, span), [this] { drain(); });
  if (die < 40 && die > 10) play_.in(draw.ms(0, span), [this] { stop(); });
}

void Simulation::admit(const std::shared_ptr<VirtualClient>& client) {
  if (!admits_) return client->stay_away();
  gate_->connections.fetch_add(1);
  worker_->accept(network_.open(client->link()), gate_, false);
  client->begin();
}

// ------------------------------------------------------------------------------------------------------ an operator

breaker::Breaker& Simulation::some_breaker() {
  std::vector<breaker::Breaker*> all;
  const proxy::Snapshot& now = *control_.snapshot();
  for (const auto& upstream : now.upstreams) {
    all.push_back(&upstream->state->breaker);
    for (const auto& endpoint : upstream->endpoints)
      for (const auto& address : endpoint->addresses.in_use()) all.push_back(&address->breaker);
  }
  for (const auto& route : now.listeners.front()->routes)
    if (route.own && route.own->breaker) all.push_back(&route.own->breaker->breaker);
  return *all[static_cast<std::size_t>(play_.draw.below(static_cast<int>(all.size())))];
}

void Simulation::operate() {
  Draw& draw = play_.draw;
  const Time now = play_.clock.now();
  std::optional<milliseconds> for_;
  if (draw.chance(80)) for_ = draw.ms(1, 400);
  breaker::Breaker& breaker = some_breaker();
  const int die = draw.below(100);
  play_.tell([&] { return "the operator draws " + std::to_string(die); });
  if (die < 15) return breaker.reset(now);
  if (die < 30) return breaker.force_open(now, for_);
  if (die < 40) return breaker.force_closed(now, for_);
  if (die < 50) return breaker.release(now);
  if (die < 60) {  // he will not leave it so
    breaker.force_open(now);
    return play_.in(for_.value_or(100ms), [this] {
      for (const auto& upstream : control_.snapshot()->upstreams) upstream->state->breaker.release(play_.clock.now());
    });
  }
  reload();
}

void Simulation::publish() {
  snapshots_.push_back(control_.snapshot());
  worker_->publish(control_.snapshot());
  for (const auto& route : control_.snapshot()->listeners.front()->routes)
    play_.totals[route.config->name] = route.timeouts->total;
}

void Simulation::reload() {
  const std::string yaml = random_configuration(play_.draw, frame_);
  play_.tell([&] { return "reload\n" + yaml; });
  const auto& report = control_.apply(config_of(yaml), "test");
  if (!report.successful) play_.find("a reload failed");
  publish();
}

// As Worker::drain() and stop() do, which are for a worker with a thread.
void Simulation::drain() {
  play_.tell([] { return "the process drains"; });
  admits_ = false;
  worker_->context().begin_drain();
  worker_->context().connections().for_each(&proxy::WorkerTask::drain);
}

void Simulation::stop() {
  play_.tell([] { return "the process ends"; });
  admits_ = false;
  play_.has_ended = true;
  worker_->context().begin_drain();
  worker_->context().connections().for_each(&proxy::WorkerTask::stop);
  worker_->context().pool().close_all();
}

}  // namespace fusewire::testing
