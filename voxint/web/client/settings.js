/** @import { Settings } from "./types.js" */

/** Return settings as they are on the wire; what is not given is left out. @param {Settings} settings */
export function onWire({ requireTts, enableSrs, systemPrompt, sceneContext, voice, language, functions, functionsOp }) {
  const fields = {
    require_tts: requireTts,
    enable_srs: enableSrs,
    system_prompt: systemPrompt,
    scene_context: sceneContext,
    voice,
    language,
    function_calling: functions,
    function_calling_op: functions && functionsOp,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/**
 * Return what a new session is to have, after a change of the old one. Functions that were added, changed or taken out
 * one by one stay with the old session: only the server knows all of them.
 *
 * @param {Settings} settings
 * @param {Settings} change
 * @returns {Settings}
 */
export function changed(settings, { functions, functionsOp = "REPLACE", ...rest }) {
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const replaced = functions !== undefined && functionsOp === "REPLACE" ? { functions } : {};
  return { ...settings, ...given, ...replaced };
}
