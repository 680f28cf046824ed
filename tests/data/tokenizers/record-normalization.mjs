// Writes the tables of canonical composition that CanonicalComposition.cs reads, and the cases its tests check.
// Source: the Unicode data inside Node's String.prototype.normalize (ICU).
//   node record-normalization.mjs        (in this folder; Unicode version = process.versions.unicode)
import { writeFileSync } from "node:fs";

const isSurrogate = (c) => c >= 0xd800 && c <= 0xdfff;
const isHangul = (c) => c >= 0xac00 && c <= 0xd7a3;
const points = (s) => [...s].map((x) => x.codePointAt(0));
const str = (...c) => String.fromCodePoint(...c);
const hex = (v) => v.toString(16).toUpperCase();

// Canonical combining classes, as ranks: only their order matters. Probes: U+0334 has the lowest class above 0, U+0300 a high one.
const marks = [];
for (let c = 0x300; c < 0x110000; c++) {
  if (isSurrogate(c) || isHangul(c)) continue;
  const s = str(c);
  if (s.normalize("NFD") !== s) continue;
  const swapsLow = (s + "\u0334").normalize("NFD") !== s + "\u0334";
  const swapsHigh = ("\u0300" + s).normalize("NFD") !== "\u0300" + s;
  if (c === 0x334 || swapsLow || swapsHigh) marks.push(c);
}
const swaps = (a, b) => str(a, b).normalize("NFD") !== str(a, b);
const classes = []; // Each a list of code points, in rising order of class.
for (const c of marks) {
  let low = 0, high = classes.length, found = -1;
  while (low < high) {
    const mid = (low + high) >> 1, r = classes[mid][0];
    if (swaps(r, c)) high = mid;
    else if (swaps(c, r)) low = mid + 1;
    else { found = mid; break; }
  }
  if (found >= 0) classes[found].push(c);
  else classes.splice(low, 0, [c]);
}
const ranks = classes.flatMap((list, i) => list.map((c) => [c, i + 1])).sort((a, b) => a[0] - b[0]);
const runs = [];
for (const [c, r] of ranks) {
  const last = runs.at(-1);
  if (last && last.rank === r && last.end === c) last.end++;
  else runs.push({ start: c, end: c + 1, rank: r });
}

// Decompositions as pairs. The prefix of a longer one is itself a code point with a decomposition.
const byForm = new Map();
const decomposed = [];
for (let c = 0xa0; c < 0x110000; c++) {
  if (isSurrogate(c) || isHangul(c)) continue;
  const s = str(c), d = s.normalize("NFD");
  if (d === s) continue;
  decomposed.push(c);
  if (!byForm.has(d) || s.normalize("NFC") === s) byForm.set(d, c);
}
const entries = decomposed.map((c) => {
  const s = str(c), d = points(s.normalize("NFD"));
  if (d.length === 1) return { c, first: d[0], second: 0, composes: false };
  const prefix = str(...d.slice(0, -1));
  const first = d.length === 2 ? d[0] : byForm.get(prefix);
  if (first === undefined) throw new Error(`U+${hex(c)} has no pair`);
  return { c, first, second: d.at(-1), composes: s.normalize("NFC") === s };
});
const word = (e) => (BigInt(e.c) << 43n) | (e.composes ? 1n << 42n : 0n) | (BigInt(e.first) << 21n) | BigInt(e.second);
const lines = (values, perLine) => {
  const out = [];
  for (let i = 0; i < values.length; i += perLine) out.push("        " + values.slice(i, i + perLine).join(", ") + ",");
  return out.join("\n");
};
const tables = `// Written by tests/data/tokenizers/record-normalization.mjs from Unicode ${process.versions.unicode}. Don't edit.
namespace NativeSplit.Model.Tokenization;

/// <summary>Data of Unicode's canonical decomposition, composition and ordering. Hangul syllables are left to arithmetic.</summary>
internal static class CanonicalTables
{
    /// <summary>Sorted; bits 43.. code point, bit 42 set when the pair composes to it, bits 21..41 first, bits 0..20 second (0: none).</summary>
    public static ReadOnlySpan<ulong> Decompositions =>
    [
${lines(entries.map((e) => "0x" + hex(word(e))), 7)}
    ];

    /// <summary>Sorted runs of marks; bits 32.. first code point, bits 8..31 end (exclusive), bits 0..7 rank of the combining class, from 1.</summary>
    public static ReadOnlySpan<ulong> CombiningRanks =>
    [
${lines(runs.map((r) => "0x" + hex((BigInt(r.start) << 32n) | (BigInt(r.end) << 8n) | BigInt(r.rank))), 8)}
    ];
}
`;
writeFileSync(new URL("../../../engine/NativeSplit.Model/Tokenization/CanonicalTables.cs", import.meta.url), tables);

// Cases: every code point that NFC changes, and random sequences that mix bases, marks, jamo and composites. The seed is fixed.
const single = decomposed.filter((c) => str(c).normalize("NFC") !== str(c)).map((c) => [str(c), str(c).normalize("NFC")]);
let state = 12345;
const next = (n) => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff, (state >>> 8) % n);
const pools = [
  () => 0x61 + next(26), () => marks[next(marks.length)], () => marks[next(60)], () => decomposed[next(decomposed.length)],
  () => 0x1100 + next(0x13), () => 0x1161 + next(0x15), () => 0x11a8 + next(0x1b), () => 0xac00 + next(11172), () => 0x1f600 + next(64),
];
const mixed = [];
for (let i = 0; i < 600; i++) {
  const s = str(...Array.from({ length: 1 + next(12) }, () => pools[next(pools.length)]()));
  mixed.push([s, s.normalize("NFC")]);
}
writeFileSync(new URL("normalization.json", import.meta.url), JSON.stringify({ unicode: process.versions.unicode, single, mixed }, null, 0) + "\n");
console.log(entries.length, "decompositions", runs.length, "runs", classes.length, "classes", single.length, "single cases");
