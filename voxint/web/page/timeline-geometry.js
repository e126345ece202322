/**
 * Where things stand in the drawing of an interruption. Pure.
 *
 * An interruption has two sizes: a person speaks for a second, a server stops within a millisecond. So there are two
 * lanes, the second of which magnifies the end of the first. Each instant has a row: no label can meet another.
 *
 * @import { MarkName } from "../client/interruption.js"
 *
 * @typedef {{name: MarkName, y: number, x: number, fromX: number, valueMs: number,
 *   kind: "you" | "sound" | "hold" | "stop"}} Row
 *   the bar of its row goes from `fromX` to `x`; `valueMs` is counted from the lane's beginning
 * @typedef {{x: number, ms: number}} Tick
 * @typedef {{scale: "all" | "zoom", top: number, bottom: number, rows: Row[], ticks: Tick[]}} Lane
 * @typedef {{height: number, lanes: Lane[],
 *   lens: {fromX: number, toX: number, fromY: number, toY: number} | null}} Timeline
 *   `lens`: what of the first lane the second one magnifies
 */

/** In units of the drawing, of which one is about a pixel. Ours: it fits a phone of 360 pixels. */
export const WIDTH = 340;
export const PLOT = { from: 100, to: 272 };
export const ROW = 24;
/** The line above a lane, with its name and its ticks. */
const AXIS = 22;
const LENS = 20;
const MOST_TICKS = 4;

/** Ours: below that ratio one scale shows both. */
const WORTH_A_LENS = 6;

/** The instants of the stop itself, which the second lane magnifies. */
const STOP = new Set(["sent", "modelClosed", "synthesisClosed", "acknowledged"]);

/**
 * @param {readonly Readonly<{name: MarkName, atMs: number}>[]} instants in their order in time
 * @returns {Timeline}
 */
export function timeline(instants) {
  const stop = instants.filter(({ name }) => STOP.has(name));
  const rest = instants.filter(({ name }) => !STOP.has(name));
  const [first, last] = [stop[0]?.atMs ?? 0, stop.at(-1)?.atMs ?? 0];
  const toMs = Math.max(0, ...instants.map(({ atMs }) => atMs));
  if (rest.length === 0 || stop.length < 2 || toMs < WORTH_A_LENS * (last - first)) {
    const only = lane("all", instants, 0, toMs, AXIS);
    return { height: only.bottom, lanes: [only], lens: null };
  }
  const whole = lane("all", rest, 0, toMs, AXIS);
  const zoom = lane("zoom", stop, first, last, whole.bottom + LENS + AXIS);
  const lens = {
    fromX: place(first, 0, toMs), toX: Math.max(place(last, 0, toMs), place(first, 0, toMs) + 1),
    fromY: whole.bottom, toY: zoom.top - AXIS,
  };
  return { height: zoom.bottom, lanes: [whole, zoom], lens };
}

/**
 * @param {"all" | "zoom"} scale
 * @param {readonly Readonly<{name: MarkName, atMs: number}>[]} instants
 * @param {number} fromMs
 * @param {number} toMs
 * @param {number} top
 * @returns {Lane}
 */
function lane(scale, instants, fromMs, toMs, top) {
  const at = new Map(instants.map(({ name, atMs }) => [name, atMs]));
  const rows = instants.map(({ name, atMs }, index) => {
    const [barFrom, barTo, kind] = barOf(name, at, fromMs, toMs);
    return {
      name, y: top + ROW * (index + 0.5), kind, valueMs: atMs - fromMs,
      fromX: place(barFrom, fromMs, toMs), x: place(barTo, fromMs, toMs),
    };
  });
  return { scale, top, bottom: top + ROW * instants.length, rows, ticks: ticks(fromMs, toMs) };
}

/**
 * Say what lasts in the row of an instant: a person speaks until that is recognised, the agent is heard until it is
 * silent, an answer is held until the decision; the rest takes from the lane's beginning.
 *
 * @param {MarkName} name
 * @param {Map<MarkName, number>} at
 * @param {number} fromMs
 * @param {number} toMs
 * @returns {[fromMs: number, toMs: number, kind: Row["kind"]]}
 */
function barOf(name, at, fromMs, toMs) {
  const own = at.get(name) ?? fromMs;
  const decided = at.get("recognised") ?? toMs;
  if (name === "began") return [own, Math.max(own, decided), "you"];
  if (name === "held") return [own, Math.max(own, decided), "hold"];
  return [fromMs, own, name === "silent" ? "sound" : "stop"];
}

/** @param {number} ms @param {number} fromMs @param {number} toMs */
function place(ms, fromMs, toMs) {
  const share = toMs > fromMs ? (ms - fromMs) / (toMs - fromMs) : 0;
  return PLOT.from + (PLOT.to - PLOT.from) * Math.min(1, Math.max(0, share));
}

/**
 * List the ticks of an axis: 1, 2 or 5 times a power of ten apart, so few that their labels stay apart.
 *
 * @param {number} fromMs
 * @param {number} toMs
 * @returns {Tick[]}
 */
export function ticks(fromMs, toMs) {
  const span = toMs - fromMs;
  if (!(span > 0)) return [{ x: PLOT.from, ms: 0 }];
  const power = 10 ** Math.floor(Math.log10(span / MOST_TICKS));
  const step = power * ([1, 2, 5, 10].find((factor) => span / (factor * power) <= MOST_TICKS) ?? 10);
  const count = Math.floor(span / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => ({
    x: place(fromMs + index * step, fromMs, toMs), ms: Number((index * step).toPrecision(6)),
  }));
}
