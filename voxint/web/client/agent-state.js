/**
 * What an agent does just now, in one word, from what is known of its parts. Pure.
 *
 * @typedef {"off" | "connecting" | "ready" | "listening" | "hearing" | "thinking" | "speaking" | "held"
 *   | "reconnecting" | "failed"} AgentState
 *
 * @typedef {object} AgentFacts
 * @property {"closed" | "connecting" | "open" | "waiting"} connection of the client
 * @property {boolean} [opened] there was a connection before, so that another one is a return
 * @property {boolean} [failed] it was given up, with an error; `connect()` leaves it
 * @property {boolean} [held] the answer is held, or its player is ducked
 * @property {boolean} [hearing] a person is speaking, or holds the button to talk
 * @property {boolean} [speaking] an answer is being heard; without a player, read
 * @property {boolean} [waiting] something is asked, and nothing of its answer has been heard (read, without a voice)
 * @property {boolean} [listening] the microphone is open, hands-free
 */

/**
 * Say the state of an agent. The first of these that holds counts: without a connection nothing else does, and a held
 * answer is told before the voice that holds it.
 *
 * @param {AgentFacts} facts
 * @returns {AgentState}
 */
export function agentState(facts) {
  if (facts.failed) return "failed";
  if (facts.connection === "closed") return "off";
  if (facts.connection !== "open") return facts.opened ? "reconnecting" : "connecting";
  if (facts.held) return "held";
  if (facts.hearing) return "hearing";
  if (facts.speaking) return "speaking";
  if (facts.waiting) return "thinking";
  return facts.listening ? "listening" : "ready";
}
