// SPDX-License-Identifier: Apache-2.0
// How far a closed breaker is from opening: a bar for each detector that is on, full when it trips.
import { h, setAttribute, setChildren, setHidden, setText } from "./dom";
import { count, milliseconds, percent, shownState, span } from "./format";
import type { Breaker } from "./types";

export interface Nearness {
  key: string;
  label: string;
  text: string; // "3 of 5"
  share: number; // 1: it trips
  pending: string; // why it does not count yet
}

export function nearness(breaker: Breaker): Nearness[] {
  const window = breaker.window ?? {};
  const limits = breaker.thresholds ?? {};
  const list: Nearness[] = [];
  const add = (key: string, label: string, value: number | undefined, limit: number | null | undefined, text: (n: number) => string, pending = "") => {
    if (limit === null || limit === undefined || value === undefined) return;
    list.push({ key, label, text: `${text(value)} of ${text(limit)}`, share: limit > 0 ? Math.min(value / limit, 1) : 0, pending });
  };
  const early = (calls = 0) => {
    const needed = limits.minimum_calls ?? 0;
    return calls < needed ? `counts from ${count(needed)} calls, ${count(calls)} so far` : "";
  };
  add("consecutive_failures", "failures in a row", window.consecutive_failures, limits.consecutive_failures, count);
  add("failure_rate", "failure rate", window.failure_rate, limits.failure_rate, percent, early(window.calls));
  if (limits.failure_count)
    add("failure_count", `failures in ${span(limits.failure_count.window_ms)}`, window.failure_count, limits.failure_count.threshold, count);
  if (limits.slow_call_rate)
    add("slow_call_rate", `slower than ${milliseconds(limits.slow_call_rate.slower_than_ms)}`, window.slow_call_rate, limits.slow_call_rate.threshold, percent, early(window.judged));
  add("consecutive_slow_calls", "slow calls in a row", window.consecutive_slow_calls, limits.consecutive_slow_calls, count);
  return list;
}

export function nearest(breaker: Breaker): Nearness | undefined {
  return nearness(breaker)
    .filter((each) => !each.pending)
    .sort((a, b) => b.share - a.share)[0];
}

export function windowSentence(breaker: Breaker): string {
  const window = breaker.window ?? {};
  const kind = breaker.thresholds?.window;
  const extent =
    kind?.type === "count_based" ? `last ${count(kind.size)} calls` : kind?.duration_ms ? `last ${span(kind.duration_ms)}` : "window";
  const slow = window.slow === undefined ? "" : `, ${count(window.slow)} slow`;
  return `${extent}: ${count(window.calls)} calls, ${count(window.failures)} failed${slow}`;
}

class Meter {
  readonly element: HTMLElement;
  private readonly label = h("span", { class: "meter-label" });
  private readonly text = h("span", { class: "meter-text" });
  private readonly note = h("span", { class: "meter-note" });
  private readonly fill = h("span", { class: "fill" });
  private readonly bar = h("span", { class: "bar", role: "meter", "aria-valuemin": "0", "aria-valuemax": "100" }, this.fill);

  constructor() {
    this.element = h("li", { class: "meter" }, this.label, this.text, this.bar, this.note);
  }
  update(of: Nearness) {
    const share = Math.round(of.share * 100);
    setText(this.label, of.label);
    setText(this.text, of.text);
    setText(this.note, of.pending);
    setHidden(this.note, !of.pending);
    setAttribute(this.bar, "aria-label", of.label);
    setAttribute(this.bar, "aria-valuenow", String(share));
    setAttribute(this.bar, "aria-valuetext", `${of.text}${of.pending ? `, ${of.pending}` : ""}`);
    this.fill.style.width = `${share}%`;
    this.element.classList.toggle("pending", of.pending !== "");
    this.element.classList.toggle("near", !of.pending && of.share >= 0.6);
    this.element.classList.toggle("full", !of.pending && of.share >= 1);
  }
}

export class TripMeters {
  readonly element = h("div", { class: "trips" });
  private readonly list = h("ul", { class: "meters" });
  private readonly heading = h("h4");
  private readonly window = h("p", { class: "note" });
  private readonly meters = new Map<string, Meter>();

  constructor() {
    this.element.append(this.heading, this.list, this.window);
  }
  // `shared`: below it are breakers of their own, which judge what the calls come to.
  update(breaker: Breaker, shared: boolean) {
    const nothing = shared && !breaker.window?.calls;
    setHidden(this.list, nothing);
    if (nothing) {
      setText(this.heading, "What it takes to trip");
      setText(this.window, "Each address has a breaker of its own, which judges its calls: see below. This one is open when all of them are.");
      return;
    }
    const wanted = nearness(breaker).map((each) => {
      const meter = this.meters.get(each.key) ?? new Meter();
      this.meters.set(each.key, meter);
      meter.update(each);
      return meter.element;
    });
    const decides = shownState(breaker) === "closed";
    setText(this.heading, decides ? "What it takes to trip" : "Its window; it decides while the circuit is closed");
    this.element.classList.toggle("idle", !decides);
    setChildren(this.list, wanted);
    setText(this.window, wanted.length ? windowSentence(breaker) : "No detector is on: it never trips by itself.");
  }
}
