// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/exchange/verdict.hpp"

#include <algorithm>
#include <initializer_list>

#include "tests/fuzz/check.hpp"

namespace fusewire::fuzz {

namespace {

using std::string;
using std::string_view;
using Names = std::initializer_list<string_view>;

// One request of a client as the suspicious reader understands it, and what the origin was sent and said for it.
struct Exchange {
  std::size_t client = 0;  // who asked: the first is 1
  const Message* asked = nullptr;
  const Message* got = nullptr;         // the client, so far
  std::vector<const Message*> answers;  // the origin's, one for each time that it was asked; may be unfinished
};

struct Client {
  Reading requests;
  Reading answers;
  std::vector<Exchange> exchanges;
};

struct Connection {
  Reading requests;
  Reading answers;
};

bool is_named(string_view name, Names names) {
  return std::any_of(names.begin(), names.end(), [&](string_view one) { return same_name(name, one); });
}

// Every field of `to` stood in `from`, but for those named.
void require_known(const FieldList& to, const FieldList& from, Names ours) {
  for (const auto& field : to) {
    if (is_named(field.first, ours)) continue;
    require(std::find(from.begin(), from.end(), field) != from.end());
  }
}

// ------------------------------------------------------------------------------------------------------ requests

// An absolute-form cut in two (RFC 9112 §3.2.2).
struct Target {
  string authority, path;

  explicit Target(const Message& request) : authority(request.first("host")), path(request.target()) {
    if (path.starts_with("/") || path == "*") return;
    path.erase(0, string_view("http://").size());
    const auto end = path.find_first_of("/?");
    authority = path.substr(0, end);
    path = end == string::npos ? "" : path.substr(end);
    if (path.empty() || path.front() == '?') path.insert(0, path.empty() && request.method() == "OPTIONS" ? "*" : "/");
  }
};

bool is_forwarded(const Message& seen, const Message& asked) {
  if (!asked.head || seen.method() != asked.method()) return false;
  const Target target(asked);
  if (seen.target() != target.path || (!target.authority.empty() && seen.first("host") != target.authority))
    return false;
  return seen.complete ? asked.complete && asked.body == seen.body : asked.body.starts_with(seen.body);
}

void check_forwarded(const Message& seen, const Message& asked, const Setup& setup) {
  if (setup.serve) {  // it asks whether what it has is still good
    Message unconditional = seen;
    std::erase_if(unconditional.fields, [](const auto& field) {
      return is_named(field.first, {"if-none-match", "if-modified-since"});
    });
    return check_forwarded(unconditional, asked, {});
  }
  require_known(seen.fields, asked.fields,
                {"host", "content-length", "transfer-encoding", "x-request-id", "x-forwarded-for", "x-forwarded-proto",
                 "x-forwarded-host", "x-forwarded-port", "x-real-ip", "forwarded", "via", "max-forwards",
                 "x-request-timeout-ms"});
  require_known(seen.trailers, asked.trailers, {});
  for (const Names once :
       {Names{"x-forwarded-for"}, Names{"x-forwarded-proto"}, Names{"forwarded"}, Names{"x-request-id"}})
    require(seen.all(*once.begin()).size() == 1);
  for (const auto& field : seen.fields) require(!same_name(field.first, "x_forwarded_for"));
  for (const Names never :
       {Names{"connection"}, Names{"keep-alive"}, Names{"proxy-connection"}, Names{"te"}, Names{"upgrade"}})
    require(seen.all(*never.begin()).empty());
  require(seen.all("transfer-encoding").empty() == asked.all("transfer-encoding").empty());
  require(seen.all("content-length").empty() == asked.all("content-length").empty());
  for (const string_view named : asked.all("connection"))
    for (const auto& [name, value] : seen.fields)
      require(!same_name(name, named) || is_named(name, {"x-request-id", "x-forwarded-for", "x-forwarded-proto", "via",
                                                         "x-forwarded-host", "x-forwarded-port", "forwarded"}));
}

// A kept connection went away without a word, and the same is asked on a fresh one.
bool is_once_more(const Arrival& before, const Message& said_before, const Arrival& now, const Message& said_now) {
  return before.index > 0 && now.index == 0 && before.clients == now.clients &&
         said_before.first("x-request-id") == said_now.first("x-request-id") && said_before.start == said_now.start &&
         said_before.complete;
}

// What was answered with a stale response, and is fetched again for the next one.
bool is_refresh(const Message& seen, const std::vector<Exchange*>& all, std::size_t begun) {
  const auto asked = [&](const Exchange* exchange) {
    if (seen.method() != "GET" || exchange->asked->method() != "GET" || !is_forwarded(seen, *exchange->asked))
      return false;
    check_forwarded(seen, *exchange->asked, {.cache = true, .small_body = false, .serve = true});
    return true;
  };
  return std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(begun), asked);
}

// Of equal ones of a client, the answer tells which it is: it has the same id. What one client has left unanswered is
// not asked for while the next one is there.
bool belongs_to(const Message& seen, std::size_t client, const Exchange& exchange) {
  if (exchange.client != client || !is_forwarded(seen, *exchange.asked)) return false;
  return exchange.got == nullptr || !exchange.got->head ||
         exchange.got->first("x-request-id") == seen.first("x-request-id");
}

// The origin's requests are the clients', in order; only one that failed on a kept connection comes twice, and what the
// cache asks for itself.
void match(const Stage& stage, const std::vector<Connection>& connections, std::vector<Client>& clients,
           const Setup& setup) {
  std::vector<Exchange*> all;
  for (Client& client : clients)
    for (Exchange& exchange : client.exchanges) all.push_back(&exchange);
  std::size_t next = 0;
  const Arrival* before = nullptr;
  const auto request = [&](const Arrival& arrival) -> const Message& {
    return connections[arrival.connection].requests.messages[arrival.index];
  };
  for (const Arrival& arrival : stage.arrivals()) {
    const Message& seen = request(arrival);
    const bool unanswered = next > 0 && all[next - 1]->answers.back() == nullptr;
    if (unanswered && is_once_more(*before, request(*before), arrival, seen)) --next;
    std::size_t found = next;
    while (found < all.size() && !belongs_to(seen, arrival.clients, *all[found])) ++found;
    if (found == all.size() && setup.serve && is_refresh(seen, all, next)) continue;
    require(found < all.size());
    next = found;
    check_forwarded(seen, *all[next]->asked, setup);
    const auto& said = connections[arrival.connection].answers.messages;
    all[next]->answers.push_back(arrival.index < said.size() ? &said[arrival.index] : nullptr);
    ++next;
    before = &arrival;
  }
}

// ------------------------------------------------------------------------------------------------------ answers

bool is_own(const Message& answer) {
  return answer.status() >= 400 && answer.first("content-type") == "application/problem+json";
}

bool is_for_max_forwards(const Message& answer, const Message& asked) {
  return asked.method() == "OPTIONS" && !asked.all("max-forwards").empty() && answer.status() == 200 &&
         answer.body.empty();
}

// Status, body and its end are those of `said`.
bool is_relayed(const Message& answer, const Message& said) {
  if (!said.head || answer.status() != said.status()) return false;
  if (said.complete && answer.complete) return answer.body == said.body;
  const bool cut = !answer.complete || answer.until_close;
  return cut && said.body.starts_with(answer.body);
}

void check_interims(const Message& answer, const Exchange& exchange) {
  std::size_t most = 0;
  for (const Message* said : exchange.answers)
    if (said != nullptr) most = std::max(most, said->interims.size());
  require(answer.interims.size() <= most);
}

// Where the proxy remembers: a stored one of any exchange before.
bool is_stored(const Message& answer, const std::vector<Connection>& connections) {
  if (answer.all("cache-status").empty()) return false;
  if (answer.status() == 304 || answer.status() == 206 || answer.status() == 416) return true;
  for (const Connection& connection : connections)
    for (const Message& said : connection.answers.messages)
      if (said.complete && said.head && said.status() == answer.status() && said.body.starts_with(answer.body))
        return true;
  return false;
}

void check_answer(const Message& answer, const Exchange& exchange, const std::vector<Connection>& connections,
                  const Setup& setup) {
  check_interims(answer, exchange);
  if (!answer.head || is_own(answer) || is_for_max_forwards(answer, *exchange.asked)) return;
  if (setup.cache && is_stored(answer, connections)) return;
  for (const Message* said : exchange.answers) {
    if (said == nullptr || !is_relayed(answer, *said)) continue;
    require_known(answer.fields, said->fields,
                  {"date", "x-request-id", "connection", "transfer-encoding", "content-length", "cache-status"});
    require_known(answer.trailers, said->trailers, {});
    return;
  }
  require(false);
}

// `client` has had them from `end`.
void read_answers(const End& end, Client& client) {
  std::vector<string> methods;
  for (const Exchange& exchange : client.exchanges) methods.emplace_back(exchange.asked->method());
  methods.emplace_back("GET");  // what is refused before it is understood
  client.answers = read_responses(end.received, methods, end.ended, Rules::exact);
  const auto& messages = client.answers.messages;
  for (std::size_t i = 0; i < client.exchanges.size() && i < messages.size(); ++i)
    client.exchanges[i].got = &messages[i];
}

void check_answers(const Client& client, const std::vector<Connection>& connections, const Setup& setup) {
  const Reading& reading = client.answers;
  require(reading.fault.empty());
  for (std::size_t i = 0; i < reading.messages.size(); ++i) {
    const Message& answer = reading.messages[i];
    const bool last = i + 1 == reading.messages.size();
    require(last || (answer.complete && answer.keeps_alive()));
    if (i < client.exchanges.size()) {
      check_answer(answer, client.exchanges[i], connections, setup);
    } else {
      require(answer.interims.empty() && (!answer.head || is_own(answer)));
    }
  }
}

}  // namespace

void judge(const Stage& stage, const Setup& setup) {
  std::vector<Connection> connections;
  for (const OriginEnd& end : stage.connections()) {
    Connection& connection = connections.emplace_back();
    connection.requests = read_requests(end.received, Rules::exact);
    require(connection.requests.fault.empty());
    std::vector<string> methods;
    for (const Message& request : connection.requests.messages)
      if (request.head) methods.emplace_back(request.method());
    connection.answers = read_responses(end.sent, methods, end.finished, Rules::free);
  }
  std::vector<Client> clients;
  for (const End& end : stage.clients()) {
    Client& client = clients.emplace_back();
    client.requests = read_requests(end.sent, Rules::free);
    for (const Message& request : client.requests.messages)
      if (request.head)
        client.exchanges.push_back({.client = clients.size(), .asked = &request, .got = nullptr, .answers = {}});
    read_answers(end, client);
  }
  match(stage, connections, clients, setup);
  for (const Client& client : clients) check_answers(client, connections, setup);
}

}  // namespace fusewire::fuzz
