// SPDX-License-Identifier: Apache-2.0
// What the page knows: the latest frame, ten minutes of samples an upstream, the transitions. Times are the server's.
import { kSeries } from "./types";
import type { Breaker, Frame, Hello, History, LoggedEvent, Process, Sample, SeriesName, Upstream } from "./types";

const kMaxEvents = 1000;

export interface Series {
  n: number; // of the last sample
  values: { [name in SeriesName]: (number | null)[] };
}

interface Seen<T> {
  value: T;
  frame: number;
}

export class Model {
  process: Process = {};
  events: LoggedEvent[] = []; // oldest first
  frames = 0; // received whole, on this connection
  receivedAt = 0; // performance.now() of the latest
  private sampleInterval = 2000;
  private samples = 300;
  private clockOffset = 0; // server's time minus Date.now()
  private sampledAt = 0; // the server's time of the latest sample
  private latestSample = 0;
  private readonly breakers_ = new Map<string, Seen<Breaker>>();
  private readonly upstreams_ = new Map<string, Seen<Upstream>>();
  private readonly below_ = new Map<string, Breaker[]>();
  private readonly series_ = new Map<string, Series>();

  // A new connection, maybe to a new process.
  hello(hello: Hello) {
    this.sampleInterval = hello.sample_interval_ms;
    this.samples = hello.samples;
    this.events = [];
    this.frames = 0;
    this.latestSample = 0;
    for (const map of [this.breakers_, this.upstreams_, this.series_, this.below_]) map.clear();
  }

  history(history: History) {
    const values = {} as Series["values"];
    for (const name of kSeries) values[name] = history[name] ?? [];
    this.series_.set(history.upstream, { n: history.n, values });
  }

  add(events: LoggedEvent[]) {
    this.events.push(...events);
    this.events.splice(0, this.events.length - kMaxEvents);
  }

  // True when the frame is whole.
  frame(frame: Frame): boolean {
    this.clockOffset = frame.at_ms - Date.now();
    this.receivedAt = performance.now();
    if (frame.process) this.process = frame.process;
    for (const breaker of frame.breakers ?? []) this.breakers_.set(breaker.name, { value: breaker, frame: this.frames });
    for (const upstream of frame.upstreams ?? []) {
      this.upstreams_.set(upstream.upstream, { value: upstream, frame: this.frames });
      if (upstream.sample) this.sample(upstream.upstream, upstream.sample, frame.at_ms);
    }
    if (frame.part + 1 < frame.parts) return false;
    ++this.frames;
    this.forget();
    return true;
  }

  now(): number {
    return Date.now() + this.clockOffset;
  }
  // Since the figures were true.
  age(): number {
    return performance.now() - this.receivedAt;
  }
  breakers(): Breaker[] {
    return [...this.breakers_.values()].map((seen) => seen.value);
  }
  breaker(name: string): Breaker | undefined {
    return this.breakers_.get(name)?.value;
  }
  // Those of an upstream's endpoints or routes, UPSTREAM/….
  below(upstream: string): Breaker[] {
    return this.below_.get(upstream) ?? [];
  }
  upstreams(): Upstream[] {
    return [...this.upstreams_.values()].map((seen) => seen.value);
  }
  upstream(name: string): Upstream | undefined {
    return this.upstreams_.get(name)?.value;
  }
  series(upstream: string): Series | undefined {
    return this.series_.get(upstream);
  }
  // The server's times of its samples, in seconds.
  times(series: Series): number[] {
    const length = series.values.requests.length;
    const last = this.sampledAt - (this.latestSample - series.n) * this.sampleInterval;
    return Array.from({ length }, (_, i) => (last - (length - 1 - i) * this.sampleInterval) / 1000);
  }
  windowMs(): number {
    return this.sampleInterval * this.samples;
  }

  private sample(upstream: string, sample: Sample, at: number) {
    if (sample.n > this.latestSample) {
      this.latestSample = sample.n;
      this.sampledAt = at;
    }
    let series = this.series_.get(upstream);
    if (!series) {
      series = { n: 0, values: { requests: [], failures: [], rejected: [], stale: [], fallbacks: [], p50: [], p99: [] } };
      this.series_.set(upstream, series);
    }
    if (sample.n <= series.n) return;
    const missed = series.n === 0 ? 0 : sample.n - series.n - 1;
    for (const name of kSeries) {
      const values = series.values[name];
      for (let i = 0; i < Math.min(missed, this.samples); ++i) values.push(null);
      values.push(sample[name]);
      values.splice(0, values.length - this.samples);
    }
    series.n = sample.n;
  }

  // What was not in the last two frames is no longer there: a frame may begin in one and end in the next.
  private forget() {
    for (const map of [this.breakers_, this.upstreams_] as Map<string, Seen<unknown>>[])
      for (const [name, seen] of map) if (seen.frame + 2 < this.frames) map.delete(name);
    this.below_.clear();
    for (const { value } of this.breakers_.values()) {
      const [upstream, rest] = value.name.split("/", 2);
      if (upstream && rest !== undefined) this.below_.set(upstream, [...(this.below_.get(upstream) ?? []), value]);
    }
    for (const name of this.series_.keys()) if (!this.upstreams_.has(name) && this.frames > 2) this.series_.delete(name);
  }
}
