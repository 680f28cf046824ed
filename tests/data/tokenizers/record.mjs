// Records the ids and the text that Hugging Face tokenizers (the Rust library, through its Node binding) gives.
//   npm install tokenizers@0.23.2 && node record.mjs [folder with qwen3.tokenizer.json]
// Writes, in this folder, small tokenizers made for the tests (NAME/tokenizer.json, trained below on the texts themselves)
// and NAME.json with the cases; qwen3.json when the folder is given.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { Tokenizer } = createRequire(join(process.cwd(), "x.js"))("tokenizers");
const here = (name) => new URL(name, import.meta.url);

// ---- Texts -------------------------------------------------------------------------------------------------------------------
const texts = [
  "", " ", "  ", "   ", "\n", "\n\n", "\n\n\n", "\t", "\r\n", " \n", "\n ", " \n \n  x", "a", " a", "a ", "  a  b   c    ",
  "Hello, world!", "Hello world! How are you?", " Hello", "The quick brown fox jumps over the lazy dog.",
  "I'm you're we've they'll he'd it's don't I'M YOU'RE WE'VE THEY'LL HE'D IT'S DON'T", "'s 't 're 've 'm 'll 'd 'S 'T 'x ''s", "can\u2019t won\u2019t", "'\u017f \u212a",
  "1 12 123 1234 12345 1234567890", "3.14159 1,000,000 0xFF 1e-9", "v1.2.3-rc.4", "\u0661\u0662\u0663\u0664 \u00bd\u00b2\u00b3 \u2160\u2161",
  "if (x == 1) {\n\treturn y[0];\n}\n", "def f(a, b=2):\n    \"\"\"doc\"\"\"\n    return a ** b  # power\n\n\n    pass", "<html><body class=\"x\">&nbsp;</body></html>",
  "https://example.org/a?b=c&d=%20#frag user@example.org", "SELECT * FROM t WHERE a <> b; -- x", "a_b_c __init__ snake_case camelCase PascalCase",
  "Gr\u00fc\u00dfe aus K\u00f6ln, \u00c9t\u00e9 \u00e0 l\u2019\u00eele", "Z\u0105\u017c\u00f3\u0142\u0107 g\u0119\u015bl\u0105 ja\u017a\u0144", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \u0421\u044a\u0435\u0448\u044c \u0436\u0435 \u0435\u0449\u0451",
  "\u4f60\u597d\uff0c\u4e16\u754c\uff01\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002", "\u3053\u3093\u306b\u3061\u306f\u4e16\u754c \u30ab\u30bf\u30ab\u30ca", "\uc548\ub155\ud558\uc138\uc694 \uc138\uacc4", "\u1112\u1161\u11ab\u1100\u1173\u11af",
  "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01",
  "\u0391\u03bb\u03c6\u03b1 \u03b2\u03ae\u03c4\u03b1", "Ti\u1ebfng Vi\u1ec7t r\u1ea5t \u0111\u1eb9p", "e\u0301 a\u0308 o\u0302\u0323 n\u0303 \u212b \u2126 \ufb01",
  "\u{1f600} \u{1f680}\u{1f525} \u{1f468}\u200d\u{1f469}\u200d\u{1f467} \u{1f1e9}\u{1f1ea} \u{1f44d}\u{1f3fd} \u2764\ufe0f", "\u{1d54f}\u{1d550} \u{1d7d8}\u{1d7d9}\u{1d7da}\u{1d7db} \u{20000}\u{20001} \u{10330}\u{10331}", "x\u{1d7d9}y \u{1d7d9}\u{1d7da}1 \u{118a0}\u{118e0}",
  "\u00a0nbsp\u00a0\u2003em\u3000ideo\u200bzero\u2028line\u2029par\u0085nel", "\ufeffbom", "\u0000\u0001\u0007\u001b[0m\u007f", "tab\tand\u000bvt\u000cff",
  "!!! ??? ... --- ___ *** ((())) [[]] {{}}", "\u00bfQu\u00e9? \u00a1S\u00ed! \u00abquoi\u00bb \u201cquoted\u201d \u2014 dash \u2026", "\u20ac5 $5 \u00a35 +1 -1 \u00b11 \u00d7 \u00f7 \u221e \u2264 \u2260",
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ababababababababab", "                                                                x", "\n\n\n\n\n\n\n\n\n\nx", "\r\n\r\n\r\nx \r\n y",
  "\u2581under\u2581score \u2581 \u2581\u2581x", "\u0120the \u010a \u0100", "unreachable words are wholes: unreachable, unreachables", "a".repeat(300) + "b".repeat(300), "The end.\n" + "word ".repeat(80),
];

let state = 20240607;
const next = (n) => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff, (state >>> 8) % n);
const pick = (list) => list[next(list.length)];
const atoms = [
  () => " ", () => " ", () => " ", () => "  ", () => "\n", () => "\r\n", () => "\t", () => "\u00a0", () => pick(["'s", "'LL", "'Re", "'d"]),
  () => pick(["the", "The", "and", "world", "Hello", "unreachable", "quick", "return"]), () => String(next(100000)), () => pick([..."!?.,;:()[]{}<>=+-*/_#@&|~^%$\"'`\\"]),
  () => String.fromCharCode(0x61 + next(26)), () => String.fromCharCode(0x41 + next(26)), () => String.fromCharCode(0xc0 + next(0x140)), () => String.fromCharCode(0x300 + next(0x40)),
  () => String.fromCharCode(0x400 + next(0x60)), () => String.fromCharCode(0x4e00 + next(0x300)), () => String.fromCharCode(0xac00 + next(0x300)), () => String.fromCodePoint(0x1f600 + next(64)),
  () => String.fromCodePoint(0x1d400 + next(0x50)), () => String.fromCodePoint(0x1d7ce + next(50)), () => "\u2581",
];
const random = (count, marks) => Array.from({ length: count }, () =>
  Array.from({ length: 1 + next(30) }, () => (marks.length > 0 && next(12) === 0 ? pick(marks) : pick(atoms)())).join(""));

// ---- Training of small tokenizers ----------------------------------------------------------------------------------------------
const alphabet = (() => {
  const printable = (b) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  let extra = 0;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : 256 + extra++));
})();
const byteLevel = (s) => [...Buffer.from(s, "utf8")].map((b) => alphabet[b]).join("");
function train(words, base, size) {
  const vocab = new Map(base.map((piece, id) => [piece, id]));
  const merges = [];
  let corpus = words.map((w) => [...w]);
  while (merges.length < size) {
    const counts = new Map();
    for (const w of corpus) for (let i = 0; i + 1 < w.length; i++) {
      if (!vocab.has(w[i]) || !vocab.has(w[i + 1])) continue;
      const key = w[i] + "\0" + w[i + 1];
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const best = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0];
    if (!best || best[1] < 2) break;
    const [left, right] = best[0].split("\0");
    merges.push([left, right]);
    if (!vocab.has(left + right)) vocab.set(left + right, vocab.size);
    corpus = corpus.map((w) => {
      const out = [];
      for (let i = 0; i < w.length; i++) out.push(i + 1 < w.length && w[i] === left && w[i + 1] === right ? w[i++] + w[i] : w[i]);
      return out;
    });
  }
  return { vocab, merges };
}
const added = (id, content, more = {}) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...more });
const template = (bos, id) => ({
  type: "TemplateProcessing",
  single: [{ SpecialToken: { id: bos, type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
  pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 0 } }],
  special_tokens: { [bos]: { id: bos, ids: [id], tokens: [bos] } },
});
const file = (parts) => ({ version: "1.0", truncation: null, padding: null, added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, ...parts });
const model = (vocab, merges, more) => ({
  type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ignore_merges: false,
  vocab: Object.fromEntries(vocab), merges, ...more,
});
const split = (regex) => ({ type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false });
const level = (more) => ({ type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true, ...more });
const llama3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const roughWords = (list) => list.flatMap((t) => t.match(/ ?[^\s]+|\s+/g) ?? []);

function llama3Style() {
  const { vocab, merges } = train(roughWords(texts).map(byteLevel), alphabet, 500);
  for (const whole of ["unreachable", " unreachable", "0xFF", " fox", "123"]) {
    const piece = byteLevel(whole);
    if (!vocab.has(piece)) vocab.set(piece, vocab.size); // Pieces that no merges build: only ignore_merges finds them.
  }
  const n = vocab.size;
  return file({
    added_tokens: [added(n, "<|begin_of_text|>"), added(n + 1, "<|end_of_text|>"), added(n + 2, "<|eot_id|>"), added(n + 3, "<tool>", { special: false }), added(n + 4, "<tool>x", { special: false })],
    pre_tokenizer: { type: "Sequence", pretokenizers: [split(llama3), level({ use_regex: false })] },
    post_processor: { type: "Sequence", processors: [level({ trim_offsets: false }), template("<|begin_of_text|>", n)] },
    decoder: level({}),
    model: model(vocab, merges, { ignore_merges: true }),
  });
}
const mark = (s) => s.replaceAll(" ", "\u2581");
function sentencePieceBase() {
  const bytes = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`);
  const letters = [...new Set(mark(texts.join("")))].filter((c) => c.codePointAt(0) < 0x250 || c === "\u2581" || "\u4f60\u597d\u4e16\u754c".includes(c));
  return ["<unk>", "<s>", "</s>", ...bytes, ...letters];
}
const spmDecoder = (strip) => ({
  type: "Sequence",
  decoders: [{ type: "Replace", pattern: { String: "\u2581" }, content: " " }, { type: "ByteFallback" }, { type: "Fuse" }, ...(strip ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : [])],
});
const spmAdded = (n) => [
  added(0, "<unk>"), added(1, "<s>"), added(2, "</s>"), added(n, "[INST]"), added(n + 1, "<left>", { special: false, lstrip: true }), added(n + 2, "<right>", { special: false, rstrip: true }),
  added(n + 3, "alone", { special: false, single_word: true }), added(n + 4, "norm caf\u00e9", { special: false, normalized: true }), added(n + 5, "<ab>", { special: false }), added(n + 6, "b><abc>", { special: false }),
];
function llama2Style() {
  const { vocab, merges } = train(texts.map((t) => "\u2581" + mark(t)), sentencePieceBase(), 400);
  return file({
    added_tokens: spmAdded(vocab.size),
    normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "\u2581" }, { type: "Replace", pattern: { String: " " }, content: "\u2581" }] },
    post_processor: template("<s>", 1),
    decoder: spmDecoder(true),
    model: model(vocab, merges.map((m) => m.join(" ")), { unk_token: "<unk>", fuse_unk: true, byte_fallback: true }),
  });
}
function metaspaceStyle() {
  const { vocab, merges } = train(roughWords(texts).map((t) => mark(t.startsWith(" ") ? t : " " + t)), sentencePieceBase(), 300);
  return file({
    added_tokens: spmAdded(vocab.size),
    normalizer: { type: "NFC" },
    pre_tokenizer: { type: "Metaspace", replacement: "\u2581", prepend_scheme: "first", split: true },
    post_processor: template("<s>", 1),
    decoder: spmDecoder(true),
    model: model(vocab, merges, { unk_token: "<unk>", fuse_unk: true }),
  });
}
const overlapping = (n) => [added(n, "<|endoftext|>"), added(n + 1, "<ab>", { special: false }), added(n + 2, "b><abc>", { special: false })];
function digitsStyle() {
  // A byte is missing, so characters with it are left out.
  const { vocab, merges } = train(roughWords(texts).map(byteLevel), alphabet.filter((c) => c !== alphabet[0xf0]), 300);
  return file({
    added_tokens: overlapping(vocab.size),
    pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Digits", individual_digits: true }, level({})] },
    post_processor: level({ trim_offsets: false }),
    decoder: level({}),
    model: model(vocab, merges, {}),
  });
}
function prefixStyle() {
  const { vocab, merges } = train(roughWords(texts).map(byteLevel), alphabet, 300);
  return file({ added_tokens: overlapping(vocab.size), pre_tokenizer: level({ add_prefix_space: true }), decoder: level({}), model: model(vocab, merges, {}) });
}

// The four passes of llama.cpp for files that name no pattern, said in the words of tokenizer.json.
function defaultStyle() {
  const { vocab, merges } = train(roughWords(texts).map(byteLevel), alphabet, 300);
  const gpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";
  const passes = [split("[\\p{P}\\$\\+<=>\\^~\\|]+"), split(gpt2), split("\\p{N}+"), split("[0-9][0-9][0-9]"), level({ use_regex: false })];
  return file({ pre_tokenizer: { type: "Sequence", pretokenizers: passes }, decoder: level({}), model: model(vocab, merges, {}) });
}

// ---- Recording -----------------------------------------------------------------------------------------------------------------
async function record(name, definition, randomCount) {
  const all = Tokenizer.fromString(JSON.stringify(definition));
  // Special tokens that no text contains: what is left is how text of a user is read.
  const hidden = structuredClone(definition);
  for (const t of hidden.added_tokens) if (t.special && !(t.content in definition.model.vocab)) t.content = `\u0001hidden-${t.id}\u0001`;
  hidden.added_tokens = hidden.added_tokens.filter((t) => !(t.special && t.content in definition.model.vocab));
  const plain = Tokenizer.fromString(JSON.stringify(hidden));
  const marks = definition.added_tokens.map((t) => t.content).slice(0, 40);
  const special = marks.flatMap((m) => [m, ` ${m} `, `a${m}b`, `x ${m} y\n${m}${m} z`, m.slice(0, -1), `${m}${m.slice(1)}`]);
  // Where a normalizer puts a space in front, this version writes a normalized added token with that space: a slip, so its text isn't recorded.
  const slips = new Set(definition.normalizer?.type === "Sequence" ? definition.added_tokens.filter((t) => t.normalized).map((t) => t.id) : []);
  const cases = [];
  for (const text of [...texts, ...special.slice(0, 120), ...random(randomCount, marks)]) {
    const ids = (await all.encode(text, null, { addSpecialTokens: false })).getIds();
    const idsAdded = (await all.encode(text, null, { addSpecialTokens: true })).getIds();
    const idsPlain = (await plain.encode(text, null, { addSpecialTokens: false })).getIds();
    cases.push({
      text, ids_parse_special: ids, ...(idsAdded.join() === ids.join() ? {} : { ids_add_special_parse_special: idsAdded }), ...(idsPlain.join() === ids.join() ? {} : { ids: idsPlain }),
      ...(ids.some((id) => slips.has(id)) ? {} : { decoded: await all.decode(ids, true), decoded_with_special: await all.decode(ids, false) }),
    });
  }
  writeFileSync(here(`${name}.json`), `[\n${cases.map((c) => JSON.stringify(c)).join(",\n")}\n]\n`);
  console.log(name, cases.length);
}
async function small(name, definition, config) {
  mkdirSync(here(name), { recursive: true });
  writeFileSync(here(`${name}/tokenizer.json`), JSON.stringify(definition) + "\n");
  writeFileSync(here(`${name}/tokenizer_config.json`), JSON.stringify(config, null, 1) + "\n");
  await record(name, definition, 150);
}
await small("llama3-style", llama3Style(), { bos_token: "<|begin_of_text|>", eos_token: "<|end_of_text|>" });
await small("llama2-style", llama2Style(), { bos_token: { content: "<s>" }, eos_token: "</s>", add_bos_token: true });
await small("metaspace-style", metaspaceStyle(), { bos_token: "<s>", eos_token: "</s>" });
await small("prefix-style", prefixStyle(), { bos_token: "<|endoftext|>", eos_token: "<|endoftext|>" });
await small("default-style", defaultStyle(), {});
await small("digits-style", digitsStyle(), { bos_token: "<|endoftext|>", eos_token: "<|endoftext|>" });
const folder = process.argv[2];
if (folder && existsSync(join(folder, "qwen3.tokenizer.json"))) {
  await record("qwen3", JSON.parse(readFileSync(join(folder, "qwen3.tokenizer.json"), "utf8")), 200);
}
