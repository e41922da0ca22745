// The instrument on its rail, drawn from a table of shapes: millimetres of the 71.5 x 90 mm housing times ten.

import { html, say, set, svg } from "./dom.js";
import { ask } from "./stream.js";

const HOLD_MS = 3000;
const CELLS = 8;

const BODY = { x: 42, width: 715, height: 900 };
const GLASS = { x: 84, y: 262, width: 631, height: 236 };
const CELL = { x: 150, y: 338, width: 54, height: 92, pitch: 58, slant: -6 };

// The seven segments of a cell of 44 x 92, in the order of their bits.
const SEGMENTS = [
  "6,0 38,0 31,9 13,9", "40,3 40,43 36,46 31,41 31,12", "40,49 40,89 31,80 31,51 36,46", "6,92 38,92 31,83 13,83",
  "4,49 8,46 13,51 13,80 4,89", "4,3 13,12 13,41 8,46 4,43", "9,46 13,41.5 31,41.5 35,46 31,50.5 13,50.5",
];

// Signs of the glass: name, what is drawn, where.
const SIGNS = [
  ["l1", "L1", 100, 294], ["l2", "L2", 130, 294], ["l3", "L3", 160, 294],
  ["forward", "↻", 194, 294], ["reversed", "↺", 214, 294],
  ["export", "←", 246, 294], ["import", "→", 268, 294],
  ["q1", "I", 302, 294], ["q2", "II", 316, 294], ["q3", "III", 337, 294], ["q4", "IV", 364, 294],
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => [`t${n}`, `T${n}`, 400 + (n - 1) * 28, 294]),
  ["warning", "⚠", 630, 294], ["setting", "SET", 646, 294],
];
// A lock in a box of its own size, after the other signs.
const LOCK = { x: 699, y: 294, path: "M-7 -1v-4a5 5 0 0 1 10 0v4M-10 -1h16v10h-16z" };

const LEDS = [["kwh", "4000 imp/kWh", 214], ["kvarh", "4000 imp/kvarh", 214 + 214]];
const KEYS = [[1, 581], [2, 675]];
const KEY = { y: 516, size: 80, reach: 8 };

function screw(x, y) {
  return svg("g", { class: "screw" }, svg("circle", { cx: x, cy: y, r: 22 }), svg("path", { d: `M${x - 14} ${y - 6}L${x + 14} ${y + 6}` }));
}

function terminals(y, labels, below) {
  const pitch = 660 / labels.length;
  return labels.map((label, n) => {
    const x = 70 + pitch * (n + 0.5);
    return svg("g", {}, screw(x, y), svg("text", { class: "terminal", x, y: below ? y - 36 : y + 50 }, label));
  });
}

function cell(n) {
  const x = CELL.x + n * CELL.pitch;
  const parts = SEGMENTS.map((points) => svg("polygon", { class: "segment", points }));
  const point = svg("circle", { class: "segment", cx: 47, cy: 90, r: 4.5 });
  const group = svg("g", { transform: `translate(${x} ${CELL.y}) skewX(${CELL.slant})` }, parts, point);
  return { group, parts, point };
}

/** Draw the instrument into a place; return what shows a live event on it. */
export function drawInstrument(place, spoken, plate) {
  const cells = Array.from({ length: CELLS }, (_, n) => cell(n));
  const signs = Object.fromEntries(SIGNS.map(([name, text, x, y]) => [name, svg("text", { class: "sign", x, y, "data-sign": name }, text)]));
  signs.sealed = svg("path", { class: "sign", d: LOCK.path, transform: `translate(${LOCK.x} ${LOCK.y - 9})`, "data-sign": "sealed" });
  const legend = svg("text", { class: "legend", x: 98, y: 352 });
  const unit = svg("text", { class: "unit", x: 704, y: 428 });
  const title = svg("text", { class: "glass-line", x: 98, y: 472 });
  const places = svg("text", { class: "glass-line end", x: 704, y: 472 });
  const glass = svg("g", { class: "glass", role: "img", "aria-label": "display" },
    svg("rect", { class: "glass-face", ...GLASS, rx: 10 }),
    Object.values(signs), legend, cells.map((each) => each.group), unit, title, places);
  const leds = Object.fromEntries(LEDS.map(([name, text, x]) => [name, led(name, text, x)]));
  const keys = KEYS.map(([number, x]) => key(number, x, spoken));
  const lower = plate.bus === "modbus" ? ["A", "B", "S", "IN1", "IN2", "0"] : plate.bus === "mbus" ? ["M+", "M−", "IN1", "IN2", "0", "N"] : ["+", "−", "", "", "", "N"];

  place.replaceChildren(svg("svg", { viewBox: "0 0 799 900", class: "device", role: "group", "aria-label": `${plate.name} on its rail` },
    svg("rect", { class: "rail", x: 0, y: 300, width: 799, height: 350 }),
    svg("rect", { class: "rail-edge", x: 0, y: 300, width: 799, height: 26 }), svg("rect", { class: "rail-edge", x: 0, y: 624, width: 799, height: 26 }),
    svg("rect", { class: "body low", x: BODY.x, y: 8, width: BODY.width, height: BODY.height - 16, rx: 14 }),
    terminals(62, ["L1", "L2", "L3", "N", "S1·1", "S2·1", "S1·2", "S2·2", "S1·3", "S2·3"], false),
    terminals(838, lower, true),
    svg("rect", { class: "body", x: BODY.x, y: 148, width: BODY.width, height: 604, rx: 16 }),
    svg("text", { class: "maker", x: 84, y: 206 }, "watthour"),
    svg("text", { class: "name", x: 715, y: 196 }, plate.name), svg("text", { class: "print end", x: 715, y: 226 }, `${plate.model}   No. ${plate.serial}`),
    glass, Object.values(leds), keys.map((each) => each.group),
    svg("text", { class: "print", x: 84, y: 668 }, "3x127/220 … 3x230/400 V   50–60 Hz   Cl. B (1)   react. 2"),
    svg("text", { class: "print", x: 84, y: 696 }, `CT ${plate.ct} A   VT ${plate.vt} V   registers primary`),
    svg("text", { class: "print", x: 84, y: 724 }, `SW ${plate.software_id.slice(0, 16)}`)));

  for (const each of keys) each.listen();
  let counted = null;
  let toldAt = 0;

  return function show(told) {
    const lcd = told.lcd;
    set(glass, "class", `glass${lcd.lit ? " lit" : ""}${told.powered ? "" : " off"}`);
    lcd.cells.forEach(([bits, point], n) => {
      cells[n].parts.forEach((part, segment) => set(part, "class", (bits >> segment) & 1 ? "segment on" : "segment"));
      set(cells[n].point, "class", point ? "segment on" : "segment");
      const flashes = lcd.cursor === "all" || (lcd.cursor === "one" && n === lcd.cursor_cell);
      set(cells[n].group, "class", flashes ? "flashing" : "");
    });
    for (const [name, sign] of Object.entries(signs)) set(sign, "class", lcd.symbols.includes(name) ? "sign on" : "sign");
    say(legend, lcd.legend);
    say(unit, lcd.unit);
    say(title, clip(lcd.cursor === "none" ? lcd.words || lcd.title : lcd.words));
    say(places, lcd.places > 1 ? `${lcd.place + 1}/${lcd.places}` : "");
    set(glass, "aria-label", `${lcd.title}: ${lcd.legend} ${lcd.text} ${lcd.unit}. ${lcd.words}`);
    const now = performance.now();
    flash(leds, told.leds, counted, Math.min(now - toldAt, 400));
    counted = told.leds;
    toldAt = now;
  };
}

const LONGEST = 58;
const clip = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

function led(name, text, x) {
  return svg("g", { class: "led", "data-led": name },
    svg("circle", { class: "led-glow", cx: x, cy: 566, r: 22 }), svg("circle", { class: "led-lens", cx: x, cy: 566, r: 11 }),
    svg("text", { class: "print middle", x, y: 606 }, text));
}

const FLASH_MS = 70;

/** Flash each LED once for every pulse that was counted since, spread over the time that they came in. */
function flash(leds, told, before, spreadMs) {
  for (const [name, group] of Object.entries(leds)) {
    if (told.steady) { set(group, "class", "led on"); continue; }
    if (group.classList.contains("on") && before?.steady) set(group, "class", "led");
    if (!before || told[name] === null || before[name] === null) continue;
    const pulses = Math.min(told[name] - before[name], 8);
    for (let n = 0; n < pulses; n += 1) {
      const wait = (spreadMs * (n + 0.5)) / pulses;
      setTimeout(() => set(group, "class", "led on"), wait);
      setTimeout(() => set(group, "class", "led"), wait + FLASH_MS);
    }
  }
}

function key(number, x, spoken) {
  const progress = svg("rect", { class: "key-progress", x: x - KEY.size / 2 + 6, y: KEY.y + KEY.size + 6, width: 0, height: 5 });
  const group = svg("g", { class: "key", role: "button", tabindex: 0, "aria-label": `Key ${number}`, "data-key": number },
    svg("rect", { class: "key-reach", x: x - KEY.size / 2 - 2, y: KEY.y - KEY.reach, width: KEY.size + 4, height: KEY.size + 4 * KEY.reach }),
    svg("rect", { class: "key-cap", x: x - KEY.size / 2, y: KEY.y, width: KEY.size, height: KEY.size, rx: 15 }),
    svg("text", { class: "key-name", x, y: KEY.y + KEY.size / 2 + 11 }, number), progress);
  let held = null;

  async function send(heldS) {
    const lcd = await ask("keys", "POST", { key: number, held_s: heldS }).catch((problem) => ({ title: problem.message, legend: "", text: "", unit: "" }));
    say(spoken, `${lcd.title} ${lcd.legend} ${lcd.text} ${lcd.unit}`);
  }

  function down() {
    if (held) return;
    set(group, "class", "key down");
    held = { since: performance.now(), timer: setTimeout(() => { const mine = held; if (mine) { mine.sent = true; set(group, "class", "key down long"); send(HOLD_MS / 1000); } }, HOLD_MS) };
    requestAnimationFrame(grow);
  }

  function grow() {
    const part = held ? Math.min((performance.now() - held.since) / HOLD_MS, 1) : 0;
    set(progress, "width", Math.round((KEY.size - 12) * part));
    if (held) requestAnimationFrame(grow);
  }

  function up(counts) {
    if (!held) return;
    const { sent, since, timer } = held;
    clearTimeout(timer);
    held = null;
    set(group, "class", "key");
    if (counts && !sent) send(Math.min((performance.now() - since) / 1000, HOLD_MS / 1000 - 0.01));
  }

  function listen() {
    group.addEventListener("pointerdown", (event) => { if (event.button === 0) { group.setPointerCapture(event.pointerId); down(); } });
    group.addEventListener("pointerup", () => up(true));
    group.addEventListener("pointercancel", () => up(false));
    group.addEventListener("contextmenu", (event) => event.preventDefault());
    group.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); down(); } });
    group.addEventListener("keyup", (event) => { if (event.key === "Enter" || event.key === " ") up(true); });
    group.addEventListener("blur", () => up(false));
    addEventListener("keydown", (event) => { if (event.key === String(number) && !event.repeat && !typing(event) && !event.ctrlKey && !event.altKey && !event.metaKey) down(); });
    addEventListener("keyup", (event) => { if (event.key === String(number)) up(true); });
    addEventListener("blur", () => up(false));
  }
  return { group, listen };
}

const typing = (event) => event.target instanceof Element && event.target.closest("input, select, textarea, dialog") !== null;

/** The contacts at the inputs, where there are any. */
export function drawContacts(place, inputs, complain) {
  const made = Array.from({ length: inputs }, (_, n) => contact(n + 1, complain));
  place.replaceChildren(...made.map((each) => each.button));
  return (values) => made.forEach((each) => each.show(values));
}

function contact(number, complain) {
  const blade = svg("path", { class: "blade", d: "M14 20L40 20" });
  const state = html("span", { class: "contact-state" });
  const button = html("button", { type: "button", class: "contact", role: "switch", "aria-checked": "false", "aria-label": `Contact of input ${number}`,
    onclick: async () => {
      const closed = button.getAttribute("aria-checked") !== "true";
      try { await ask("contacts", "POST", { input: number, closed }); set(button, "aria-checked", closed); } catch (problem) { complain(problem.message); }
    } },
  svg("svg", { viewBox: "0 0 54 30", class: "blade-picture", "aria-hidden": "true" }, svg("path", { d: "M0 20H12M42 20H54" }), svg("circle", { cx: 14, cy: 20, r: 3 }), svg("circle", { cx: 40, cy: 20, r: 3 }), blade),
  html("span", {}, `IN${number}`), state);
  let touched = 0;
  button.addEventListener("click", () => { touched = performance.now(); });
  return {
    button,
    show(values) {
      const closed = values[`input${number}_closed`] === 1, count = values[`input${number}_count`] ?? 0;
      if (performance.now() - touched > 700) set(button, "aria-checked", closed);
      set(blade, "d", closed ? "M14 20L40 20" : "M14 20L37 6");
      say(state, `${closed ? "closed" : "open"}, ${count} ${count === 1 ? "pulse" : "pulses"}`);
    },
  };
}
