/** Notes about what went wrong, each with what to do, above the place where one talks. */

import { errorWords } from "./error-words.js";
import { icon, make } from "./dom.js";
import { say } from "./words.js";

/**
 * @import { VoxintError, ErrorCode } from "../client/errors.js"
 * @import { Remedy } from "./error-words.js"
 * @typedef {Pick<VoxintError, "code" | "stage"> & {errorId?: string | null}} Problem
 */

/** Ours: more would push the conversation away. */
const MOST = 2;

/** @type {Record<Exclude<Remedy, null>, import("./words.js").Word>} */
const ACTIONS = { retry: "retry", microphone: "retry", key: "enter_key", sound: "allow_sound", reload: "reload" };

/** Shows the latest problems, one note for each code. */
export class Notices {
  #place;
  #act;
  /** @type {Map<ErrorCode, Problem>} */
  #problems = new Map();

  /** @param {HTMLElement} place @param {(remedy: Remedy) => void} act */
  constructor(place, act) {
    this.#place = place;
    this.#act = act;
  }

  /** @param {Problem} problem */
  add(problem) {
    this.#problems.delete(problem.code);
    this.#problems.set(problem.code, problem);
    const [oldest] = this.#problems.keys();
    if (this.#problems.size > MOST && oldest) this.#problems.delete(oldest);
    this.show();
  }

  /** Take away what is over. @param {...ErrorCode} codes */
  clear(...codes) {
    const gone = codes.filter((code) => this.#problems.delete(code));
    if (gone.length > 0) this.show();
  }

  /** Say everything, in the language of now. */
  show() {
    this.#place.replaceChildren(...[...this.#problems.values()].map((problem) => this.#note(problem)));
  }

  /** @param {Problem} problem */
  #note(problem) {
    const { title, todo, remedy } = errorWords(problem);
    const note = make("div", { class: "notice", role: "alert" }, make("p", {}, make("strong", {}, title), " ", todo));
    if (remedy !== null) {
      const act = make("button", { type: "button", class: "side" }, say(ACTIONS[remedy]));
      act.addEventListener("click", () => {
        this.clear(problem.code);
        this.#act(remedy);
      });
      note.append(act);
    }
    const label = say("dismiss");
    const named = { "aria-label": label, title: label };
    const dismiss = make("button", { type: "button", class: "quiet", ...named }, icon("cross"));
    dismiss.addEventListener("click", () => this.clear(problem.code));
    note.append(dismiss);
    return note;
  }
}
