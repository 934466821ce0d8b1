// SPDX-License-Identifier: Apache-2.0
// The lines of one upstream, one above the other on one axis of time, with its breaker's transitions drawn through all.
import uPlot from "uplot";
import { h, setText } from "./dom";
import { clock, kUnknown, milliseconds, rate } from "./format";
import type { Model, Series } from "./model";
import type { Period } from "./periods";
import type { SeriesName } from "./types";

interface Line {
  series: SeriesName;
  colour: string; // a variable of the style sheet
  word: string;
  fill?: boolean;
}

interface Panel {
  lines: Line[];
  text: (value: number | null | undefined) => string;
  least: number; // the scale's upper end is at least that, so that noise near zero stays flat
}

const kPanels: Panel[] = [
  { lines: [{ series: "requests", colour: "--line-requests", word: "requests", fill: true }], text: rate, least: 1 },
  { lines: [{ series: "failures", colour: "--line-failures", word: "failures", fill: true }], text: rate, least: 1 },
  {
    lines: [
      { series: "p99", colour: "--line-p99", word: "p99" },
      { series: "p50", colour: "--line-p50", word: "p50" },
    ],
    text: milliseconds,
    least: 1,
  },
  {
    lines: [
      { series: "rejected", colour: "--line-rejected", word: "rejected", fill: true },
      { series: "stale", colour: "--line-stale", word: "stale answers" },
    ],
    text: rate,
    least: 1,
  },
];

const kHeight = 40;
const kShortest = 60_000; // what the axis shows at least
const kAxis = 22;
const kStateColours = { open: "--band-open", half_open: "--band-half-open", closed: "" } as const;

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function translucent(hex: string): string {
  return `${hex}26`;
}

export class Charts {
  readonly element = h("div", { class: "charts" });
  private readonly panels = kPanels.map((panel) => this.panel(panel));
  private plots: uPlot[] = [];
  private periods: Period[] = [];
  private series: Series | undefined;
  private drawn = -1;
  private visible = false;
  private readonly width = new ResizeObserver(() => this.resize());

  constructor(
    private readonly model: Model,
    private readonly upstream: string,
  ) {
    this.width.observe(this.element);
  }

  // Canvases exist only while they are on the screen.
  show(visible: boolean) {
    this.visible = visible;
    if (!visible) this.clear();
    else this.update(this.periods);
  }
  clear() {
    for (const plot of this.plots) plot.destroy();
    this.plots = [];
    this.drawn = -1;
  }
  close() {
    this.width.disconnect();
    this.clear();
  }

  update(periods: Period[]) {
    this.periods = periods;
    this.series = this.model.series(this.upstream);
    if (!this.series) return;
    this.texts(this.series.values.requests.length - 1);
    if (!this.visible || !this.plotWidth()) return;
    if (!this.plots.length) this.begin();
    if (this.drawn === this.series.n) return;
    this.drawn = this.series.n;
    this.draw(this.series);
  }

  private plotWidth(): number {
    return this.panels[0]!.plot.clientWidth;
  }

  private panel(panel: Panel) {
    const values = panel.lines.map(() => h("span", { class: "value" }));
    const labels = panel.lines.map((line, i) =>
      h("span", { class: `key key-${line.series}` }, h("i", { "aria-hidden": "true" }), `${line.word} `, values[i]),
    );
    const plot = h("div", { class: "plot", "aria-hidden": "true" });
    this.element.append(h("div", { class: "panel" }, h("div", { class: "panel-head" }, ...labels), plot));
    return { panel, values, plot };
  }

  private texts(at: number) {
    for (const { panel, values } of this.panels)
      panel.lines.forEach((line, i) => {
        const value = this.series?.values[line.series][at];
        setText(values[i]!, value === undefined ? kUnknown : panel.text(value));
      });
  }

  private draw(series: Series) {
    const times = this.model.times(series);
    const end = times.at(-1) ?? this.model.now() / 1000;
    const begin = Math.min(times[0] ?? end, end - kShortest / 1000);
    for (const [i, { panel }] of this.panels.entries()) {
      const plot = this.plots[i]!;
      plot.batch(() => {
        plot.setData([times, ...panel.lines.map((line) => series.values[line.series])] as uPlot.AlignedData, false);
        plot.setScale("x", { min: begin, max: end });
        const most = Math.max(panel.least, ...panel.lines.flatMap((line) => series.values[line.series].map((v) => v ?? 0)));
        plot.setScale("y", { min: 0, max: most * 1.08 });
      });
    }
  }

  private begin() {
    const width = this.plotWidth();
    this.plots = this.panels.map(({ panel, plot }, i) => {
      const last = i === this.panels.length - 1;
      return new uPlot(this.options(panel, width, last), [[], ...panel.lines.map(() => [])] as unknown as uPlot.AlignedData, plot);
    });
  }

  private options(panel: Panel, width: number, last: boolean): uPlot.Options {
    const grid = { stroke: colour("--grid"), width: 1 };
    return {
      width,
      height: kHeight + (last ? kAxis : 0),
      padding: [2, 0, last ? 0 : 2, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 5 }, sync: { key: this.upstream, scales: ["x", null] } },
      scales: { x: { time: true, auto: false }, y: { auto: false } },
      axes: [
        {
          show: last,
          size: kAxis,
          gap: 2,
          font: `11px ${getComputedStyle(document.body).fontFamily}`,
          stroke: colour("--muted"),
          grid,
          ticks: { show: false },
          space: 64,
          values: (_, splits, __, ___, step) => splits.map((at) => clock(at * 1000, step < 60)),
        },
        { show: false },
      ],
      series: [
        {},
        ...panel.lines.map((line) => ({
          stroke: colour(line.colour),
          width: 1.5,
          ...(line.fill ? { fill: translucent(colour(line.colour)) } : {}),
          points: { show: false },
          spanGaps: false,
        })),
      ],
      hooks: { drawClear: [(plot) => this.bands(plot)], setCursor: [(plot) => this.pointed(plot)] },
    };
  }

  // Behind the lines: the time that the circuit was not closed, and a line at each transition.
  private bands(plot: uPlot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const period of this.periods) {
      const from = plot.valToPos(period.from / 1000, "x", true);
      const to = plot.valToPos(period.to / 1000, "x", true);
      const name = kStateColours[period.state];
      if (name) {
        ctx.fillStyle = colour(name);
        ctx.fillRect(from, bbox.top, Math.max(to - from, 1), bbox.height);
      }
      if (period !== this.periods[0]) {
        ctx.fillStyle = colour(`--state-${period.state.replace("_", "-")}`);
        ctx.fillRect(Math.round(from), bbox.top, devicePixelRatio, bbox.height);
      }
    }
    ctx.restore();
  }

  private pointed(plot: uPlot) {
    const at = plot.cursor.idx;
    const length = this.series?.values.requests.length ?? 0;
    const pointed = at !== null && at !== undefined && plot.cursor.left! >= 0;
    this.element.classList.toggle("pointed", pointed);
    this.texts(pointed ? at : length - 1);
  }

  private resize() {
    const width = this.plotWidth();
    if (!width) return;
    if (!this.plots.length) this.update(this.periods);
    for (const plot of this.plots) if (plot.width !== width) plot.setSize({ width, height: plot.height });
  }
}
