// SPDX-License-Identifier: Apache-2.0
// Queue, limits, retries, times, cache: the figures of an upstream, as far as it has them. What this page does not know
// by name is shown as it comes.
import { h, setAttribute, setChildren, setText } from "./dom";
import { bytes, count, kUnknown, label, milliseconds } from "./format";
import type { Breaker, Fields, Upstream } from "./types";

const kShownElsewhere = new Set(["upstream", "breaker_state", "endpoints", "endpoints_left_off", "sample", "fault"]);

function limited(value: unknown, most: unknown): string {
  if (typeof value !== "number") return kUnknown;
  return typeof most === "number" ? `${count(value)} of ${count(most)}` : `${count(value)}, no limit`;
}

function orOff(value: unknown, text: (n: number) => string): string {
  return typeof value === "number" ? text(value) : "off";
}

export function scalar(key: string, value: unknown): string | null {
  if (value === null) return kUnknown;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  if (typeof value !== "number") return null;
  if (key.endsWith("_ms")) return milliseconds(value);
  if (key.endsWith("_bytes")) return bytes(value);
  return Number.isInteger(value) ? count(value) : value.toFixed(2);
}

function known(upstream: Upstream): [string, string, string[]][] {
  const { connections, cache, latency_ms: latency } = upstream;
  return [
    ["requests at once", limited(upstream.concurrent_requests, upstream.max_concurrent_requests), ["concurrent_requests", "max_concurrent_requests"]],
    ["in the queue", count(upstream.queued_requests), ["queued_requests"]],
    ["rate tokens left", orOff(upstream.rate_tokens, count), ["rate_tokens"]],
    ["retries left in budget", orOff(upstream.retry_budget_left, count), ["retry_budget_left"]],
    ["response time-out", milliseconds(upstream.response_timeout_ms), ["response_timeout_ms"]],
    ["connections", `${limited(connections?.active, connections?.max)} in use, ${count(connections?.idle)} idle`, ["connections"]],
    ["p50 · p90 · p99", latency ? [latency.p50, latency.p90, latency.p99].map(milliseconds).join(" · ") : kUnknown, ["latency_ms"]],
    ["cache", cache ? `${count(cache.entries)} answers, ${bytes(cache.bytes)}` : kUnknown, ["cache"]],
    ["hits · stale answers", cache ? `${count(cache.hits)} · ${count(cache.stale_answers)}` : kUnknown, []],
  ];
}

// Since the breaker was made.
function calls(totals: Record<string, number>): [string, string][] {
  const { successes, failures, neutral, rejected, would_reject: would, trips } = totals;
  const rows: [string, string][] = [
    ["ok · failed · neutral", `${count(successes)} · ${count(failures)} · ${count(neutral)}`],
    ["rejected · trips", `${count(rejected)} · ${count(trips)}`],
  ];
  if (would) rows.push(["would have been rejected", count(would)]);
  return rows;
}

function unknown(fields: Fields, skipped: Set<string>, prefix = ""): [string, string][] {
  return Object.entries(fields).flatMap(([key, value]): [string, string][] => {
    if (skipped.has(key)) return [];
    if (value && typeof value === "object" && !Array.isArray(value) && !prefix) return unknown(value as Fields, new Set(), `${label(key)}: `);
    const text = scalar(key, value);
    return text === null ? [] : [[prefix + label(key), text]];
  });
}

export class Figures {
  readonly element = h("dl", { class: "figures" });
  private readonly rows = new Map<string, { row: HTMLElement; value: HTMLElement }>();

  update(upstream: Upstream, breaker: Breaker | undefined) {
    const rows = known(upstream);
    const skipped = new Set([...kShownElsewhere, ...rows.flatMap(([, , keys]) => keys)]);
    const totals = breaker?.totals;
    const all: [string, string][] = [
      ...rows.map(([name, text]): [string, string] => [name, text]),
      ...unknown(upstream, skipped),
      ...(totals ? calls(totals) : []),
    ];
    setChildren(this.element, all.map(([name, text]) => this.row(name, text)));
  }

  private row(name: string, text: string): HTMLElement {
    let found = this.rows.get(name);
    if (!found) {
      const value = h("dd");
      found = { row: h("div", {}, h("dt", {}, name), value), value };
      this.rows.set(name, found);
    }
    setText(found.value, text);
    setAttribute(found.row, "class", text === "off" || text === kUnknown ? "off" : "");
    return found.row;
  }
}
