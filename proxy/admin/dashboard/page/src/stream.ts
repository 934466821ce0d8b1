// SPDX-License-Identifier: Apache-2.0
// Server-Sent Events over fetch, which can send a token where EventSource cannot. It comes back by itself.
import { authorization } from "./token";

export type Trouble =
  | { kind: "token" } // 401: reading needs one, or another one
  | { kind: "refused"; detail: string } // the server says why; it is asked again later
  | { kind: "lost" }; // no connection

export interface Listener {
  message(event: string, data: unknown): void;
  trouble(trouble: Trouble): void;
}

const kFirstPause = 500;
const kLongestPause = 5000;
const kSilence = 5000; // a frame comes every second: a connection without any is dead

export class Stream {
  private pause = kFirstPause;
  private running: AbortController | null = null;
  private timer = 0;

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
  ) {}

  // Now, whatever it waits for.
  start() {
    clearTimeout(this.timer);
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    void this.run(running);
  }

  private async run(running: AbortController) {
    const trouble = await this.read(running).catch((): Trouble => ({ kind: "lost" }));
    if (this.running !== running) return;
    this.listener.trouble(trouble);
    if (trouble.kind === "token") return; // start() when there is one
    this.timer = window.setTimeout(() => this.start(), this.pause);
    this.pause = Math.min(this.pause * 2, kLongestPause);
  }

  private async read(running: AbortController): Promise<Trouble> {
    let alive = window.setTimeout(() => running.abort(), kSilence);
    try {
      const response = await fetch(this.url, { headers: authorization(), cache: "no-store", signal: running.signal });
      if (response.status === 401) return { kind: "token" };
      if (!response.ok || !response.body) return { kind: "refused", detail: await detailOf(response) };
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return { kind: "lost" };
        clearTimeout(alive);
        alive = window.setTimeout(() => running.abort(), kSilence);
        rest = this.take(rest + decoder.decode(value, { stream: true }));
        this.pause = kFirstPause;
      }
    } finally {
      clearTimeout(alive);
    }
  }

  // Dispatches the whole events; returns what is left.
  private take(text: string): string {
    const events = text.split("\n\n");
    const rest = events.pop() ?? "";
    for (const event of events) {
      let name = "message";
      let data = "";
      for (const line of event.split("\n")) {
        if (line.startsWith("event: ")) name = line.slice(7);
        if (line.startsWith("data: ")) data += line.slice(6);
      }
      if (data) this.listener.message(name, JSON.parse(data));
    }
    return rest;
  }
}

export async function detailOf(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as { detail?: string; title?: string };
    return problem.detail ?? problem.title ?? `status ${response.status}`;
  } catch {
    return `status ${response.status}`;
  }
}
