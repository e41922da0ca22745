"""How the report looks: quiet colours, light and dark, legible on a screen and on paper."""

STYLE = """
:root { color-scheme: light dark; --page: #f4f6f8; --sheet: #fff; --ink: #22303c; --soft: #51606d; --rule: #dfe5ea;
  --balanced: #00796b; --alone: #c26a00; --pulses: #7b5ea7; --limit: #c62828; --limit1: #c62828; --bar: #4a90b8; }
@media (prefers-color-scheme: dark) { :root { --page: #12181d; --sheet: #1a2229; --ink: #e3e9ee; --soft: #9fb0bd;
  --rule: #303c46; --balanced: #4dc4b4; --alone: #f0a44b; --pulses: #b59be0; --limit: #ff7b72; --limit1: #ff7b72; --bar: #5ba7d1; } }
body { margin: 0; background: var(--page); color: var(--ink); font: 14px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif }
main { max-width: 1120px; margin: 24px auto; padding: 8px 32px 32px; background: var(--sheet); border: 1px solid var(--rule);
  border-radius: 8px }
h1 { font-size: 26px; margin: 16px 0 8px } h2 { font-size: 17px; margin: 36px 0 6px; border-top: 1px solid var(--rule); padding-top: 20px }
p { margin: 4px 0 10px; color: var(--soft); max-width: 1000px }
.row { display: flex; align-items: center; gap: 20px }
.verdict { font-weight: 700; letter-spacing: .06em; padding: 4px 14px; border-radius: 6px; color: #fff }
.good { background: #2e7d32 } .fault { background: #c62828 }
table { border-collapse: collapse; font-size: 13px } .wide { overflow-x: auto } .wide table { width: 100% }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--rule); vertical-align: top }
th { color: var(--soft); font-weight: 600 } .facts th { white-space: nowrap; padding-right: 24px } .facts td { overflow-wrap: anywhere }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px; margin: 20px 0 0 }
.tiles div { border: 1px solid var(--rule); border-radius: 6px; padding: 10px 14px; display: flex; flex-direction: column }
.tiles b { font-size: 21px; font-weight: 650 } .tiles span { color: var(--ink) } .tiles small { color: var(--soft) }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 14px 16px } svg { max-width: 100%; height: auto }
.key { color: var(--soft); margin: 0 0 12px } .legend { display: inline-flex; align-items: center; gap: 6px; margin-right: 16px; white-space: nowrap }
svg text { fill: var(--ink); font-size: 12px } svg .title { font-weight: 600; font-size: 13px }
svg .mark { fill: var(--soft); font-size: 10.5px } svg .figure { font-variant-numeric: tabular-nums }
svg .grid { stroke: var(--rule) } svg .tick { stroke: var(--soft) }
svg path { fill: none; stroke-width: 1.8; stroke-linejoin: round }
path.balanced { stroke: var(--balanced) } circle.balanced { fill: var(--balanced) }
path.alone { stroke: var(--alone) } circle.alone { fill: var(--alone) }
path.quantum { stroke: var(--soft); stroke-width: 1; opacity: .7 } circle.quantum { display: none }
path.pulses { stroke: var(--pulses); stroke-dasharray: 2 3 } circle.pulses { fill: var(--pulses) }
path.limit0 { stroke: var(--limit); stroke-width: 1.4 } path.limit1 { stroke: var(--limit1); stroke-width: 1.4; stroke-dasharray: 6 4 }
svg .bar { fill: var(--bar) } svg .bad { fill: var(--limit) }
svg .limit { stroke: var(--limit); stroke-width: 2 } svg .unchecked { stroke-dasharray: 3 2 }
@media print { body { background: #fff } main { border: 0; margin: 0 } }
"""
