/** What an agent does, in one word. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { agentState } from "../../../voxint/web/client/agent-state.js";

const ALL = { opened: true, failed: true, held: true, hearing: true, speaking: true, waiting: true, listening: true };

test("the first fact that holds counts, from a failure to an open microphone", () => {
  const seen = [];
  const facts = { ...ALL };
  for (const name of /** @type {(keyof typeof ALL)[]} */ (Object.keys(ALL).filter((key) => key !== "opened"))) {
    seen.push(agentState({ connection: "open", ...facts }));
    facts[name] = false;
  }
  seen.push(agentState({ connection: "open", ...facts }));
  assert.deepEqual(seen, ["failed", "held", "hearing", "speaking", "thinking", "listening", "ready"]);
});

test("without a connection only that is told, and the first one is no return", () => {
  const facts = { ...ALL, failed: false };
  assert.equal(agentState({ ...facts, connection: "closed" }), "off");
  assert.equal(agentState({ ...facts, connection: "waiting" }), "reconnecting");
  assert.equal(agentState({ ...facts, connection: "connecting" }), "reconnecting");
  assert.equal(agentState({ connection: "connecting" }), "connecting");
  assert.equal(agentState({ connection: "waiting" }), "connecting");
});
