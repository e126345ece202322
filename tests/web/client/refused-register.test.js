/** A REGISTER that the server does not understand. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { WebSocketClient } from "../../../voxint/web/client/websocket-client.js";
import { FakeClock, FakeSocket, record, settled, Socket } from "./fakes.js";

test("a REGISTER that is not understood is told at once, though the server would wait for a better one", async () => {
  FakeSocket.made = [];
  const clock = new FakeClock();
  const client = new WebSocketClient({ url: "ws://x", WebSocket: Socket, clock, random: () => 1 });
  const told = record(client, "error");
  const connected = client.connect();
  await settled();
  FakeSocket.last.open();
  const error_detail = "$.payload.voice";
  FakeSocket.last.say("ERROR", { error_code: "MALFORMED_PAYLOAD", error_msg: "no such voice", error_detail });
  await assert.rejects(connected, { code: "malformed", detail: error_detail });
  FakeSocket.last.lose(4408);
  assert.deepEqual([client.state, told.length, clock.waiting], ["closed", 1, 0]);
});
