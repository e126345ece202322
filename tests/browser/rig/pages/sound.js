/** What the tests of sound do in the bare page: a player with the sweep in it, a recorder beside it. */

/** @param {number} rate @param {number} seconds @returns {Int16Array} the sweep, as `tests/browser/rig/stages.py` makes it */
function sweep(rate, seconds) {
  const [low, high, rise, top] = [300, 3000, 2, 8000];
  const period = rise * rate;
  return Int16Array.from({ length: seconds * rate }, (_, at) => {
    const t = (at % period) / rate;
    return Math.round(top * Math.sin(2 * Math.PI * (low * t + (((high - low) / rise) * t * t) / 2)));
  });
}

Object.assign(window, {
  /** Open a context and a player, noted as "player". */
  async openPlayer() {
    const context = new AudioContext();
    await context.resume();
    const player = note("player", await client.Player.open(context), [
      "played", "drained", "silent", "ducked", "unducked", "error",
    ]);
    await new Promise((tapped) => {
      const look = () => (tap.frames.length ? tapped(null) : setTimeout(look, 5));
      look();
    });
    tap.keep = true;
    tap.clear();
    Object.assign(window, { context, player });
  },

  /** Open a recorder that tells the player of onsets, noted as "recorder". */
  async openRecorder() {
    const constraints = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const options = { constraints, hintPort: player.hintPort };
    const recorder = note("recorder", await client.Recorder.open(context, options), ["onset", "ended", "error"]);
    Object.assign(window, { recorder });
  },

  /** @param {string} id @param {number} seconds of the sweep that the player is given at once, as that answer */
  play(id, seconds) {
    player.begin(id);
    const sound = sweep(24000, seconds);
    for (let at = 0; at < sound.length; at += 960) player.put(id, sound.slice(at, at + 960));
    player.end(id);
  },
});
