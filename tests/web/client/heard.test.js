/** How much of an answer was heard, by a worklet's reports. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Heard } from "../../../voxint/web/client/heard.js";

const LATENCY = 2400;

test("what is on its way to the loudspeaker has not been heard, and arrives with the clock", () => {
  const heard = new Heard();
  heard.begin("a");
  heard.report({ id: "a", given: 4800, frame: 10000 }, 10000, LATENCY);
  const times = [10000, 11000, 12400, 20000];
  assert.deepEqual(times.map((now) => heard.frames("a", now, LATENCY)), [2400, 3400, 4800, 4800]);
  assert.equal(heard.caughtUp("a"), true);
});

test("it never runs past what was handed over, so a pause that is not known of yet is not run past", () => {
  const heard = new Heard();
  heard.begin("a");
  heard.report({ id: "a", given: 1024, frame: 1024 }, 1024, 0);
  assert.equal(heard.frames("a", 48000, 0), 1024);
});

test("it never shrinks: not as the sound goes on after a pause, nor as a browser finds another latency", () => {
  const heard = new Heard();
  heard.begin("a");
  heard.report({ id: "a", given: 4800, frame: 4800 }, 4800, 0);
  assert.equal(heard.frames("a", 4800, 0), 4800);
  assert.equal(heard.frames("a", 4800, 9600), 4800);
  heard.report({ id: "a", given: 4928, frame: 48000 }, 48000, LATENCY);
  assert.equal(heard.frames("a", 48000, LATENCY), 4800);
  heard.report({ id: "a", given: 128, frame: 49000 }, 49000, 0);
  assert.equal(heard.frames("a", 49000, 0), 4928);
});

test("an answer that it does not know was not heard, and old ones are forgotten", () => {
  const heard = new Heard();
  assert.equal(heard.frames("a", 1, 0), 0);
  for (let n = 0; n < 100; n += 1) heard.begin(`${n}`);
  heard.report({ id: "0", given: 5, frame: 0 }, 9, 0);
  heard.report({ id: "99", given: 5, frame: 0 }, 9, 0);
  assert.deepEqual([heard.frames("0", 9, 0), heard.frames("99", 9, 0)], [0, 5]);
});
