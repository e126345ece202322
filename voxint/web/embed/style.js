/** How the element looks, by itself: light or dark as the page's color-scheme is, and over custom properties. */
export const STYLE = `
:host { display: block; color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif;
  --ink: var(--voxint-ink, light-dark(#1c1b1a, #eeece8)); --paper: var(--voxint-paper, light-dark(#fff, #1d1c1b));
  --quiet: var(--voxint-quiet, light-dark(#65615c, #a8a39c)); --accent: var(--voxint-accent, light-dark(#0b6157, #6fd0c2)); }
:host([hidden]), [hidden] { display: none !important; }
[part=panel] { display: grid; gap: .75rem; padding: 1rem; max-width: 28rem; box-sizing: border-box;
  color: var(--ink); background: var(--paper); border: 1px solid var(--quiet); border-radius: 1rem; }
p { margin: 0; overflow-wrap: anywhere; }
[part=state] { color: var(--quiet); }
[part=state]::before { content: ""; display: inline-block; width: .6em; height: .6em; margin-inline-end: .5em;
  border-radius: 50%; background: currentColor; }
[part=state]:is([data-state=listening], [data-state=hearing], [data-state=speaking])::before { background: var(--accent); }
[part=messages] { display: grid; gap: .5rem; max-height: 18rem; overflow-y: auto; }
[part=messages]:empty, [part=error]:empty { display: none; }
[part=person] { color: var(--quiet); justify-self: end; text-align: end; }
[part=unheard] { color: var(--quiet); }
[data-status=interrupted] > [part=unheard] { text-decoration: line-through; }
[data-status=held] { border-inline-start: 3px solid var(--accent); padding-inline-start: .5em; }
[part=row], [part=form] { display: flex; gap: .5rem; }
[part=input], [part=button] { font: inherit; color: inherit; min-height: 2.75rem; padding: 0 .9rem; border-radius: .75rem;
  border: 1px solid var(--quiet); background: transparent; }
[part=input] { flex: 1; min-width: 0; }
[part=button] { cursor: pointer; }
[part=row] > [part=button]:first-child { flex: 1; background: var(--accent); color: var(--paper); border-color: transparent; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
`;
