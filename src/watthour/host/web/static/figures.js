// Numbers as the glass has them: five digits with a prefix, energies in thousands, a dash for what is not known.

const MINUS = "\u2212";
export const UNKNOWN = "–";
const PREFIXES = [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];

const signed = (text) => text.replace("-", MINUS);

/** A quantity: ["230.04", "V"]. */
export function quantity(value, unit) {
  if (value === null || value === undefined) return [UNKNOWN, unit];
  const rounded = Number(value.toPrecision(5));
  const [factor, prefix] = PREFIXES.find(([size]) => Math.abs(rounded) >= size) ?? [1, ""];
  const scaled = rounded / factor;
  const whole = String(Math.trunc(Math.abs(scaled))).length;
  return [signed(scaled.toFixed(Math.max(0, 5 - whole))), prefix + unit];
}

export const figure = (value, unit) => quantity(value, unit).join("\u00a0");

export const fixed = (value, decimals) => (value === null || value === undefined ? UNKNOWN : signed(value.toFixed(decimals)));

/** A register of whole watt-hours in kilowatt-hours: 4 294 967.295. */
export function energy(value) {
  if (value === null || value === undefined) return UNKNOWN;
  const whole = String(Math.floor(value / 1000)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return `${whole}.${String(Math.floor(value % 1000)).padStart(3, "0")}`;
}

/** A round step that parts a span into about so many. */
export function niceStep(span, wanted) {
  const rough = span / Math.max(wanted, 1) || 1;
  const size = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].find((step) => step * size >= rough * 0.999) * size;
}

/** Marks of a scale that holds low and high. */
export function scaleOf(low, high, wanted) {
  if (!(high - low > 1e-9 * Math.max(Math.abs(high), 1))) { low -= 1; high += 1; }
  const step = niceStep(high - low, wanted);
  const from = Math.floor(low / step) * step;
  const to = Math.ceil(high / step) * step;
  const decimals = step < 1 ? Math.ceil(-Math.log10(step) - 1e-9) : Number(step % 1 !== 0);
  const marks = [];
  for (let n = 0; n <= Math.round((to - from) / step); n += 1) marks.push(from + n * step);
  return { low: from, high: to, marks, label: (mark) => signed((mark + 0).toFixed(decimals)) };
}

export const clock = (iso) => iso.slice(0, 19).replace("T", " ");
