/** The page of `test_worklets.py`: a player and a recorder by themselves, with what they tell kept for the test. */

import { Player } from "/web/client/player.js";
import { Recorder } from "/web/client/recorder.js";

/** @typedef {{type: string, [name: string]: unknown}} Told */

/** @param {EventTarget} target @param {string[]} types @param {Told[]} told */
function keep(target, types, told) {
  for (const type of types) {
    target.addEventListener(type, (event) => {
      if (event instanceof CustomEvent) told.push({ type, ...event.detail });
    });
  }
}

/** @param {number} rate of the context */
async function open(rate) {
  const context = new AudioContext({ sampleRate: rate });
  const player = await Player.open(context);
  /** @type {Told[]} */ const told = [];
  keep(player, ["played", "drained", "silent", "ducked", "unducked", "state", "error"], told);
  return { context, player, told };
}

/**
 * @param {MediaTrackConstraints} constraints @param {AudioContext} context
 * @param {Player} player @param {Told[]} told
 */
async function listen(constraints, context, player, told) {
  const recorder = await Recorder.open(context, { constraints, hintPort: player.hintPort });
  keep(recorder, ["audio", "level", "onset", "ended", "error"], told);
  return recorder;
}

/** @param {number} seconds @param {number} hz @returns {Int16Array} at 24 kHz, as an answer comes */
function tone(seconds, hz) {
  return Int16Array.from({ length: seconds * 24000 }, (_, n) => 9000 * Math.sin((2 * Math.PI * hz * n) / 24000));
}

Object.assign(globalThis, { rig: { open, listen, tone } });
