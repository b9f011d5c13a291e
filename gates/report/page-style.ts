/** The page's own styles: no font, image or script from anywhere else. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfbf9; --card: #ffffff; --ink: #1c1d1f; --muted: #63666b; --rule: #e2e2de;
  --pass: #1a7a46; --pass-soft: #e3f3e9; --fail: #b3261e; --fail-soft: #fbe6e4;
  --open: #8a5a00; --open-soft: #fbf0d9; --idle: #63666b; --idle-soft: #eeeeea;
  --value: #3b6ea8; --bound: #1c1d1f; --limit: #b3261e; --link: #1f5fa8;
  --c1: #3b6ea8; --c2: #c0682a; --c3: #3d8a5f; --c4: #8a5ba6; --c5: #b0455f; --c6: #7a7430;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171a; --card: #1d2024; --ink: #e8e8e4; --muted: #a0a4aa; --rule: #33373d;
    --pass: #6fce98; --pass-soft: #173425; --fail: #ff8f85; --fail-soft: #421d1b;
    --open: #f0c060; --open-soft: #3a2d12; --idle: #a0a4aa; --idle-soft: #2a2e33;
    --value: #6fa3dc; --bound: #e8e8e4; --limit: #ff8f85; --link: #8fbdf0;
    --c1: #6fa3dc; --c2: #e3965d; --c3: #74c497; --c4: #bd94d6; --c5: #e5839a; --c6: #c0b866;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif }
main { max-width: 1080px; margin: 0 auto; padding: 32px 24px 80px }
h1 { font-size: 15px; font-weight: 600; color: var(--muted); margin: 0 0 18px }
h2 { font-size: 21px; margin: 48px 0 12px; letter-spacing: -.01em }
h3 { font-size: 15px; margin: 0 }
p { margin: 0 0 10px; max-width: 76ch }
a { color: var(--link) }
code, pre, .mono { font: 12.5px/1.55 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace }
.quiet { color: var(--muted) }
.banner { border-left: 3px solid var(--open); padding: 2px 12px; margin: 12px 0 0; max-width: none; color: var(--muted) }
.hero { display: grid; grid-template-columns: auto 1fr; gap: 24px; align-items: center; padding: 24px 28px;
  border-radius: 10px; background: var(--soft); border: 1px solid var(--tone) }
.hero .word { font-size: 44px; line-height: 1; font-weight: 750; letter-spacing: -.02em; color: var(--tone) }
.hero p { margin: 0; font-size: 16px }
.PASS { --tone: var(--pass); --soft: var(--pass-soft) }
.FAIL { --tone: var(--fail); --soft: var(--fail-soft) }
.INCONCLUSIVE { --tone: var(--open); --soft: var(--open-soft) }
.NOT_JUDGED { --tone: var(--idle); --soft: var(--idle-soft) }
.hero.INCONCLUSIVE .word { font-size: 30px }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 12px; margin: 16px 0 0 }
.tile { display: block; color: inherit; text-decoration: none; background: var(--card); border: 1px solid var(--rule);
  border-top: 3px solid var(--tone); border-radius: 8px; padding: 12px 14px }
.tile strong { display: block }
.tile .counts { color: var(--muted); font-size: 13px }
.badge { display: inline-block; font-size: 12px; font-weight: 650; letter-spacing: .02em; color: var(--tone);
  background: var(--soft); border-radius: 4px; padding: 1px 7px; white-space: nowrap }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 3px 18px; margin: 20px 0 0 }
.facts dt { color: var(--muted) } .facts dd { margin: 0; overflow-wrap: anywhere }
.attention { list-style: none; padding: 0; margin: 20px 0 0 }
.attention li { padding: 8px 0; border-top: 1px solid var(--rule) }
.criterion { background: var(--card); border: 1px solid var(--rule); border-left: 3px solid var(--tone); border-radius: 6px; margin: 6px 0; padding: 0 14px }
.criterion > summary { display: flex; gap: 14px; align-items: baseline; justify-content: space-between; padding: 8px 0; font-size: 15px; color: var(--ink); list-style: none }
.criterion > summary::-webkit-details-marker { display: none }
.criterion > summary .said::before { content: "\\25B8"; color: var(--muted); display: inline-block; width: 1.1em }
.criterion[open] > summary .said::before { content: "\\25BE" }
.criterion[open] { padding-bottom: 12px }
.criterion .body { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 4px 24px; align-items: start }
.criterion.NOT_JUDGED { padding: 10px 14px }
.criterion header { display: flex; gap: 14px; align-items: baseline; justify-content: space-between }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(88px, 1fr)); gap: 6px 14px; margin: 6px 0 10px; max-width: 560px }
.figures div { border-left: 2px solid var(--rule); padding-left: 9px }
.figures dt { color: var(--muted); font-size: 12px } .figures dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; font-size: 14px }
.chart { margin: 0 } .chart svg { display: block; max-width: 100%; height: auto }
.courses { display: grid; grid-template-columns: repeat(auto-fit, minmax(380px, 1fr)); gap: 10px 28px; margin: 8px 0 14px }
.courses p { margin: 0; font-size: 13px }
ul.signatures { list-style: none; padding: 0; margin: 0 0 12px } ul.signatures li { padding: 3px 0 }
ul.signatures li::before { content: "\\2713"; color: var(--pass); display: inline-block; width: 1.4em }
.wide { overflow-x: auto }
.more { margin-top: 4px } summary { cursor: pointer } .more > summary { color: var(--muted); font-size: 13px }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; margin: 8px 0 }
th { text-align: left; font-weight: 600; color: var(--muted); font-size: 12px }
th, td { padding: 4px 12px 4px 0; border-bottom: 1px solid var(--rule); vertical-align: top; font-variant-numeric: tabular-nums }
td code { overflow-wrap: anywhere }
pre { background: var(--card); border: 1px solid var(--rule); border-radius: 6px; padding: 10px 12px; overflow-x: auto; margin: 6px 0 14px }
footer { margin-top: 48px; color: var(--muted); font-size: 13px; border-top: 1px solid var(--rule); padding-top: 12px }
@media (max-width: 860px) { .criterion .body, .hero { grid-template-columns: 1fr } main { padding: 20px 14px 60px } }
@media print { .criterion, .tile, pre { break-inside: avoid } details > * { display: block } body { background: #fff } main { padding: 0 } }
`
