import assert from "node:assert/strict";
import { test } from "node:test";

import { PLOT, ROW, WIDTH, ticks, timeline } from "../../../voxint/web/page/timeline-geometry.js";
import { duration } from "../../../voxint/web/page/words.js";

/** @import { MarkName } from "../../../voxint/web/client/interruption.js" */

/** Wider than any figure of the drawing's font, in its units: half of an em and a bit. */
const DIGIT = 6.2;

/** @param {Partial<Record<MarkName, number>>} at */
const laid = (at) => {
  const instants = Object.entries(at).map(([name, atMs]) => ({ name: /** @type {MarkName} */ (name), atMs }));
  return timeline(instants.sort((a, b) => a.atMs - b.atMs));
};

/** An interruption by voice, of which each side lasts so long. @param {number} person @param {number} stop */
const byVoice = (person, stop) => laid({
  began: 0, heard: person * 0.06, silent: person * 0.08, held: person * 0.4, recognised: person, sent: person,
  modelClosed: person + stop * 0.4, synthesisClosed: person + stop * 0.41, acknowledged: person + stop,
});

const SPANS = [0, 0.01, 0.3, 1, 2.7, 16, 99, 640, 1000, 3999, 12_000, 90_000];

test("no two labels meet, whatever the scale", () => {
  for (const person of SPANS) {
    for (const stop of SPANS) {
      const { lanes, height } = byVoice(person, stop);
      const rows = lanes.flatMap((lane) => lane.rows);
      assert.equal(rows.length, 9);
      const heights = rows.map(({ y }) => y).sort((a, b) => a - b);
      heights.slice(1).forEach((y, index) => assert.ok(y - (heights[index] ?? 0) >= ROW));
      for (const lane of lanes) {
        assert.ok(lane.rows.every(({ y }) => y > lane.top && y < lane.bottom && lane.bottom <= height));
        const edges = lane.ticks.map(({ x, ms }) => {
          const half = duration(ms).length * DIGIT / 2;
          return [x - half, x + half];
        });
        edges.slice(1).forEach(([left = 0], index) => assert.ok(left > (edges[index]?.[1] ?? 0), `${person} ${stop}`));
        assert.ok((edges.at(-1)?.[1] ?? 0) <= WIDTH && (edges[0]?.[0] ?? 0) >= 70, "beside the lane's name");
      }
    }
  }
});

test("everything is inside the plot, and its place is to scale", () => {
  const { lanes } = byVoice(1000, 10);
  const [all, zoom] = lanes;
  const share = (/** @type {string} */ name) => {
    const row = lanes.flatMap((lane) => lane.rows).find((one) => one.name === name);
    return Math.round(1000 * ((row?.x ?? 0) - PLOT.from) / (PLOT.to - PLOT.from)) / 1000;
  };
  assert.equal(share("silent"), 0.079);
  assert.equal(share("modelClosed"), 0.4);
  assert.equal(share("acknowledged"), 1);
  for (const { fromX, x } of lanes.flatMap(({ rows }) => rows)) {
    assert.ok(fromX >= PLOT.from && x <= PLOT.to && fromX <= x);
  }
  assert.deepEqual([all?.scale, zoom?.scale], ["all", "zoom"]);
});

test("the lens shows where in the first lane the stop is", () => {
  const { lens } = byVoice(1000, 10);
  assert.ok(lens !== null && lens.toX === PLOT.to && lens.fromY < lens.toY);
  assert.ok(lens.fromX < lens.toX && lens.toX - lens.fromX < 3);
});

test("one scale is enough for an interruption by button", () => {
  const { lanes, lens } = laid({ sent: 0, modelClosed: 0.6, synthesisClosed: 0.9, silent: 2.9, acknowledged: 3.5 });
  assert.equal(lens, null);
  const names = lanes.map(({ rows }) => rows.map(({ name }) => name));
  assert.deepEqual(names, [["sent", "modelClosed", "synthesisClosed", "silent", "acknowledged"]]);
});

test("a person's bar lasts until the speech is recognised, and a hold as long", () => {
  const rows = byVoice(1000, 10).lanes[0]?.rows ?? [];
  const [you, hold, recognised] = ["began", "held", "recognised"].map((name) => rows.find((row) => row.name === name));
  assert.equal(you?.fromX, PLOT.from);
  assert.equal(you?.x, recognised?.x);
  assert.equal(hold?.x, recognised?.x);
});

test("nothing is known: an empty lane, and no error", () => {
  assert.deepEqual(laid({}).lanes.map(({ rows }) => rows), [[]]);
});

test("ticks are 1, 2 or 5 times a power of ten apart, and few", () => {
  for (const span of SPANS.filter((ms) => ms > 0)) {
    const made = ticks(0, span);
    assert.ok(made.length >= 2 && made.length <= 5, String(span));
    assert.match((made[1]?.ms ?? 0).toExponential(), /^[125]e/);
  }
});
