// SPDX-License-Identifier: Apache-2.0
// The endpoints of an upstream and their addresses: what each is worth, and its own breaker where it has one.
import { h, setAttribute, setChildren, setHidden, setText } from "./dom";
import { scalar } from "./figures";
import { count, kShownWords, kUnknown, label, milliseconds, shownState } from "./format";
import { StateIcon } from "./icons";
import type { Model } from "./model";
import { since, until } from "./standing";
import { nearest } from "./trip_meters";
import type { AddressState, Breaker, Endpoint, Upstream } from "./types";

const kKnown = new Set(["name", "in_flight", "health_score", "latency_ms", "avoided", "breaker_state"]);
const kKnownOfEndpoint = new Set(["url", "address", "addresses", "address_states", "last_look_up", "look_up_error"]);

function others(fields: { [key: string]: unknown }, known: Set<string>): string {
  return Object.entries(fields)
    .filter(([key]) => !known.has(key))
    .map(([key, value]) => [label(key), scalar(key, value)])
    .filter(([, text]) => text !== null)
    .map(([key, text]) => `${key} ${text}`)
    .join(", ");
}

// What its active checks say; empty where there are none.
function checked(address: AddressState | undefined): string {
  const check = address?.health_check;
  if (!check?.state) return "";
  const last = [check.last_result, check.last_status].filter((each) => each !== null && each !== undefined).join(" ");
  return `checks: ${check.state}${check.state === "unhealthy" && last ? ` (${last})` : ""}`;
}

class Row {
  readonly element: HTMLTableRowElement;
  private readonly icon = new StateIcon();
  private readonly state = h("span");
  private readonly name = h("span", { class: "address" });
  private readonly note = h("span", { class: "note" });
  private readonly score = h("td", { class: "number" });
  private readonly latency = h("td", { class: "number" });
  private readonly flight = h("td", { class: "number" });
  private readonly trip = h("td");
  private readonly change = h("button", { type: "button", class: "small" }, "Change…");

  constructor(name: string, change: () => void) {
    this.change.addEventListener("click", change);
    setAttribute(this.change, "aria-label", `Change breaker ${name}`);
    this.element = h(
      "tr",
      {},
      h("th", { scope: "row" }, this.name, this.note),
      h("td", { class: "state" }, this.icon.element, this.state),
      this.trip,
      this.score,
      this.latency,
      this.flight,
      h("td", {}, this.change),
    );
  }

  update(model: Model, name: string, breaker: Breaker | undefined, address: AddressState | undefined, note: string) {
    setText(this.name, name);
    const remarks = [address?.avoided ? "passed over" : "", checked(address), note, address ? others(address, kKnown) : ""].filter(Boolean);
    setText(this.note, remarks.join(", "));
    this.element.classList.toggle("avoided", address?.avoided === true);
    const shown = breaker ? shownState(breaker) : address?.breaker_state;
    setHidden(this.icon.element, shown === undefined);
    if (shown) this.icon.update(shown);
    const wait = breaker ? until(model, breaker) : { count: "", words: "" };
    setText(this.state, shown ? [kShownWords[shown], wait.count || (breaker && shown !== "closed" ? since(model, breaker) : "")].filter(Boolean).join(" ") : "as its upstream");
    const near = breaker ? nearest(breaker) : undefined;
    setText(this.trip, near ? `${near.text} ${near.label}` : kUnknown);
    setText(this.score, address?.health_score === undefined ? kUnknown : address.health_score.toFixed(2));
    setText(this.latency, milliseconds(address?.latency_ms));
    setText(this.flight, count(address?.in_flight));
    setHidden(this.change, breaker === undefined);
  }
}

// "http://10.0.0.1:80" of one address needs no heading of its own.
function noteOf(endpoint: Endpoint): string {
  const notes = [others(endpoint, kKnownOfEndpoint)];
  if (endpoint.look_up_error) notes.push(`look-up failed: ${endpoint.look_up_error}`);
  return notes.filter(Boolean).join(", ");
}

export class Endpoints {
  readonly element: HTMLElement;
  private readonly body = h("tbody");
  private readonly left = h("p", { class: "note" });
  private readonly rows = new Map<string, Row>();

  constructor(
    private readonly model: Model,
    private readonly upstream: string,
    private readonly change: (breaker: string) => void,
  ) {
    const head = ["Address", "State", "Nearest to a trip", "Score", "Latency", "In flight"].map((text) => h("th", { scope: "col" }, text));
    const actions = h("th", { scope: "col" }, h("span", { class: "unseen" }, "Actions"));
    const table = h("table", {}, h("caption", {}, "Endpoints"), h("thead", {}, h("tr", {}, ...head, actions)), this.body);
    this.element = h("div", { class: "endpoints", tabindex: "0", role: "region", "aria-label": `Endpoints of ${upstream}` }, table, this.left);
  }

  update(of: Upstream) {
    const wanted: HTMLElement[] = [];
    const seen = new Set<string>();
    const add = (key: string, name: string, address: AddressState | undefined, note: string) => {
      const row = this.rows.get(key) ?? new Row(key, () => this.change(key));
      this.rows.set(key, row);
      row.update(this.model, name, this.model.breaker(key), address, note);
      seen.add(key);
      wanted.push(row.element);
    };
    for (const endpoint of of.endpoints ?? []) {
      const states = endpoint.address_states ?? [];
      for (const state of states) {
        const at = state.name.slice(state.name.indexOf("/") + 1);
        add(state.name, endpoint.url.includes(at) ? endpoint.url : `${endpoint.url} at ${at}`, state, noteOf(endpoint));
      }
      if (!states.length) add(`${this.upstream}?${endpoint.url}`, endpoint.url, undefined, noteOf(endpoint) || "no address in use yet");
    }
    // Breakers below this upstream that stand for no address, such as those of a route.
    for (const breaker of this.model.below(this.upstream))
      if (!seen.has(breaker.name))
        add(breaker.name, breaker.name.slice(this.upstream.length + 1), undefined, "");
    for (const key of this.rows.keys()) if (!seen.has(key)) this.rows.delete(key);
    setChildren(this.body, wanted);
    setText(this.left, of.endpoints_left_off ? `${count(of.endpoints_left_off)} more are not shown; /admin/upstreams has all.` : "");
  }
}
