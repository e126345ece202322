/** What happens in the middle of something else: closed, asked and connected from within events. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeSocket, opened, record, settled, setUp } from "./fakes.js";

for (const when of /** @type {const} */ (["state", "failed"])) {
  test(`a client that is closed in a "${when}" event stays closed`, async () => {
    const { clock, client } = setUp();
    void client.connect();
    await settled();
    if (when === "state") client.on("state", ({ state }) => state === "open" && void client.close());
    FakeSocket.last.register({ resume_token: null });
    if (when === "failed") {
      void client.sendTextRequest("a");
      client.on("failed", () => void client.close());
      FakeSocket.last.lose(1006);
    }
    await clock.pass(120_000);
    assert.deepEqual([client.state, client.sessionId, FakeSocket.made.length, clock.waiting], ["closed", null, 1, 0]);
  });
}

test("a client that is closed as its session is found gone dials no other", async () => {
  const { clock, client } = await opened();
  void client.sendTextRequest("a");
  FakeSocket.last.lose(1006);
  await clock.pass(250);
  FakeSocket.last.open();
  client.on("failed", () => void client.close());
  FakeSocket.last.say("ERROR", { error_code: "SESSION_INVALID", error_msg: "gone", error_detail: "$.payload.resume" });
  await clock.pass(60_000);
  assert.deepEqual([client.state, FakeSocket.made.length, clock.waiting], ["closed", 2, 0]);
  const next = client.connect();
  await settled();
  const told = record(client, "open");
  FakeSocket.last.register();
  await next;
  assert.deepEqual(told, [["open", { sessionId: "sess_1", resumed: false, lost: [], fresh: false }]]);
});

test("a close before there is a session waits for nobody", async () => {
  const { clock, client } = setUp();
  client.connect().catch(() => {});
  await settled();
  FakeSocket.last.open();
  await client.close();
  assert.deepEqual([FakeSocket.last.readyState, FakeSocket.last.said("SHUTDOWN"), clock.waiting], [2, [], 0]);
});

test("a join token is used once: after a close the device has a session of its own", async () => {
  const { clock, client } = await opened({ join: { sessionId: "sess_9", token: "t" } });
  const closed = client.close();
  await clock.pass(1_000);
  await closed;
  void client.connect();
  await settled();
  FakeSocket.last.open();
  assert.equal(FakeSocket.last.said("REGISTER")[0]?.payload.resume, undefined);
});

test("what is asked as soon as the connection stands goes behind what has waited for it", async () => {
  const { client } = setUp();
  const first = client.sendTextRequest("first");
  const asked = [first.requestId];
  client.on("state", ({ state }) => state === "open" && asked.push(client.sendTextRequest("second").requestId));
  void client.connect();
  await settled();
  FakeSocket.last.register();
  assert.deepEqual(FakeSocket.last.said("REQUEST").map(({ payload }) => payload.request_id), asked);
});

test("a connect as the last try fails is told of its own try", async () => {
  const { client } = setUp();
  const first = client.connect();
  /** @type {Promise<unknown> | undefined} */
  let second;
  client.on("state", ({ state }) => void (state === "waiting" && (second ??= client.connect())));
  await settled();
  FakeSocket.last.lose(1006);
  await assert.rejects(first, { code: "unreachable" });
  await settled();
  FakeSocket.last.register();
  assert.equal(/** @type {{sessionId: string}} */ (await second).sessionId, "sess_1");
});
