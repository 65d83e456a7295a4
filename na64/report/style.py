"""How the report looks, on a screen, in the dark and on A4 paper."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root { --ink: #1c1e21; --soft: #5c6370; --line: #d8dbe0; --fill: #f5f6f8; --alert: #bd1f01;
  --page: #fff; --link: #2a6fb8; --warm: #fdf2ef; --sun: #fff7e6; color-scheme: light dark; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --soft: #a3abb8; --line: #3a4049; --fill: #23272e; --alert: #ff8a70;
    --page: #181a1f; --link: #7db8f0; --warm: #35211d; --sun: #362c17; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 1.5rem; color: var(--ink); background: var(--page);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { margin: 0; font-size: 1.7rem; }
h1 small { font-weight: 400; color: var(--soft); font-size: 1.1rem; }
h2 { margin: 2.2rem 0 .8rem; border-bottom: 2px solid var(--line); font-size: 1.25rem; }
h3 { margin: 1.4rem 0 .4rem; font-size: 1.02rem; }
h3 small { font-weight: 400; color: var(--soft); }
nav a { margin-right: 1.1rem; color: var(--link); }
.blinding, .loss { margin: 1rem 0; padding: .8rem 1.1rem; border-left: 6px solid var(--soft);
  background: var(--fill); }
.blinding strong { font-size: 1.1rem; }
.blinding p, .blinding ul, .loss h3 { margin: .2rem 0 0; }
.closed, .loss { border-color: var(--alert); background: var(--warm); }
.closed strong { color: var(--alert); }
.open { border-color: #d98a00; background: var(--sun); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .4rem 0 1rem; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .22rem .7rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
thead th { border-bottom: 2px solid var(--soft); background: var(--fill); vertical-align: bottom; }
tbody th { font-weight: 500; }
td.n, th.n { text-align: right; white-space: nowrap; }
code, td.code { font: .85em ui-monospace, "SF Mono", Consolas, monospace; overflow-wrap: anywhere; }
td.code { min-width: 16em; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(440px, 100%), 1fr));
  gap: 1.2rem; }
.facts { display: flex; flex-wrap: wrap; gap: .3rem 2rem; margin: .8rem 0; }
.facts dt { color: var(--soft); font-size: .8rem; }
.facts dd { margin: 0; font-weight: 600; }
figure { margin: 0; break-inside: avoid; }
figure img { width: 100%; height: auto; border: 1px solid var(--line); }
figcaption { color: var(--soft); font-size: .85rem; }
@page { size: A4; margin: 13mm; }
@media print {
  :root { color-scheme: light; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 9pt; }
  nav { display: none; }
  .figures { grid-template-columns: 1fr 1fr; gap: .6rem; }
  h2, h3 { break-after: avoid; }
  tr { break-inside: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 6.8pt; }
  th, td { padding: .12rem .3rem; }
  td.n, th.n { white-space: normal; }
  td.code { min-width: 0; }
}
"""
