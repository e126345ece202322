/** The ring round the microphone's button: it is calm while nobody speaks, and moves with the voice. */

/** Ours: quieter than the one is a quiet room, louder than the other is somebody close. In dB of full scale. */
const FLOOR = -55;
const CEILING = -12;

const POINTS = 40;
const RADIUS = 40;

/** @param {number} rms in dB of full scale @returns {number} 0 to 1 */
export function loudness(rms) {
  return Math.min(1, Math.max(0, (rms - FLOOR) / (CEILING - FLOOR)));
}

/**
 * Draw the ring: a circle, on which slow waves run that are as high as the voice is loud. Pure.
 *
 * @param {number} level 0 to 1
 * @param {number} phase in radians
 * @returns {string} the data of a closed path round (0, 0)
 */
export function ringPath(level, phase) {
  const points = Array.from({ length: POINTS }, (_, index) => {
    const angle = (2 * Math.PI * index) / POINTS;
    const wave =
      Math.sin(3 * angle + phase) + 0.6 * Math.sin(5 * angle - 1.7 * phase) + 0.4 * Math.sin(2 * angle + 0.6 * phase);
    const radius = RADIUS + level * (7 + 3.5 * wave);
    return [radius * Math.cos(angle), radius * Math.sin(angle)].map((value) => value.toFixed(1)).join(" ");
  });
  return `M${points.join("L")}Z`;
}

/** Moves the ring while there is something to show. */
export class LevelMeter {
  #path;
  #level = 0;
  #aim = 0;
  #idle = 0;
  #frame = 0;
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {SVGElement} ring */
  constructor(ring) {
    this.#path = ring.querySelector("path");
    this.#draw(0);
  }

  /** @param {number} rms of the microphone, in dB of full scale */
  hear(rms) {
    this.#aim = loudness(rms);
    this.#wake();
  }

  /** @param {number} level how much the ring breathes by itself, while the agent speaks: 0 to 1 */
  breathe(level) {
    this.#idle = level;
    this.#aim = 0;
    this.#wake();
  }

  #wake() {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((now) => this.#step(now));
  }

  /** @param {number} now */
  #step(now) {
    this.#frame = 0;
    const aim = Math.max(this.#aim, this.#idle * (0.6 + 0.4 * Math.sin(now / 700)));
    this.#level += (aim - this.#level) * (aim > this.#level ? 0.35 : 0.08); // up at once, down softly
    this.#aim *= 0.97; // a microphone that says nothing any more is no loud one
    this.#draw(this.#still.matches ? 0 : now / 450);
    if (this.#level > 0.004 || this.#idle > 0) this.#wake();
  }

  /** @param {number} phase */
  #draw(phase) {
    this.#path?.setAttribute("d", ringPath(this.#still.matches ? Math.round(this.#level * 4) / 4 : this.#level, phase));
  }
}
