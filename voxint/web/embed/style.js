export const STYLE = `
:host { display: block; color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif;
  --paper: var(--voxint-paper, light-dark(#fff, #1d1c1b));
  --quiet: var(--voxint-quiet, light-dark(#65615c, #a8a39c));
  --accent: var(--voxint-accent, light-dark(#0b6157, #6fd0c2)); }
:host([hidden]), [hidden] { display: none !important; }
[part=panel] { display: grid; gap: .75rem; padding: 1rem; max-width: 28rem;
  color: var(--voxint-ink, light-dark(#1c1b1a, #eeece8)); background: var(--paper);
  border: 1px solid var(--quiet); border-radius: 1rem; }
p { margin: 0; overflow-wrap: anywhere; }
[part=state], [part=person], [part=unheard] { color: var(--quiet); }
[part=state]::before { content: "● "; }
[data-state$=ing]:not([data-state*=connecting])::before { color: var(--accent); }
[part=messages] { display: grid; gap: .5rem; max-height: 18rem; overflow-y: auto; }
[part=messages]:empty, [part=error]:empty { display: none; }
[part=person] { justify-self: end; }
[data-status=interrupted] > [part=unheard] { text-decoration: line-through; }
[data-status=held] { border-inline-start: 3px solid var(--accent); padding-inline-start: .5em; }
[part=row], [part=form] { display: flex; gap: .5rem; }
[part=input], [part=button] { font: inherit; color: inherit; min-height: 2.75rem; padding: 0 .9rem;
  border-radius: .75rem; border: 1px solid var(--quiet); background: none; }
[part=input], [part=row] > :first-child { flex: 1; min-width: 0; }
[part=row] > :first-child { background: var(--accent); color: var(--paper); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
`;
