/** The page at /: joins the agent to what is seen of it. */

import { joinFrom } from "../client/join.js";
import { VoiceAgent } from "../client/voice-agent.js";
import { aboutServer } from "./about.js";
import { Announcer } from "./announcer.js";
import { remember, remembered } from "./choices.js";
import { ConversationView } from "./conversation-view.js";
import { Dock } from "./dock.js";
import { find } from "./dom.js";
import { InterruptionPanel } from "./interruption-panel.js";
import { KeyDialog } from "./key-dialog.js";
import { Notices } from "./notices.js";
import { offered, serverFacts, socketUrl, speaks } from "./server-facts.js";
import { SettingsDialog } from "./settings-dialog.js";
import { ShareDialog } from "./share-dialog.js";
import { chosen, duration, LANGUAGES, say, speak, spoken } from "./words.js";

/**
 * @import { VoxintError } from "../client/errors.js"
 * @import { Choices } from "./choices.js"
 * @import { Remedy } from "./error-words.js"
 * @import { ServerFacts } from "./server-facts.js"
 * @import { Word } from "./words.js"
 */

const DEFAULT_PATH = "/ws/agent/stream";

/** Ours: more wishes before there is a connection are a person who presses everything. */
const MOST_WAITING = 8;

/** What is over as soon as there is a connection. */
const OF_CONNECTION = /** @type {const} */ ([
  "unreachable", "lost", "closed", "key_needed", "key_refused", "busy", "draining", "session_gone", "no_such_path",
]);
const OF_MICROPHONE = /** @type {const} */ ([
  "microphone_denied", "microphone_missing", "microphone_busy", "insecure_origin",
]);
const OF_REQUEST = /** @type {const} */ (["upstream", "timeout", "too_large", "internal"]);

/**
 * Wait for what may fail: the agent tells each failure as an "error" event, too, and that is where it is shown.
 *
 * @param {Promise<unknown>} work
 */
async function shown(work) {
  try {
    await work;
    return true;
  } catch {
    return false;
  }
}

/** @param {readonly string[]} codes @param {string} code */
const isOneOf = (codes, code) => codes.includes(code);

class Page {
  #choices = remembered();
  /** @type {ServerFacts | null} */
  #facts = null;
  /** @type {VoiceAgent | null} */
  #agent = null;
  #join = joinFrom(location.hash);
  /** What is to be done as soon as there is a connection. @type {(() => unknown)[]} */
  #waiting = [];
  /** Whether the loudspeaker is open, or has failed. @type {Promise<unknown>} */
  #sound = Promise.resolve();
  /** @type {number | null} */
  #againMs = null;
  #conversation = new ConversationView(find("log", HTMLElement));
  #panel = new InterruptionPanel(find("panel", HTMLElement), find("strip", HTMLButtonElement));
  #notices = new Notices(find("notices", HTMLElement), (remedy) => this.#act(remedy));
  #announcer = new Announcer(find("told", HTMLElement));
  #settings = new SettingsDialog((changed) => this.#change(changed));
  #share = new ShareDialog();
  #key = new KeyDialog(() => this.#begin());
  #dock = new Dock({
    toggleMicrophone: () => this.#toggleMicrophone(),
    beginTalk: () => this.#begin(() => this.#beginTalk()),
    endTalk: () => void this.#agent?.endTalk(),
    stop: () => this.#stop("button"),
    send: (text) => this.#begin(() => this.#agent?.ask(text)),
    setMode: (mode) => this.#setMode(mode),
  }, this.#choices.mode);

  async start() {
    this.#speak(this.#choices.page || chosen(navigator.languages));
    if (this.#join) history.replaceState(null, "", location.pathname + location.search); // it is good once
    this.#listen();
    await this.#learn();
  }

  /** Ask the server what it is. */
  async #learn() {
    try {
      this.#facts = await serverFacts();
      const { state } = this.#facts;
      if (state === "draining" || state === "busy") this.#notices.add({ code: state, stage: null });
    } catch (error) {
      this.#notices.add(/** @type {VoxintError} */ (error));
    }
    this.#show();
  }

  #listen() {
    find("start", HTMLButtonElement).addEventListener("click", () => this.#begin(() => this.#openMicrophone()));
    find("language", HTMLButtonElement).addEventListener("click", () => {
      this.#change({ page: spoken() === "zh" ? "en" : "zh" });
      this.#speak(this.#choices.page);
    });
    const help = find("help", HTMLDialogElement);
    find("open-settings", HTMLButtonElement)
      .addEventListener("click", () => this.#settings.open(this.#choices, this.#facts));
    find("open-help", HTMLButtonElement).addEventListener("click", () => help.showModal());
    find("open-share", HTMLButtonElement).addEventListener("click", () => this.#begin(() =>
      this.#share.open(async () => (await this.#agent?.joinLink(location.href)) ?? "")));
    for (const chip of document.querySelectorAll(".chip")) {
      chip.addEventListener("click", () => this.#begin(() => this.#agent?.ask(chip.textContent ?? "")));
    }
    document.addEventListener("keydown", (event) => this.#press(event));
    // A link to join by, put into the address of a page that is open already.
    window.addEventListener("hashchange", () => joinFrom(location.hash) && location.reload());
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && !this.#panel.shut()) this.#stop("key");
    if (event.key === "?" && !(event.target instanceof HTMLTextAreaElement)) {
      event.preventDefault();
      find("help", HTMLDialogElement).showModal();
    }
  }

  /**
   * Do something that needs a connection, in a click or a key: only then may a page make a sound.
   *
   * @param {() => unknown} [next]
   */
  #begin(next) {
    const asks = this.#facts?.asks ?? "nothing";
    this.#waiting = [...this.#waiting, ...(next ? [next] : [])].slice(-MOST_WAITING);
    if (asks !== "nothing" && this.#key.auth === null) return this.#askKey(false);
    document.documentElement.dataset.stage = "talk";
    this.#notices.clear(...OF_REQUEST);
    const agent = (this.#agent ??= this.#make());
    this.#sound = shown(agent.openAudio());
    if (!document.activeElement?.closest("textarea,header")) this.#dock.focus(); // what was pressed may be gone
    if (agent.state === "off" || agent.state === "failed") void shown(agent.connect()); // "session" goes on
    else if (agent.state !== "connecting") this.#goOn();
    this.#show();
  }

  #goOn() {
    void this.#sound.then(() => this.#waiting.splice(0).forEach((next) => next()));
  }

  #beginTalk() {
    if (this.#agent && this.#dock.talking) void shown(this.#agent.beginTalk()); // it may have been let go meanwhile
  }

  /** @param {boolean} refused */
  #askKey(refused) {
    this.#key.open({ accounts: this.#facts?.asks === "key_or_account", refused });
  }

  #make() {
    const { prompt, keep } = this.#choices;
    const { voice, language } = offered(this.#choices, this.#facts);
    const agent = new VoiceAgent({
      url: this.#socket(), voice, language, systemPrompt: prompt, onDisconnect: keep ? "keep" : "interrupt",
      requireTts: this.#facts?.speaks ?? true,
      auth: () => this.#key.auth ?? { type: "API_KEY", api_key: "none" }, // a server that asks for nothing takes any
      ...(this.#join ? { join: this.#join } : {}),
    });
    agent.on("state", ({ state, inMs }) => {
      this.#againMs = inMs ?? null;
      this.#announcer.state(state);
      this.#show();
    });
    agent.on("microphone", ({ microphone }) => {
      if (microphone === "on") this.#notices.clear(...OF_MICROPHONE);
      this.#show();
    });
    agent.on("message", ({ message }) => {
      this.#conversation.show(message);
      this.#announcer.message(message);
    });
    agent.on("level", ({ rms }) => this.#dock.level(rms));
    agent.on("session", ({ resumed, fresh }) => {
      this.#notices.clear(...OF_CONNECTION);
      if (fresh) this.#conversation.divide("back_fresh"); // it remembers nothing of what stands above
      this.#goOn();
      if (resumed || fresh) this.#announcer.word(fresh ? "back_fresh" : "back");
    });
    agent.on("error", ({ error }) => this.#problem(error));
    for (const name of /** @type {const} */ (["interruption", "counts"])) agent.on(name, () => this.#showPanel());
    agent.on("latency", () => this.#showLink());
    return agent;
  }

  /** @param {VoxintError} error */
  #problem(error) {
    if (isOneOf(OF_CONNECTION, error.code)) this.#notices.clear(...OF_CONNECTION); // one cause at a time
    if (error.code !== "lost") this.#notices.add(error); // the state says it, and when it is tried again
    if (error.code === "key_needed" || error.code === "key_refused") {
      this.#askKey(error.code === "key_refused");
    }
  }

  /** @param {Remedy} remedy */
  #act(remedy) {
    const agent = this.#agent;
    if (remedy === "reload") location.reload();
    else if (remedy === "microphone") void this.#openMicrophone();
    else if (remedy === "sound") void shown(agent?.openAudio() ?? Promise.resolve());
    else if (remedy === "key") this.#askKey(false);
    else if (remedy === "retry" && agent) void shown(agent.connect());
    else if (remedy === "retry") void this.#learn();
  }

  async #openMicrophone() {
    if (!this.#agent || this.#facts?.hears === false || this.#dock.mode === "hold") return;
    await shown(this.#agent.openMicrophone());
  }

  #toggleMicrophone() {
    if (this.#agent?.microphone === "on") this.#agent.closeMicrophone();
    else this.#begin(() => this.#openMicrophone());
  }

  /** @param {"free" | "hold"} mode */
  #setMode(mode) {
    this.#change({ mode });
    if (mode === "hold") this.#agent?.closeMicrophone();
    else this.#begin(() => this.#openMicrophone());
    this.#show();
  }

  /** @param {"button" | "key"} by */
  #stop(by) {
    if (this.#agent) void shown(this.#agent.interrupt(by));
  }

  /** @param {Partial<Choices>} changed */
  #change(changed) {
    Object.assign(this.#choices, changed);
    remember(this.#choices);
    const agent = this.#agent;
    if (!agent) return;
    const { voice, language, prompt, keep } = changed;
    if (voice !== undefined) void shown(agent.setVoice(voice));
    if (language !== undefined) void shown(agent.setLanguage(language));
    if (prompt !== undefined) void shown(agent.setPrompt(prompt));
    if (keep !== undefined) agent.setKeep(keep);
  }

  #socket() {
    return socketUrl(this.#facts?.ws_path ?? DEFAULT_PATH, document.baseURI);
  }

  /** @param {string} language */
  #speak(language) {
    speak(language);
    this.#conversation.translate();
    this.#notices.show();
    this.#key.show();
    this.#show();
  }

  #show() {
    const agent = this.#agent;
    const examples = LANGUAGES[speaks(spoken(), this.#facts) ? spoken() : "en"] ?? LANGUAGES.en;
    for (const chip of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".chip"))) {
      chip.textContent = examples?.[/** @type {Word} */ (chip.dataset.word)] ?? "";
    }
    const hears = this.#facts?.hears ?? true;
    this.#dock.show({
      state: agent?.state ?? "off", microphone: agent?.microphone ?? "off", hears, againMs: this.#againMs,
    });
    find("lead", HTMLElement).textContent = say(this.#join ? "join_lead" : !hears ? "no_ears" : "lead");
    find("start-words", HTMLElement).textContent = say(this.#join ? "join" : "start");
    for (const id of ["start", "or"]) find(id, HTMLElement).hidden = !hears && !this.#join;
    for (const id of ["about", "help-about"]) {
      find(id, HTMLElement).replaceChildren(aboutServer(this.#facts, this.#socket()));
    }
    this.#showPanel();
    this.#showLink();
  }

  #showPanel() {
    const none = { interruptions: [], medianStopMs: null, counts: { dropped: 0, stale: 0, interruptions: 0 } };
    this.#panel.show(this.#agent ?? none);
  }

  #showLink() {
    const state = this.#agent?.state ?? "off";
    const { rttMs = null, answerMs = null } = this.#agent?.latency ?? {};
    const open = !["off", "connecting", "reconnecting", "failed"].includes(state);
    const link = find("link", HTMLElement);
    link.dataset.state = open ? "open" : state;
    find("link-words", HTMLElement).textContent = say(open ? "connected" : `state_${state}`);
    find("link-time", HTMLElement).textContent = open && rttMs !== null ? duration(rttMs) : "";
    find("link-answer", HTMLElement).textContent =
      open && answerMs !== null ? `· ${say("answered", { time: duration(answerMs) })}` : "";
  }
}

void new Page().start();
