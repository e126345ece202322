/** @import { Message } from "../client/types.js" */

import { VoiceAgent, VoxintError } from "../client/index.js";
import { STYLE } from "./style.js";
import { wordsOf } from "./words.js";

/** Ours: bubbles that are shown; the agent itself keeps more. */
const MOST_SHOWN = 30;
/** Ours: how long the site's own server may take for a token. */
const TOKEN_MS = 10_000;
const TOLD = /** @type {const} */ (["state", "message", "interruption", "error"]);

/**
 * A voice agent on anybody's page: `<voxint-agent src="https://voice.example" token-url="/voice-token"></voxint-agent>`.
 *
 * Attributes: `src`, the server, by default the one that this file comes from; `token-url`, a place of the page's own
 * server that answers a POST by `{"token": ...}`, a token of one session and a few minutes, asked for before each
 * connection; or `token`, one that is written into the page; `lang` of its words (en, zh), by default the page's;
 * `language` that is spoken, automatic without; `voice`; `prompt`, behind the operator's own; `hands-free`: listen
 * always. Events: "state", "message", "interruption" and "error", as those of VoiceAgent. It is styled by the custom
 * properties `--voxint-ink`, `-paper`, `-quiet` and `-accent`, and the parts `panel`, `state`, `messages`, `person`, `agent`,
 * `unheard`, `error`, `input` and `button`.
 */
export class VoxintAgentElement extends HTMLElement {
  static observedAttributes = ["src", "lang", "voice", "language", "prompt"];

  /** @type {VoiceAgent | null} the conversation, from the first click on; null before, and when the element is gone */
  agent = null;
  #root = this.attachShadow({ mode: "open" });
  /** @type {Map<string, HTMLElement>} */
  #bubbles = new Map();
  #talking = false;
  #state = make("p", "state", { role: "status" });
  #messages = make("div", "messages", { role: "log", "aria-live": "off", tabindex: "0" });
  #error = make("p", "error", { role: "alert" });
  #input = /** @type {HTMLInputElement} */ (make("input", "input", { maxlength: "2000", autocomplete: "off" }));
  #talk = make("button", "button", { type: "button" });
  #stop = make("button", "button", { type: "button" });
  #send = make("button", "button", { type: "submit" });

  constructor() {
    super();
    const style = new CSSStyleSheet(); // constructed, it needs no style-src of the page
    style.replaceSync(STYLE);
    this.#root.adoptedStyleSheets = [style];
    const form = make("form", "form");
    form.append(this.#input, this.#send);
    const row = make("div", "row");
    row.append(this.#talk, this.#stop);
    const panel = make("section", "panel");
    panel.append(this.#state, this.#messages, this.#error, row, form);
    this.#root.append(panel);
    this.#talk.addEventListener("click", () => void this.#toggle());
    this.#stop.addEventListener("click", () => void this.interrupt());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#input.value.trim();
      this.#input.value = "";
      if (text) void this.ask(text);
    });
    panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") void this.agent?.interrupt("key");
    });
  }

  connectedCallback() {
    this.#draw();
  }

  /** Devices and connection go with the element; one that is only moved keeps them. */
  disconnectedCallback() {
    queueMicrotask(() => this.isConnected || void this.close());
  }

  /** @param {string} name @param {string | null} _old @param {string | null} value */
  attributeChangedCallback(name, _old, value) {
    const { agent } = this;
    if (name === "src") void this.close();
    else if (name === "lang") this.#draw();
    else if (agent) {
      const set = { voice: agent.setVoice, language: agent.setLanguage, prompt: agent.setPrompt }[name];
      set?.call(agent, value ?? "").catch(told);
    }
  }

  /** @returns {import("../client/agent-state.js").AgentState} */
  get state() {
    return this.agent?.state ?? "off";
  }

  /** @returns {Message[]} */
  get messages() {
    return this.agent?.messages ?? [];
  }

  /** Connect, if that is not done, and open the loudspeaker: call it in a click. What fails is told by "error". */
  async start() {
    const agent = (this.agent ??= this.#newAgent());
    this.#error.textContent = "";
    const audio = agent.openAudio().catch(told); // before any wait, while this is a click; without sound there is text
    if (agent.state === "off" || agent.state === "failed") await agent.connect();
    await audio;
    return agent;
  }

  /** Ask by text.  @param {string} text */
  async ask(text) {
    await this.start().then((agent) => agent.ask(text), told);
  }

  /** Stop the answer. */
  async interrupt() {
    await this.agent?.interrupt("button");
  }

  /** End the conversation; the next click begins another. */
  async close() {
    const { agent } = this;
    this.agent = null;
    this.#talking = false;
    this.#bubbles.clear();
    this.#messages.replaceChildren();
    this.#draw();
    await agent?.close();
  }

  async #toggle() {
    this.#talking = !this.#talking;
    this.#draw();
    const handsFree = this.hasAttribute("hands-free");
    try {
      if (!this.#talking) return void (handsFree ? this.agent?.closeMicrophone() : this.agent?.endTalk());
      const agent = await this.start();
      if (this.#talking) await (handsFree ? agent.openMicrophone() : agent.beginTalk());
    } catch {
      this.#talking = false; // an "error" event has told it
      this.#draw();
    }
  }

  #newAgent() {
    const url = new URL("/ws/agent/stream", this.getAttribute("src") ?? import.meta.url);
    url.protocol = url.protocol.replace("http", "ws");
    const agent = new VoiceAgent({
      url,
      auth: () => this.#auth(),
      handsFree: this.hasAttribute("hands-free"),
      voice: this.getAttribute("voice") ?? "",
      language: this.getAttribute("language") ?? "",
      systemPrompt: this.getAttribute("prompt") ?? "",
    });
    for (const name of TOLD) {
      agent.on(name, (detail) => {
        if (agent === this.agent) this.dispatchEvent(new CustomEvent(name, { detail }));
      });
    }
    agent.on("state", () => this.#draw());
    agent.on("message", ({ message }) => agent === this.agent && this.#show(message));
    agent.on("error", ({ error }) => (this.#error.textContent = this.#words.errors(error.code)));
    return agent;
  }

  /** @returns {Promise<import("../client/types.js").Auth>} */
  async #auth() {
    const from = this.getAttribute("token-url");
    if (from === null) return { type: "API_KEY", api_key: this.getAttribute("token") ?? "" };
    const answer = await fetch(from, { method: "POST", credentials: "same-origin", signal: AbortSignal.timeout(TOKEN_MS) });
    const { token } = answer.ok ? await answer.json() : {};
    if (typeof token === "string") return { type: "API_KEY", api_key: token };
    throw new VoxintError("key_needed", `POST ${from} answered ${answer.status}: it has to give {"token": "..."}`);
  }

  get #words() {
    return wordsOf(this.getAttribute("lang") || document.documentElement.lang);
  }

  #draw() {
    const words = this.#words;
    const { state } = this;
    const handsFree = this.hasAttribute("hands-free");
    this.#state.textContent = words.states[state];
    this.#state.dataset.state = state;
    this.#talk.textContent = words.talk[handsFree ? "handsFree" : "once"][this.#talking ? 1 : 0];
    this.#talk.setAttribute("aria-pressed", String(this.#talking));
    this.#stop.textContent = words.stop;
    this.#stop.hidden = !["thinking", "speaking", "held"].includes(state);
    this.#send.textContent = words.send;
    this.#input.setAttribute("aria-label", words.type);
    this.#input.placeholder = words.type;
    this.#messages.setAttribute("aria-label", words.messages);
  }

  /** @param {Message} message */
  #show(message) {
    const { messageId, role, text, status, spokenChars } = message;
    let bubble = this.#bubbles.get(messageId);
    if (!bubble) {
      bubble = make("p", role);
      this.#bubbles.set(messageId, bubble);
      this.#messages.append(bubble);
      const [oldest] = this.#bubbles;
      if (this.#bubbles.size > MOST_SHOWN && oldest) {
        oldest[1].remove();
        this.#bubbles.delete(oldest[0]);
      }
    }
    const heard = role === "person" || status === "complete" ? text.length : spokenChars;
    const unheard = make("span", "unheard");
    unheard.textContent = text.slice(heard);
    bubble.dataset.status = status;
    bubble.replaceChildren(text.slice(0, heard), unheard);
    this.#messages.scrollTop = this.#messages.scrollHeight;
  }
}

/** An "error" event has told it. */
function told() {}

/**
 * @param {string} tag
 * @param {string} part its name for styles, inside and outside
 * @param {Record<string, string>} [attributes]
 * @returns {HTMLElement}
 */
function make(tag, part, attributes = {}) {
  const element = document.createElement(tag);
  element.setAttribute("part", part);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

if (!customElements.get("voxint-agent")) customElements.define("voxint-agent", VoxintAgentElement);
