// SPDX-License-Identifier: Apache-2.0
// What is to be injected into an upstream, as its reader chooses it.
import { h, setHidden } from "./dom";

export interface FaultChoice {
  delay: string; // "2s"; empty: none
  delay_percent: number;
  abort: number | "reset" | null;
  abort_percent: number;
}

const kDelays = [
  ["", "no delay"],
  ["100ms", "100 ms"],
  ["500ms", "500 ms"],
  ["1s", "1 s"],
  ["2s", "2 s"],
  ["5s", "5 s"],
  ["10s", "10 s"],
  ["30s", "30 s"],
] as const;
const kAborts = [
  ["", "no abort"],
  ["reset", "a closed connection"],
  ["429", "429 Too Many Requests"],
  ["500", "500 Internal Server Error"],
  ["502", "502 Bad Gateway"],
  ["503", "503 Service Unavailable"],
  ["504", "504 Gateway Timeout"],
] as const;

function select(id: string, options: readonly (readonly [string, string])[]): HTMLSelectElement {
  return h("select", { id }, ...options.map(([value, text]) => h("option", { value }, text)));
}

// Of attempts, above 0 and up to 100.
class Percent {
  readonly field: HTMLInputElement;
  readonly label: HTMLLabelElement;

  constructor(id: string, text: string) {
    this.field = h("input", { id, type: "number", min: "0.1", max: "100", step: "any", value: "100" });
    this.label = h("label", { for: id }, text);
  }
  value(): number {
    return this.field.valueAsNumber;
  }
  isValid(): boolean {
    return this.value() > 0 && this.value() <= 100;
  }
}

export class FaultFields {
  private readonly delay = select("fault-delay", kDelays);
  private readonly delayPercent = new Percent("fault-delay-percent", "% of attempts that are delayed");
  private readonly abort = select("fault-abort", kAborts);
  private readonly abortPercent = new Percent("fault-abort-percent", "% of attempts that are aborted");
  private readonly delayShare = h("div", { class: "row" }, this.delayPercent.label, this.delayPercent.field);
  private readonly abortShare = h("div", { class: "row" }, this.abortPercent.label, this.abortPercent.field);
  readonly element = h(
    "fieldset",
    { class: "fault-fields" },
    h("legend", {}, "What to inject"),
    h("div", { class: "row" }, h("label", { for: "fault-delay" }, "Delay"), this.delay),
    this.delayShare,
    h("div", { class: "row" }, h("label", { for: "fault-abort" }, "Abort with"), this.abort),
    this.abortShare,
  );

  constructor(changed: () => void) {
    this.element.addEventListener("input", () => {
      this.show();
      changed();
    });
  }

  reset() {
    this.delay.value = "";
    this.abort.value = "503";
    this.delayPercent.field.value = this.abortPercent.field.value = "100";
    this.show();
  }
  choice(): FaultChoice {
    const abort = this.abort.value;
    return {
      delay: this.delay.value,
      delay_percent: this.delayPercent.value(),
      abort: abort === "" ? null : abort === "reset" ? abort : Number(abort),
      abort_percent: this.abortPercent.value(),
    };
  }
  // Why it can't be sent; empty: it can.
  trouble(): string {
    const { delay, abort } = this.choice();
    if (!delay && abort === null) return "Choose a delay or an abort.";
    if ((delay && !this.delayPercent.isValid()) || (abort !== null && !this.abortPercent.isValid())) return "A share is above 0, up to 100 %.";
    return "";
  }

  private show() {
    setHidden(this.delayShare, this.delay.value === "");
    setHidden(this.abortShare, this.abort.value === "");
  }
}
