/** The messages and a player that was paused, replaced or closed in the middle of an answer. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { MessageService } from "../../../voxint/web/client/message-service.js";
import { FakePlayer, FakeSocket, opened } from "./fakes.js";

const VOICE = Buffer.alloc(3200).toString("base64");

/** Ask, and let the answer begin to sound. */
async function speaking() {
  const { clock, client } = await opened();
  const player = new FakePlayer();
  const service = new MessageService(client, { player });
  const { requestId } = service.ask("Who?");
  const content = { text: "A keeper.", voice: VOICE };
  FakeSocket.last.say("RESPONSE", { request_id: requestId, text_stream_seq: 0, voice_stream_seq: 0, content });
  player.plays(requestId, 20);
  const hold = () => FakeSocket.last.say("HOLD", { request_id: requestId, state: "held", voice_stream_seq: 0 });
  return { clock, client, service, player, requestId, hold };
}

const ended = (/** @type {string} */ id) =>
  FakeSocket.last.say("RESPONSE", { request_id: id, text_stream_seq: -1, voice_stream_seq: -1, content: {} });

/** @param {MessageService} service */
const status = (service) => service.messages.at(-1)?.status;

test("a held answer that fails leaves the player to the next one", async () => {
  const { service, player, requestId, hold } = await speaking();
  hold();
  assert.deepEqual(player.told.at(-1), ["pause"]);
  FakeSocket.last.say("ERROR", { error_code: "UPSTREAM_ERROR", error_msg: "no", request_id: requestId });
  assert.equal(status(service), "failed");
  assert.deepEqual(player.told.at(-1), ["resume"]);
});

test("an answer that was held when the connection broke goes on with another connection", async () => {
  const { clock, service, player, requestId, hold } = await speaking();
  ended(requestId); // all of it is here, so that the server has nothing more to say of it
  hold();
  FakeSocket.last.lose(1006);
  await clock.pass(250);
  FakeSocket.last.register({ resumed: { live: [], lost: [], outcomes: {} } });
  assert.deepEqual([player.told.at(-1), status(service)], [["resume"], "speaking"]);
  player.drains(requestId);
  assert.equal(status(service), "complete");
});

test("who was speaking when the session was lost is shown as done, also in a new session", async () => {
  const { clock, client } = await opened();
  const service = new MessageService(client);
  FakeSocket.last.say("SPEECH", { state: "started", request_id: "req_ears", at_ms: 0 });
  assert.equal(status(service), "writing");
  FakeSocket.last.lose(1006);
  await clock.pass(250);
  FakeSocket.last.register();
  assert.equal(status(service), "dismissed");
});

test("an answer whose player is gone is complete when it has ended", async () => {
  const { service, player, requestId } = await speaking();
  ended(requestId);
  assert.equal(status(service), "speaking");
  service.player = null;
  assert.equal(status(service), "complete");
  player.plays(requestId, 90);
  const other = new FakePlayer();
  service.player = other;
  const { requestId: next } = service.ask("And then?");
  const content = { text: "He left.", voice: VOICE };
  FakeSocket.last.say("RESPONSE", { request_id: next, text_stream_seq: 0, voice_stream_seq: 0, content });
  service.player = null;
  ended(next);
  assert.equal(status(service), "complete");
  assert.deepEqual(other.told.map(([what]) => what), ["begin", "put"]);
});

test("a voice in which there were no words, and that was not answered, is no question", async () => {
  const { client } = await opened();
  const service = new MessageService(client);
  const { requestId } = service.askVoice(Int16Array.of(0));
  FakeSocket.last.say("TRANSCRIPT", { request_id: requestId, text: "", is_final: true });
  ended(requestId);
  const person = service.messages.find(({ role }) => role === "person");
  assert.deepEqual([person?.status, person?.outcome], ["dismissed", "noise"]);
});
