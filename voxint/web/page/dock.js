/** Where one talks, types and stops: the round button, the state in words, the line to type in. */

import { find } from "./dom.js";
import { LevelMeter } from "./level-meter.js";
import { duration, say } from "./words.js";

/**
 * @import { AgentState } from "../client/agent-state.js"
 * @import { MicrophoneState } from "../client/voice-agent.js"
 *
 * @typedef {"free" | "hold"} Mode
 *
 * @typedef {object} Wishes what the person does here
 * @property {() => void} toggleMicrophone
 * @property {() => void} beginTalk
 * @property {() => void} endTalk
 * @property {() => void} stop
 * @property {(text: string) => void} send
 * @property {(mode: Mode) => void} setMode
 *
 * @typedef {object} Shown
 * @property {AgentState} state
 * @property {MicrophoneState} microphone
 * @property {boolean} hears whether the server does
 * @property {number | null} againMs until the next try to connect, where it is known
 */

/** States in which there is something to stop. */
const STOPPABLE = new Set(["thinking", "speaking", "held"]);

/** The dock at the page's lower end. */
export class Dock {
  #wishes;
  #orb = find("orb", HTMLButtonElement);
  #orbIcon = find("orb-icon", SVGUseElement);
  #stop = find("stop", HTMLButtonElement);
  #words = find("words", HTMLTextAreaElement);
  #send = find("send", HTMLButtonElement);
  #mode = find("mode", HTMLElement);
  #meter = new LevelMeter(find("ring", SVGElement));
  #talking = false;
  /** @type {Mode} */
  mode;

  /** @param {Wishes} wishes @param {Mode} mode */
  constructor(wishes, mode) {
    this.#wishes = wishes;
    this.mode = mode;
    this.#stop.addEventListener("click", () => {
      wishes.stop();
      this.#orb.focus(); // the button is about to go
    });
    this.#listenToOrb();
    this.#listenToComposer();
    for (const radio of this.#mode.querySelectorAll("input")) {
      radio.checked = radio.value === mode;
      radio.addEventListener("change", () => {
        this.mode = radio.value === "hold" ? "hold" : "free";
        wishes.setMode(this.mode);
      });
    }
  }

  #listenToOrb() {
    const orb = this.#orb;
    orb.addEventListener("click", () => this.mode === "free" && this.#wishes.toggleMicrophone());
    orb.addEventListener("pointerdown", (event) => {
      if (this.mode !== "hold" || event.button !== 0) return;
      orb.setPointerCapture(event.pointerId);
      this.#hold(true);
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) {
      orb.addEventListener(name, () => this.#hold(false));
    }
    orb.addEventListener("contextmenu", (event) => this.mode === "hold" && event.preventDefault());
    orb.addEventListener("keydown", (event) => {
      if (this.mode !== "hold" || (event.key !== " " && event.key !== "Enter")) return;
      event.preventDefault();
      if (!event.repeat) this.#hold(true);
    });
    orb.addEventListener("keyup", (event) => {
      if (event.key === " " || event.key === "Enter") this.#hold(false);
    });
  }

  /** @param {boolean} talking */
  #hold(talking) {
    if (talking === this.#talking) return;
    this.#talking = talking;
    this.#orb.dataset.pressed = String(talking);
    if (talking) this.#wishes.beginTalk();
    else this.#wishes.endTalk();
  }

  #listenToComposer() {
    const form = find("composer", HTMLFormElement);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#words.value.trim();
      if (text === "") return this.#words.focus();
      this.#words.value = "";
      this.#fit();
      this.#wishes.send(text);
    });
    this.#words.addEventListener("input", () => this.#fit());
    this.#words.addEventListener("keydown", (event) => {
      // Enter that ends the choice of a Chinese character sends nothing.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    this.#fit();
  }

  #fit() {
    this.#send.classList.toggle("ready", this.#words.value.trim() !== "");
    this.#words.style.setProperty("height", "auto");
    this.#words.style.setProperty("height", `${Math.min(this.#words.scrollHeight, 160)}px`);
  }

  /** Whether the button is held. */
  get talking() {
    return this.#talking;
  }

  focus() {
    this.#orb.focus({ preventScroll: true });
  }

  /** @param {number} rms */
  level(rms) {
    this.#meter.hear(rms);
  }

  /** @param {Shown} shown */
  show(shown) {
    const { state, microphone, hears } = shown;
    const hold = this.mode === "hold";
    const on = microphone === "on" && !hold;
    const dock = this.#orb.closest("section");
    if (dock) dock.dataset.state = state;
    this.#orb.disabled = !hears;
    this.#orb.dataset.on = String(on);
    this.#mode.hidden = !hears;
    this.#words.placeholder = say(hears ? "type_hint" : "type_here");
    this.#orbIcon.setAttribute("href", on || hold ? "#mic" : "#mic-off");
    const label = say(hold ? "mic_hold" : on ? "mic_on" : "mic_off");
    this.#orb.setAttribute("aria-label", label);
    this.#orb.title = label;
    if (!STOPPABLE.has(state) && document.activeElement === this.#stop) this.#orb.focus();
    this.#stop.hidden = !STOPPABLE.has(state);
    this.#meter.breathe(state === "speaking" ? 0.35 : 0);
    find("state", HTMLElement).textContent = say(`state_${state}`);
    find("hint", HTMLElement).textContent = this.#hint(shown);
  }

  /** @param {Shown} shown */
  #hint({ state, microphone, hears, againMs }) {
    const hold = this.mode === "hold";
    if (microphone === "asking") return say("hint_asking");
    if (state === "ready" && !hears) return say("no_ears");
    if (state === "ready" && hold) return say("hint_ready_hold");
    if (state === "hearing" && hold) return say("hint_hearing_hold");
    if (state === "speaking" && (hold || microphone !== "on")) return say("hint_speaking_typed");
    if (state === "reconnecting" && againMs !== null && againMs >= 1000) {
      return say("hint_reconnecting_in", { time: duration(againMs) });
    }
    return say(`hint_${state}`);
  }
}
