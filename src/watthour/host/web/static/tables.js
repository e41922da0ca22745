// Tables and lists: values now, registers, events, findings, settings.

import { html, say, set } from "./dom.js";
import { UNKNOWN, clock, energy, figure, fixed, quantity } from "./figures.js";

const PHASES = ["l1", "l2", "l3"];
const COLUMNS = [
  ["voltage", "Voltage", (v, p) => (p ? figure(v[`voltage_${p}_v`], "V") : "")],
  ["current", "Current", (v, p) => (p ? figure(v[`current_${p}_a`], "A") : "")],
  ["power", "Active", (v, p) => figure(v[p ? `power_${p}_w` : "power_w"], "W")],
  ["reactive", "Reactive", (v, p) => figure(v[p ? `reactive_${p}_var` : "reactive_var"], "var")],
  ["apparent", "Apparent", (v, p) => figure(v[p ? `apparent_${p}_va` : "apparent_va"], "VA")],
  ["pf", "PF", (v, p) => fixed(v[p ? `power_factor_${p}` : "power_factor"], 3)],
  ["cos", "cos φ", (v, p) => fixed(v[p ? `cos_phi_${p}` : "cos_phi"], 3)],
];

/** Values of each phase and of all; below, what is one for all. */
export function drawNow(place, tiles) {
  const cells = [...PHASES, ""].map((phase) => COLUMNS.map(([name]) => html("td", { "data-value": `${name}_${phase || "total"}` })));
  place.replaceChildren(html("table", { class: "now" },
    html("thead", {}, html("tr", {}, html("th", { scope: "col" }, html("span", { class: "quiet" }, "Phase")), COLUMNS.map(([, title]) => html("th", { scope: "col" }, title)))),
    html("tbody", {}, cells.map((row, n) => html("tr", { class: PHASES[n] ?? "sum" }, html("th", { scope: "row" }, PHASES[n]?.toUpperCase() ?? "Σ"), row)))));
  const shown = {
    "frequency": ["Frequency", (v) => (v.frequency_hz === null ? UNKNOWN : `${fixed(v.frequency_hz, 3)} Hz`)],
    "neutral": ["Neutral", (v) => figure(v.current_n_a, "A")],
    "u12": ["U12", (v) => figure(v.voltage_l12_v, "V")], "u23": ["U23", (v) => figure(v.voltage_l23_v, "V")], "u31": ["U31", (v) => figure(v.voltage_l31_v, "V")],
    "demand": ["Demand", (v) => figure(v.demand_w, "W")], "maximum": ["Max. demand", (v) => figure(v.max_demand_w, "W")],
    "rate": ["Rate", (v, told) => told.rateName],
    "hours": ["With voltage", (v) => `${fixed(v.operating_time_h, 1)} h`],
    "partial": ["Partial", (v) => figure(v.partial_import_wh, "Wh")],
    "cost": ["Its cost", (v) => fixed(v.partial_cost, 2)],
    "co2": ["Its CO₂", (v) => `${fixed(v.partial_co2_kg, 1)} kg`],
  };
  const made = Object.entries(shown).map(([name, [title, text]]) => ({ text, value: html("dd", { "data-value": name }), title }));
  tiles.replaceChildren(html("dl", {}, made.map((each) => html("div", {}, html("dt", {}, each.title), each.value))));
  return (told) => {
    cells.forEach((row, n) => row.forEach((cell, k) => say(cell, COLUMNS[k][2](told.values, PHASES[n]))));
    for (const each of made) say(each.value, each.text(told.values, told));
  };
}

const ENERGIES = [["import_wh", "Import kWh"], ["export_wh", "Export kWh"], ["q1_varh", "Q1 kvarh"], ["q2_varh", "Q2 kvarh"], ["q3_varh", "Q3 kvarh"], ["q4_varh", "Q4 kvarh"]];

/** Every register set; rates by the calendar's own names. */
export function drawRegisters(place, rates) {
  const sets = [["", "Total"], ["partial_", "Partial"], ...rates.map((each) => [`t${each.rate}_`, each.name === `T${each.rate}` ? each.name : `${each.name} (T${each.rate})`]), ...PHASES.map((phase) => [`${phase}_`, phase.toUpperCase()])];
  const cells = sets.map(([prefix]) => ENERGIES.map(([name]) => html("td", { "data-register": prefix + name })));
  const highest = sets.map(() => html("td"));
  place.replaceChildren(html("table", { class: "registers" },
    html("thead", {}, html("tr", {}, html("th", { scope: "col" }, html("span", { class: "quiet" }, "Set")), ENERGIES.map(([, title]) => html("th", { scope: "col" }, title)), html("th", { scope: "col" }, "Highest demand, UTC"))),
    html("tbody", {}, sets.map(([, title], n) => html("tr", { class: n < 1 ? "sum" : "" }, html("th", { scope: "row" }, title), cells[n], highest[n])))));
  return (values, activeRate) => sets.forEach(([prefix], n) => {
    cells[n].forEach((cell, k) => say(cell, energy(values[prefix + ENERGIES[k][0]])));
    const most = values[`${prefix}max_demand_w`];
    say(highest[n], most === undefined ? "" : most === null ? UNKNOWN : `${figure(most, "W")}  ${clock(new Date(values[`${prefix}max_demand_unix_s`] * 1000).toISOString()).slice(0, 16)}`);
    set(cells[n][0].parentElement, "class", n === 0 ? "sum" : prefix === `t${activeRate}_` ? "active" : "");
  });
}

const LONG = 16;

/** A detail of an event for people: bare names, energies in kWh, hashes by their beginning. */
function detail([name, value]) {
  const plain = name.replaceAll("_", " ");
  const micro = /^(.*) micro(wh|varh)$/.exec(plain);
  if (micro) return `${micro[1]} ${energy(Number(value) / 1e6)} k${micro[2] === "wh" ? "Wh" : "varh"}`;
  if (/^[0-9a-f]{32,}$/.test(value)) return `${plain} ${value.slice(0, LONG)}…`;
  const seconds = /^(.*) s$/.exec(plain);
  if (seconds) return `${seconds[1]} ${value} s`;
  return /^\d{4}-\d\d-\d\dT/.test(value) ? `${plain} ${clock(value)}` : `${plain} ${value}`;
}

/** What an event says in its line, and what it carries besides: registers, and settings under the seal. */
function partsOf(event) {
  const all = Object.entries(event.detail).flatMap(([name, value]) => {
    try { return value.startsWith("{") ? Object.entries(JSON.parse(value)).map(([inner, each]) => [`${name} ${inner}`, String(each)]) : [[name, value]]; } catch { return [[name, value]]; }
  });
  const isBeside = ([name]) => /_micro(wh|varh)$/.test(name) || name.startsWith("sealed ");
  return [all.filter((each) => !isBeside(each)), all.filter(isBeside)].map((some) => some.map(detail));
}

/** The log, the newest first. */
export function drawEvents(place, log) {
  if (!log.events.length) { place.replaceChildren(html("p", { class: "nothing" }, "nothing has happened yet")); return; }
  place.replaceChildren(html("ol", { class: "events" }, log.events.map((event) => html("li", {},
    html("time", { datetime: event.time }, clock(event.time)), html("b", {}, event.kind), ...told(partsOf(event))))));
}

function told([line, beside]) {
  const more = html("ul", {}, beside.map((each) => html("li", {}, each)));
  return [line.length ? html("span", {}, line.join(", ")) : null, beside.length ? html("details", {}, html("summary", {}, "registers and seal at that time"), more) : null];
}

/** What the diagnosis finds, and standing warnings. */
export function drawWiring(place) {
  let before = "";
  return (told) => {
    const now = JSON.stringify([told.diagnosis, told.warnings]);
    if (now === before) return;
    before = now;
    const findings = told.diagnosis.map((finding) => html("li", { class: "finding" },
      html("b", {}, `${finding.kind.replaceAll("_", " ")} at ${finding.phases.join(" ")}`), html("meter", { min: 0, max: 1, value: finding.confidence, "aria-label": "confidence" }), html("span", {}, `${fixed(finding.confidence * 100, 0)} %`), html("p", {}, finding.evidence)));
    const warnings = told.warnings.map((warning) => html("li", { class: "warning" }, warning));
    place.replaceChildren(findings.length + warnings.length ? html("ul", { class: "findings" }, findings, warnings) : html("p", { class: "nothing good" }, "nothing found so far, and no warning stands"));
  };
}

/** Settings with their ranges; those that may be changed, in place. */
export function drawSettings(place, rows, write) {
  const name = html("select", { "aria-label": "setting" }, rows.map((row) => html("option", { value: row.name }, row.name)));
  const value = html("input", { "aria-label": "new value", autocomplete: "off", required: true });
  const told = html("output", {});
  const meaning = html("p", { class: "under" });
  const chosen = () => rows.find((row) => row.name === name.value);
  const show = () => {
    const row = chosen();
    value.value = row.value;
    const range = row.choices.length ? row.choices.join(", ") : row.minimum === null ? "" : `${row.minimum} to ${row.maximum} ${row.unit}`;
    say(meaning, `${row.meaning}${range ? ` (${range})` : ""}${row.sealed ? "; sealed: it changes only while the seal is open" : ""}`);
    say(told, "");
  };
  name.addEventListener("change", show);
  const form = html("form", { class: "setting", onsubmit: async (event) => {
    event.preventDefault();
    const row = chosen();
    try { await write(row.name, value.value); row.value = value.value; say(told, "done"); set(told, "class", "good"); } catch (problem) { say(told, problem.message); set(told, "class", "bad"); }
  } }, name, value, html("button", {}, "Set"), told);
  place.replaceChildren(form, meaning);
  show();
}

export { quantity };
