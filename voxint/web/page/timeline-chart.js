/** Draws an interruption to scale. */

import { bars } from "../client/interruption.js";
import { draw } from "./dom.js";
import { PLOT, ROW, WIDTH, timeline } from "./timeline-geometry.js";
import { duration, say } from "./words.js";

/**
 * @import { InterruptionRecord } from "../client/interruption.js"
 * @import { Lane } from "./timeline-geometry.js"
 *
 * @typedef {ReturnType<typeof bars>[number]["name"]} Row
 */

/**
 * @param {InterruptionRecord} record
 * @returns {SVGElement} an image whose description has all of its figures
 */
export function chart(record) {
  const { height, lanes, lens } = timeline(bars(record));
  // What a voice has interrupted has stopped by itself: INTERRUPT only asks for the receipt.
  const label = (/** @type {Row} */ name) =>
    say(name === "sent" && record.by === "voice" ? "at_asked" : `at_${name}`);
  const told = bars(record).map(({ name, atMs }) => `${label(name)} ${duration(atMs)}`).join("; ");
  const drawing = draw("svg", {
    class: "chart", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": `${say("chart")}: ${told}`,
  });
  if (lens !== null) {
    const { fromX, toX, fromY, toY } = lens;
    const top = lanes[0]?.top ?? 0;
    drawing.append(
      draw("rect", { class: "window", x: fromX, y: top, width: toX - fromX, height: fromY - top }),
      draw("path", {
        class: "lens", d: `M${fromX} ${fromY}L${toX} ${fromY}L${PLOT.to} ${toY}L${PLOT.from} ${toY}Z`,
      }),
    );
  }
  for (const lane of lanes) drawing.append(laneOf(lane, label, lens !== null));
  return drawing;
}

/** @param {Lane} lane @param {(name: Row) => string} label @param {boolean} named */
function laneOf(lane, label, named) {
  const group = draw("g", { class: `lane ${lane.scale}` });
  if (named) group.append(draw("text", { class: "name", x: 0, y: lane.top - 8 }, say(`chart_${lane.scale}`)));
  for (const { x, ms } of lane.ticks) {
    group.append(
      draw("path", { class: "grid", d: `M${x} ${lane.top}V${lane.bottom}` }),
      draw("text", { class: "tick", x, y: lane.top - 8, "text-anchor": "middle" }, duration(ms)),
    );
  }
  for (const { name, y, x, fromX, kind, valueMs } of lane.rows) {
    const spoken = kind === "you" || kind === "hold";
    group.append(
      draw("text", { class: "label", x: 0, y: y + 4 }, label(name)),
      draw("rect", { class: `bar ${kind}`, x: fromX, y: y - ROW / 8, width: x - fromX, height: ROW / 4, rx: 3 }),
      draw("circle", { class: `point ${kind}`, cx: spoken ? fromX : x, cy: y, r: 4 }),
      draw("text", { class: "value", x: WIDTH, y: y + 4, "text-anchor": "end" }, duration(valueMs)),
    );
  }
  return group;
}
