// SPDX-License-Identifier: Apache-2.0
// The strip over all: what is open, what falls back, when the configuration was last taken over, whether this is live.
import { h, setAttribute, setChildren, setHidden, setText } from "./dom";
import { kShownWords, shownState, span } from "./format";
import type { Shown } from "./format";
import { stateIcon } from "./icons";
import type { Model } from "./model";
import { isFallingBack, left } from "./standing";
import { countDown } from "./format";
import { token } from "./token";

const kOrder: Shown[] = ["open", "forced_open", "half_open", "forced_closed", "closed", "disabled"];
const kNames = 4; // so many are named, the rest are counted

export class Strip {
  readonly element: HTMLElement;
  private readonly states = h("ul", { class: "states", "aria-label": "Circuit breakers by state" });
  private readonly reload = h("span", { class: "reload" });
  private readonly live = h("span", { class: "live" }, "connecting");
  private readonly version = h("span", { class: "version" });
  private readonly forget: HTMLButtonElement;
  private signature = "";

  constructor(
    private readonly model: Model,
    drain: () => void,
    forget: () => void,
  ) {
    this.forget = h("button", { type: "button", class: "small", click: forget }, "Forget token");
    this.element = h(
      "header",
      { class: "strip" },
      h("div", { class: "brand" }, h("h1", {}, "Fusewire"), this.version, this.live),
      this.states,
      h("div", { class: "side" }, this.reload, this.forget, h("button", { type: "button", class: "small", click: drain }, "Drain…")),
    );
  }

  update() {
    const { process } = this.model;
    setText(this.version, process.version ? `${process.version}, up ${span((process.uptime_ms ?? 0) + this.model.age())}` : "");
    this.counts();
    this.tick();
  }

  tick() {
    const { process } = this.model;
    const reload = process.last_reload;
    const ago = reload?.at_ms ? span(this.model.now() - reload.at_ms) : "";
    const failed = reload?.successful === false;
    setText(this.reload, !reload ? "" : failed ? `Reload failed ${ago} ago` : `Configuration taken over ${ago} ago`);
    this.reload.classList.toggle("bad", failed);
    const stale = this.model.age() > 3000;
    const words = process.draining ? "draining" : process.ready === false ? "not ready" : "live";
    setText(this.live, this.model.frames ? (stale ? `figures are ${span(this.model.age())} old` : words) : "connecting");
    this.live.classList.toggle("bad", stale || process.draining === true);
    setHidden(this.forget, token() === "");
    for (const item of this.states.querySelectorAll<HTMLElement>("[data-until]"))
      setText(item, countDown(left(this.model, Number(item.dataset["until"]))));
  }

  // "1 open: orders 0:23"
  private counts() {
    const groups = new Map<Shown, string[]>();
    for (const breaker of this.model.breakers()) {
      const shown = shownState(breaker);
      groups.set(shown, [...(groups.get(shown) ?? []), breaker.name]);
    }
    const falling = this.model.upstreams().filter(isFallingBack).map((upstream) => upstream.upstream);
    const signature = JSON.stringify([[...groups], falling]);
    if (signature === this.signature) return this.refresh();
    this.signature = signature;
    const items = kOrder
      .filter((state) => groups.has(state) || state === "open" || state === "closed")
      .map((state) => this.group(state, groups.get(state) ?? []));
    const names = falling.length ? [": ", ...this.links(falling, false)] : [];
    items.push(h("li", { class: falling.length ? "group is-falling" : "group none" }, h("strong", {}, String(falling.length)), " falling back", ...names));
    setChildren(this.states, items);
  }

  private refresh() {
    for (const item of this.states.querySelectorAll<HTMLElement>("[data-breaker]")) {
      const breaker = this.model.breaker(item.dataset["breaker"] ?? "");
      if (breaker?.retry_after_ms !== undefined) item.dataset["until"] = String(breaker.retry_after_ms);
    }
  }

  private group(state: Shown, names: string[]): HTMLElement {
    const listed = state !== "closed" && state !== "disabled" && names.length > 0;
    return h(
      "li",
      { class: names.length ? `group is-${state}` : "group none" },
      stateIcon(state) as unknown as Node,
      h("strong", {}, String(names.length)),
      ` ${kShownWords[state].toLowerCase()}`,
      ...(listed ? [": ", ...this.links(names, state === "open")] : []),
    );
  }

  private links(names: string[], counting: boolean): (Node | string)[] {
    const nodes: (Node | string)[] = [];
    names.slice(0, kNames).forEach((name, i) => {
      if (i) nodes.push(", ");
      nodes.push(h("a", { href: `#upstream-${encodeURIComponent(name.split("/", 1)[0]!)}` }, name));
      const ms = counting ? this.model.breaker(name)?.retry_after_ms : undefined;
      if (ms === undefined) return;
      const left = h("span", { class: "left", "data-breaker": name });
      setAttribute(left, "data-until", String(ms));
      nodes.push(" ", left);
    });
    if (names.length > kNames) nodes.push(` and ${names.length - kNames} more`);
    return nodes;
  }
}
