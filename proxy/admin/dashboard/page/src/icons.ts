// SPDX-License-Identifier: Apache-2.0
// A shape for each state, so that none is known by its colour alone.
import { svg } from "./dom";
import type { Shown } from "./format";

const kShapes: { [state in Shown]: () => SVGElement[] } = {
  closed: () => [svg("circle", { cx: "8", cy: "8", r: "6.5" })],
  open: () => [
    svg("rect", { x: "1.5", y: "1.5", width: "13", height: "13", rx: "2" }),
    svg("path", { d: "M5 5 L11 11 M11 5 L5 11", class: "cut" }),
  ],
  half_open: () => [
    svg("circle", { cx: "8", cy: "8", r: "5.7", class: "ring" }),
    svg("path", { d: "M8 1.5 A6.5 6.5 0 0 0 8 14.5 Z" }),
  ],
  forced_open: () => [
    svg("path", { d: "M8 1 L15 8 L8 15 L1 8 Z" }),
    svg("path", { d: "M5.8 5.8 L10.2 10.2 M10.2 5.8 L5.8 10.2", class: "cut" }),
  ],
  forced_closed: () => [svg("path", { d: "M8 1 L15 8 L8 15 L1 8 Z" })],
  disabled: () => [svg("circle", { cx: "8", cy: "8", r: "5.5", class: "ring dashed" })],
};

export function stateIcon(state: Shown): SVGElement {
  return svg("svg", { viewBox: "0 0 16 16", class: `icon is-${state}`, "aria-hidden": "true" }, ...kShapes[state]());
}

// The icon of an element, changed only when the state is another one.
export class StateIcon {
  readonly element = document.createElement("span");
  private state: Shown | null = null;

  constructor() {
    this.element.className = "state-icon";
  }
  update(state: Shown) {
    if (state === this.state) return;
    this.state = state;
    this.element.replaceChildren(stateIcon(state));
  }
}
