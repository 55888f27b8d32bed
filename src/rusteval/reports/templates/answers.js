// The index of the tasks, and the answers behind it: one compressed block per task, unpacked when it is needed.
const byId = (id) => document.getElementById(id);
const index = JSON.parse(byId("index").textContent);
const state = { mode: 0, task: null, active: index.roles[0].role };
const KEPT = 6;
const unpacked = new Map();
const searchTexts = new Map();

async function unpack(number) {
  const packed = Uint8Array.from(atob(byId("answers-" + number).textContent), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

async function answersOf(number) {
  if (!unpacked.has(number)) {
    unpacked.set(number, await unpack(number));
    if (unpacked.size > KEPT) unpacked.delete(unpacked.keys().next().value);
  }
  return unpacked.get(number);
}

const textOf = (answer) => [answer.code, answer.message, answer.plus, answer.plus_message, answer.clippy_message, answer.verdicts[0].result].join("\n").toLowerCase();

async function searchTextOf(number) {
  if (!searchTexts.has(number)) {
    const answers = Object.values((await unpack(number)).answers).flatMap((own) => own.shown);
    searchTexts.set(number, answers.map(textOf).join("\n"));
  }
  return searchTexts.get(number);
}

// In a mode without a verdict of its own the answer fares as in the first.
const verdictIn = (answer, mode) => answer.verdicts[mode] || answer.verdicts[0];
const countOf = (task, role, mode) => task.counts[mode][role];
const rateOf = (count) => (count && count[1] ? count[0] / count[1] : null);
const passesOf = (count) => (count ? count[0] + " of " + count[1] : "n/a");

function differenceOf(task, mode) {
  const [base, finetuned] = ["base", "finetuned"].map((role) => rateOf(countOf(task, role, mode)));
  return base === null || finetuned === null ? null : finetuned - base;
}

function pointsOf(difference) {
  if (difference === null) return "n/a";
  const written = (difference * 100).toFixed(1);
  return Number(written) === 0 ? "0.0" : difference > 0 ? "+" + written : written;
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}
