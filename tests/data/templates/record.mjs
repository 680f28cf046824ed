// Records what @huggingface/jinja makes of every template with every chat, and of every snippet.
// Usage: npm install --prefix DIR @huggingface/jinja@0.5.11
//        node record.mjs DIR/node_modules/@huggingface/jinja/dist/index.js
// Writes recorded.json beside this file. The clock stands at 2024-07-04T09:05:00Z.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

process.env.TZ = "UTC";
const library = resolve(process.argv[2]);
const libraryLines = readFileSync(library, "utf8").split("\n");
const { Template } = await import(pathToFileURL(library));
const here = dirname(fileURLToPath(import.meta.url));
const read = (name) => readFileSync(join(here, name), "utf8");

const RealDate = Date;
globalThis.Date = class extends RealDate {
	constructor(...parts) {
		super(...(parts.length ? parts : ["2024-07-04T09:05:00Z"]));
	}
};

// An error is "raised" if the line that threw it is that of raise_exception.
function kindOf(error) {
	const frame = /index\.js:(\d+):\d+/.exec(error.stack ?? "");
	return frame && libraryLines[frame[1] - 1].trim() === "throw new Error(args);" ? "raised" : "failed";
}

function render(source, values) {
	try {
		return { output: new Template(source).render(structuredClone(values)) };
	} catch (error) {
		return { [kindOf(error)]: error.message };
	}
}

const chats = JSON.parse(read("chats.json"));
const templates = {};
for (const file of readdirSync(here).filter((name) => name.endsWith(".jinja")).sort()) {
	const source = read(file);
	templates[file.replace(".jinja", "")] = chats.flatMap(({ name, ...values }) =>
		[false, true].map((add_generation_prompt) => ({
			chat: name,
			add_generation_prompt,
			...render(source, { bos_token: "<s>", eos_token: "</s>", add_generation_prompt, ...values }),
		})),
	);
}

const { values, snippets } = JSON.parse(read("snippets.json"));
// Characters whose case differs from themselves, white space, and floats from random bits (a linear congruential generator).
const characters = { upper: {}, lower: {}, white: "", numbers: [] };
for (let code = 1; code <= 0xffff; code++) {
	if (code >= 0xd800 && code <= 0xdfff) continue;
	const c = String.fromCharCode(code);
	for (const filter of ["upper", "lower"]) {
		const { output } = render(`{{ c|${filter} }}`, { c });
		if (output !== c) characters[filter][c] = output;
	}
	if (render("{{ c|trim }}", { c }).output === "") characters.white += c;
}
let state = 1n;
while (characters.numbers.length < 500) {
	state = BigInt.asIntN(64, state * 6364136223846793005n + 1442695040888963407n);
	const x = new Float64Array(new BigInt64Array([state]).buffer)[0];
	const scaled = characters.numbers.length % 2 ? x : (Number(state >> 11n) / 2 ** 52) * 10 ** Number(BigInt.asUintN(5, state) - 9n);
	if (Number.isInteger(scaled) || !Number.isFinite(scaled)) continue;
	const bits = new BigInt64Array(new Float64Array([scaled]).buffer)[0].toString();
	characters.numbers.push({ bits, ...render("{{ x }}|{{ x|tojson }}|{{ '' ~ x }}", { x: scaled }) });
}

const rows = (list) => "[\n" + list.map((row) => JSON.stringify(row)).join(",\n") + "\n]";
const parts = Object.entries(templates).map(([name, list]) => `${JSON.stringify(name)}: ${rows(list)}`);
const recorded = snippets.map((template) => ({ template, ...render(template, values) }));
writeFileSync(join(here, "recorded.json"), `{\n"templates": {\n${parts.join(",\n")}\n},\n"snippets": ${rows(recorded)},\n"characters": ${JSON.stringify(characters)}\n}\n`);
