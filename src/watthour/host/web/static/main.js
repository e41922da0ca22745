// The page put together: what it draws, what it asks, what it does when the meter is away.

import { drawCurve, drawHarmonics, drawMap, drawPhasors, drawScope } from "./charts.js";
import { at, html, say, set } from "./dom.js";
import { clock } from "./figures.js";
import { drawContacts, drawInstrument } from "./instrument.js";
import { ask, follow } from "./stream.js";
import { drawEvents, drawNow, drawRegisters, drawSettings, drawWiring } from "./tables.js";

const AGAIN_MS = 500;
const EVENTS = 40;
const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });

function complain(words) {
  say(at("banner"), words);
  at("banner").hidden = !words;
}

/** Say why something was refused; that the meter is away the stream tells. */
function refused(problem) {
  if (!(problem instanceof TypeError)) complain(problem.message);
}

async function confirmed(question) {
  const dialog = at("ask");
  say(dialog.querySelector("p"), question);
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((done) => { dialog.addEventListener("close", done, { once: true }); });
  return dialog.returnValue === "yes";
}

async function plateOf() {
  for (;;) {
    try { return await ask("meter"); } catch { complain("The meter does not answer. Trying again."); await wait(AGAIN_MS); }
  }
}

const button = (text, onclick, attributes = {}) => html("button", { type: "button", onclick, ...attributes }, text);
const link = (text, href) => html("a", { class: "button", href, download: true }, text);
const dayBefore = (day, days) => new Date(Date.parse(`${day}T00:00:00Z`) - days * 86400000).toISOString().slice(0, 10);

/** The load curve with its days. */
function curveOf(plate) {
  const show = drawCurve(at("curve"), plate.rates);
  const input = html("input", { type: "date", "aria-label": "day", onchange: () => look(input.value) });
  let last = null;
  let shown = null;
  const choices = [["Today", 0], ["Yesterday", 1]].map(([text, back]) => [back, button(text, () => look(back ? dayBefore(last, back) : null))]);
  at("curve-day").replaceChildren(...choices.map(([, each]) => each), input, link("CSV", "api/v1/profile.csv"));

  async function look(day) {
    shown = day;
    try {
      const told = await ask(`profile${day ? `?day=${day}` : ""}`);
      last = told.last_day;
      show(told);
      input.value = told.day;
      input.max = told.last_day;
      if (told.first_day) input.min = told.first_day;
      for (const [back, each] of choices) set(each, "aria-pressed", told.day === dayBefore(last, back));
    } catch { /* the stream tells that the meter is away */ }
  }
  return () => look(shown);
}

/** The rates of a year, with the years beside it. */
function mapOf() {
  const show = drawMap(at("map"));
  let year = null;
  const title = html("span", { class: "year" });
  at("map-year").replaceChildren(button("‹", () => look(year - 1), { "aria-label": "year before" }), title, button("›", () => look(year + 1), { "aria-label": "next year" }));

  async function look(wanted) {
    try {
      const told = await ask(`rate-map${wanted ? `?year=${wanted}` : ""}`);
      year = told.year;
      say(title, String(year));
      show(told, at("clock").textContent);
    } catch (problem) { refused(problem); }
  }
  return () => look(year);
}

/** The log, with a way back in time. */
function logOf() {
  let before = null;
  const older = button("Older", () => look(Math.max(0, (before ?? count) - EVENTS)));
  const newest = button("Newest", () => look(null));
  let count = 0;
  at("events-more").replaceChildren(newest, older, link("CSV", "api/v1/log.csv"));

  async function look(from) {
    before = from;
    try {
      const told = await ask(`log?limit=${EVENTS}${from === null ? "" : `&before=${from}`}`);
      count = told.count;
      drawEvents(at("events"), told);
      older.disabled = (from ?? count) - EVENTS <= told.oldest;
      newest.disabled = from === null;
    } catch { /* as above */ }
  }
  return () => { if (before === null) look(null); };
}

function commandsOf() {
  const rate = html("select", { "aria-label": "rate", onchange: () => order("select-rate", { rate: Number(rate.value) }) }, Array.from({ length: 8 }, (_, n) => html("option", { value: n + 1 }, `T${n + 1}`)));
  const chooser = html("label", { hidden: true }, "Rate ", rate);
  async function order(name, body) {
    try { await ask(`commands/${name}`, "POST", body); complain(""); } catch (problem) { complain(problem.message); }
  }
  at("commands").replaceChildren(chooser,
    button("Reset partial", async () => { if (await confirmed("Begin the partial counters, their cost, CO2 and hours again at 0?")) order("reset-partial"); }),
    button("Close period", async () => { if (await confirmed("Close the billing period now? Registers are frozen, maxima begin again.")) order("close-period"); }),
    link("CSV", "api/v1/values.csv"));
  return (told) => {
    chooser.hidden = told.rate_source !== "bus";
    if (document.activeElement !== rate) rate.value = String(told.values.active_rate);
  };
}

function themeOf() {
  at("theme").addEventListener("click", () => {
    const root = document.documentElement;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* not kept */ }
  });
}

/** Draw the page for a meter, and return what shows its events. */
function assemble(plate) {
  document.title = `${plate.name} ${plate.serial} – watthour`;
  say(at("plate"), `${plate.name}  ${plate.model}  serial ${plate.serial}`);
  say(at("source"), plate.source.split("/").pop());
  const showInstrument = drawInstrument(at("instrument"), at("spoken"), plate);
  const showContacts = drawContacts(at("contacts"), plate.inputs, complain);
  const showNow = drawNow(at("now"), at("tiles"));
  const showPhasors = drawPhasors(at("phasors"));
  const showRegisters = drawRegisters(at("registers"), plate.rates);
  const showWiring = drawWiring(at("wiring"));
  const showCommands = commandsOf();
  const [refreshCurve, refreshMap, refreshLog] = [curveOf(plate), mapOf(), logOf()];
  let counts = {};
  let minute = "";

  function live(told) {
    const name = plate.rates.find((each) => each.rate === told.values.active_rate)?.name;
    told.rateName = name ?? `T${told.values.active_rate}`;
    showInstrument(told);
    say(at("words"), `${told.lcd.legend}: ${told.lcd.words}`);
    showContacts(told.values);
    showNow(told);
    showPhasors(told.values);
    showRegisters(told.values, told.values.active_rate);
    showWiring(told);
    showCommands(told);
    say(at("clock"), `${clock(told.time)} UTC`);
    set(document.body, "data-powered", told.powered);
    if (!told.powered) complain("No voltage: the meter is off, and its bus is silent.");
    else if (at("banner").textContent.startsWith("No voltage")) complain("");
    if (counts.events !== told.counts.events) refreshLog();
    if (counts.profile !== told.counts.profile || minute !== told.time.slice(0, 16)) refreshCurve();
    if (minute.slice(0, 4) !== told.time.slice(0, 4)) refreshMap();
    counts = told.counts;
    minute = told.time.slice(0, 16);
  }
  return { live, waves: drawScope(at("scope")), distortion: drawHarmonics(at("harmonics"), at("harmonics-of")) };
}

async function settingsOf() {
  const rows = await ask("settings");
  drawSettings(at("settings"), rows, (name, value) => ask("settings", "PATCH", { settings: { [name]: value } }));
}

async function begin() {
  themeOf();
  let plate = await plateOf();
  let handlers = assemble(plate);
  complain("");
  settingsOf().catch(refused);
  let state = "connecting";
  async function told(now) {
    if (now === state) return;
    const was = state;
    state = now;
    set(at("link"), "data-state", now);
    set(document.body, "data-link", now);
    say(at("link"), now === "live" ? "live" : "away");
    if (now === "lost") complain("The meter does not answer. Trying again.");
    if (now === "live" && was === "lost") {
      complain("");
      const again = await ask("meter").catch(() => plate);
      settingsOf().catch(refused);
      if (JSON.stringify(again) !== JSON.stringify(plate)) { plate = again; handlers = assemble(plate); }
    }
  }
  follow({ live: (event) => handlers.live(event), waves: (event) => handlers.waves(event), distortion: (event) => handlers.distortion(event) }, told);
}

begin();
