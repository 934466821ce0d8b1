// SPDX-License-Identifier: Apache-2.0
// A busy minute at night: an upstream that fails and is answered for by the cache, one that recovers, one whose
// endpoint is bad, one that is forced open, and some that are well.
import { Client, Proxy, Upstream, wait } from './rig.mjs';

export async function busyNight() {
  const names = ['orders', 'payments', 'catalogue', 'users', 'search-a', 'search-b', 'mail'];
  const upstreams = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await new Upstream().start()])));
  const { orders, payments, catalogue, users, mail } = upstreams;
  orders.cacheable = true;
  catalogue.cacheable = true;
  payments.latency = 12;
  users.latency = 5;
  const yaml = `upstreams:
  orders: {endpoints: ["${orders.url}"], circuit_breaker: {transitions: {open_timeout: 8s, backoff: {jitter: 0}}}, fallback: {chain: [{cache: {max_stale: 10m}}]}}
  payments:
    endpoints: ["${payments.url}"]
    circuit_breaker:
      detection: {consecutive_failures: off, failure_rate: {threshold: 0.5}, window: {type: count_based, size: 50}, slow_call_rate: {slower_than: 1s, threshold: 0.6}}
      transitions: {open_timeout: 5s, backoff: {jitter: 0}}
  catalogue: {endpoints: ["${catalogue.url}"], cache: {serve: normal}, limits: {max_concurrent_requests: 40, queue: {size: 100}, rate: {requests_per_second: 500}}}
  users: {endpoints: ["${users.url}"], timeouts: {adaptive: {minimum_samples: 50, min: 500ms}}}
  search: {endpoints: ["${upstreams['search-a'].url}", "${upstreams['search-b'].url}"], retries: {attempts: 1}}
  mail: {endpoints: ["${mail.url}"]}
`;
  const proxy = await new Proxy().start(yaml);
  const clients = [['orders', 30], ['payments', 22], ['catalogue', 60], ['users', 40], ['search', 25], ['mail', 3]]
    .map(([name, perSecond]) => new Client(proxy, name, perSecond));

  return {
    proxy, upstreams, clients,
    async play() {
      await wait(20_000);
      payments.failing = 0.7;
      await wait(9_000);
      payments.failing = 0.16;
      await wait(6_000);
      orders.failing = 1;
      upstreams['search-b'].failing = 0.9;
      await wait(4_000);
      await proxy.change('/admin/circuit-breakers/mail/force-open?for=10m');
      await wait(16_000);
    },
    async end() {
      for (const client of clients) client.stop();
      await proxy.stop();
      for (const upstream of Object.values(upstreams)) upstream.stop();
    },
  };
}
