/** @import { Auth, Message } from "../client/types.js" */

import { VoiceAgent, VoxintError } from "../client/index.js";
import { STYLE } from "./style.js";
import { wordsOf } from "./words.js";

const MOST_SHOWN = 30; // ours: bubbles
const TOKEN_MS = 10_000; // ours: how long the site's own server may take
const TOLD = /** @type {const} */ (["state", "message", "interruption", "error"]);

/**
 * A voice agent on anybody's page: `<voxint-agent src="https://voice.example" token-url="/token"></voxint-agent>`.
 *
 * Attributes: `src`, by default where this file is from; `token-url`, where the page's own server answers a POST by
 * `{"token": "..."}`, asked before each connection; or `token`; `lang` of its words (en, zh); `language` that is
 * spoken; `voice`; `prompt`; `hands-free`, to listen always. Its events are VoiceAgent's "state", "message",
 * "interruption", "error". Styles: `--voxint-ink`, `-paper`, `-quiet`, `-accent`, and a part for each thing.
 */
export class VoxintAgentElement extends HTMLElement {
  static observedAttributes = ["src", "lang", "hands-free"];

  /** @type {VoiceAgent | null} from the first click on */
  agent = null;
  #end = new AbortController();
  #talking = false;
  #state = make("p", "state", { role: "status" });
  #messages = make("div", "messages", { role: "log", "aria-live": "off", tabindex: "0" });
  #error = make("p", "error", { role: "alert" });
  #input = /** @type {HTMLInputElement} */ (make("input", "input", { maxlength: "2000" }));
  #talk = make("button", "button");
  #stop = make("button", "button");
  #send = make("button", "button");

  constructor() {
    super();
    const style = new CSSStyleSheet(); // constructed, it needs no style-src of the page
    style.replaceSync(STYLE);
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    const form = make("form", "form", {}, this.#input, this.#send);
    const row = make("div", "row", {}, this.#talk, this.#stop);
    const panel = make("section", "panel", {}, this.#state, this.#messages, this.#error, row, form);
    root.append(panel);
    this.#talk.onclick = () => void this.#toggle();
    this.#stop.onclick = () => void this.agent?.interrupt("button");
    form.onsubmit = (event) => {
      event.preventDefault();
      const text = this.#input.value.trim();
      this.#input.value = "";
      if (text) void this.ask(text);
    };
    panel.onkeydown = ({ key }) => void (key === "Escape" && this.agent?.interrupt("key"));
  }

  connectedCallback() {
    this.#draw();
  }

  /** Devices and connection go with the element; one that is only moved keeps them. */
  disconnectedCallback() {
    queueMicrotask(() => this.isConnected || void this.close());
  }

  /** @param {string} name @param {string | null} old @param {string | null} value */
  attributeChangedCallback(name, old, value) {
    if (name === "src" && old !== value) void this.close();
    if (name === "hands-free" && (old === null) !== (value === null)) this.#hush();
    this.#draw();
  }

  get state() {
    return this.agent?.state ?? "off";
  }

  /** Connect, and open the loudspeaker: call it in a click. Rejects as VoiceAgent.connect. */
  async start() {
    const agent = (this.agent ??= this.#newAgent());
    this.#error.textContent = "";
    const audio = agent.openAudio().catch(told); // before any wait: this is a click
    if (agent.state === "off" || agent.state === "failed") await agent.connect();
    await audio;
    return agent;
  }

  /** @param {string} text */
  async ask(text) {
    await this.start().then((agent) => agent.ask(text), told);
  }

  /** End the conversation; the next click begins another. */
  async close() {
    const { agent } = this;
    this.#end.abort();
    this.agent = null;
    this.#talking = false;
    this.#messages.replaceChildren();
    this.#draw();
    await agent?.close();
  }

  get #always() {
    return this.hasAttribute("hands-free");
  }

  /** What the button does is another thing now: a microphone that it has opened must not stay open behind it. */
  #hush() {
    this.#talking = false;
    this.agent?.closeMicrophone();
  }

  async #toggle() {
    this.#talking = !this.#talking;
    this.#draw();
    try {
      if (!this.#talking) return void (this.#always ? this.agent?.closeMicrophone() : this.agent?.endTalk());
      const agent = await this.start();
      if (this.#talking) await (this.#always ? agent.openMicrophone() : agent.beginTalk());
    } catch {
      this.#talking = false; // an "error" event has told it
      this.#draw();
    }
  }

  #newAgent() {
    const url = socketOf(this.getAttribute("src") ?? import.meta.url);
    const said = (/** @type {string} */ name) => this.getAttribute(name) ?? "";
    const agent = new VoiceAgent({
      url, auth: () => this.#auth(), handsFree: this.#always,
      voice: said("voice"), language: said("language"), systemPrompt: said("prompt"),
    });
    const { signal } = (this.#end = new AbortController());
    agent.on("state", () => this.#draw(), { signal });
    agent.on("message", ({ message }) => this.#show(message), { signal });
    agent.on("error", ({ error }) => (this.#error.textContent = this.#words.error(error.code)), { signal });
    for (const name of TOLD)
      agent.on(name, (detail) => this.dispatchEvent(new CustomEvent(name, { detail })), { signal });
    return agent;
  }

  /** @returns {Promise<Auth>} */
  async #auth() {
    const place = this.getAttribute("token-url");
    if (place === null) return { type: "API_KEY", api_key: this.getAttribute("token") ?? "none" };
    const signal = AbortSignal.timeout(TOKEN_MS);
    const reply = await fetch(place, { method: "POST", credentials: "same-origin", signal });
    const { token } = reply.ok ? await reply.json() : {};
    if (typeof token === "string") return { type: "API_KEY", api_key: token };
    throw new VoxintError("key_needed", `POST ${place} gave no token: ${reply.status}`);
  }

  get #words() {
    return wordsOf(this.getAttribute("lang") || document.documentElement.lang);
  }

  #draw() {
    const words = this.#words;
    const { state } = this;
    this.#state.textContent = words.states[state === "failed" ? "off" : state];
    this.#state.dataset.state = state;
    this.#talk.textContent = words.talk[this.#always ? "always" : "once"][this.#talking ? 1 : 0] ?? "";
    this.#stop.textContent = words.stop;
    this.#stop.hidden = !["thinking", "speaking", "held"].includes(state);
    this.#send.textContent = words.send;
    this.#input.ariaLabel = this.#input.placeholder = words.type;
    this.#messages.ariaLabel = words.messages;
  }

  /** @param {Message} message */
  #show({ messageId, role, text, status, spokenChars }) {
    const shown = /** @type {Iterable<HTMLElement>} */ (this.#messages.children);
    let bubble = [...shown].find(({ dataset }) => dataset.id === messageId);
    if (!bubble) {
      if (text === "") return; // nothing was understood, or nothing has come
      bubble = make("p", role, { "data-id": messageId });
      this.#messages.append(bubble);
    }
    if (this.#messages.childElementCount > MOST_SHOWN) this.#messages.firstElementChild?.remove();
    const heard = role === "person" || status === "complete" ? text.length : spokenChars;
    bubble.dataset.status = status;
    bubble.replaceChildren(text.slice(0, heard), make("span", "unheard", {}, text.slice(heard)));
    this.#messages.scrollTop = this.#messages.scrollHeight;
  }
}

function told() {} // by an "error" event

/** @param {string} src as an element's: it may be relative */
function socketOf(src) {
  try {
    const url = new URL("/ws/agent/stream", new URL(src, document.baseURI));
    url.protocol = url.protocol.replace("http", "ws");
    return url;
  } catch {
    return src; // no address: the client says so, as it says all else
  }
}

/**
 * @param {string} tag
 * @param {string} part its name for styles
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 */
function make(tag, part, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries({ part, ...attributes })) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

if (!customElements.get("voxint-agent")) customElements.define("voxint-agent", VoxintAgentElement);
