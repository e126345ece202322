/**
 * Where a recorder's worklet finds the player's: both live on the audio thread of one context, so an onset reaches the
 * loudspeaker within the quantum in which it is suspected, with neither the page nor a message between.
 *
 * @typedef {{duck: () => void, outputDb: number}} Line `outputDb` is how loud the player was lately, against full scale
 */

/** @type {Map<number, Line>} the players of this context by their number */
export const lines = new Map();
