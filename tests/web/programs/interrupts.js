/** 200 interruptions, at the first word, at the first sound, and before anything has come. */

import { Emitter, MessageService, WebSocketClient } from "../../../voxint/web/client/index.js";

/** @extends {Emitter<{played: {requestId: string, playedMs: number}, drained: {requestId: string}}>} */
class Player extends Emitter {
  samples = 0;
  begin() {}
  /** @param {string} _ @param {Int16Array} pcm */
  put(_, pcm) {
    this.samples += pcm.length;
  }
  end() {}
  pause() {}
  resume() {}
  async discard() {}
  playedMs() {
    return 20;
  }
}

const client = new WebSocketClient({ url: /** @type {string} */ (process.argv[2]) });
const player = new Player();
const service = new MessageService(client, { player });
/** @type {string[]} */
const errors = [];
client.on("error", ({ error }) => errors.push(error.code));
service.on("error", ({ error }) => errors.push(error.code));
await client.connect();
/** @type {Record<string, number>} */
const outcomes = {};
for (let n = 0; n < 200; n += 1) {
  const { requestId, promise } = service.ask("Who lived here?");
  const name = /** @type {const} */ ([null, "text", "audio"])[n % 3];
  if (name) await Promise.race([promise, new Promise((resolve) => client.on(name, resolve, { once: true }))]);
  const ack = await service.interruptCurrentRequest();
  const outcome = ack?.outcomes[requestId] ?? "none";
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const { interrupted } = await promise;
  if (!interrupted) errors.push("not interrupted");
}
const agents = service.messages.filter(({ role }) => role === "agent");
const split = agents.every(({ status, heard }) => status === "interrupted" && heard !== null);
console.log(
  JSON.stringify({
    outcomes,
    errors,
    split,
    messages: service.messages.length,
    played: player.samples > 0,
    ...service.counts,
  }),
);
await client.close();
