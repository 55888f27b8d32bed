// The table of tasks: filters, search, order, and the numbers of the mode that is looked at.
const taskBody = byId("task-table").tBodies[0];
const taskRows = Array.from(taskBody.rows, (row, number) => ({ row, number, task: index.tasks[number] }));
const order = { key: "suite", falling: false };
let answersFound = null;
let searchNumber = 0;

const solved = (task, role) => (countOf(task, role, state.mode) || [0])[0] > 0;
const groups = {
  "all": () => true,
  "only-base": (task) => solved(task, "base") && !solved(task, "finetuned"),
  "only-finetuned": (task) => solved(task, "finetuned") && !solved(task, "base"),
  "both": (task) => solved(task, "base") && solved(task, "finetuned"),
  "neither": (task) => !solved(task, "base") && !solved(task, "finetuned"),
  "solved": (task) => solved(task, "base") || solved(task, "finetuned"),
  "gains": (task) => (differenceOf(task, state.mode) || 0) > 0,
  "losses": (task) => (differenceOf(task, state.mode) || 0) < 0,
  "weak": (task) => task.weak[state.mode],
  "suspicious": (task) => task.suspicious !== null,
};
const sortKeys = {
  "suite": ({ number }) => number,
  "category": ({ task }) => task.category,
  "base": ({ task }) => rateOf(countOf(task, "base", state.mode)),
  "finetuned": ({ task }) => rateOf(countOf(task, "finetuned", state.mode)),
  "difference": ({ task }) => differenceOf(task, state.mode),
};

function visibleTasks() {
  return Array.from(taskBody.rows).filter((row) => !row.hidden).map((row) => Number(row.dataset.index));
}

const wantedWords = () => byId("find").value.trim().toLowerCase();

// Says of one answer whether it is why its task is shown.
function isLookedFor(answer) {
  const error = byId("filter-error").value;
  const verdict = verdictIn(answer, state.mode);
  if (error) return error === verdict.error || error === verdict.rustc;
  if (byId("filter-group").value === "weak") return verdict.weak;
  return wantedWords() !== "" && answersFound !== null && textOf(answer).includes(wantedWords());
}

function isShown({ task, number }) {
  const error = byId("filter-error").value;
  const category = byId("filter-category").value;
  const wanted = wantedWords();
  const words = [task.id, task.entry, task.category, task.prompt].join("\n").toLowerCase();
  return groups[byId("filter-group").value](task)
    && (!error || task.errors[state.mode].includes(error))
    && (!category || task.category === category)
    && (words.includes(wanted) || (answersFound !== null && answersFound.has(number)));
}

// Values that are missing stand last, whichever way the table is sorted.
function compareRows(a, b) {
  const [left, right] = [sortKeys[order.key](a), sortKeys[order.key](b)];
  if (left === null || right === null) return (left === null) - (right === null) || a.number - b.number;
  const rising = left < right ? -1 : left > right ? 1 : 0;
  return (order.falling ? -rising : rising) || a.number - b.number;
}

function fillNumbers({ row, task }) {
  for (const cell of row.querySelectorAll("td[data-role]")) {
    const count = countOf(task, cell.dataset.role, state.mode);
    cell.textContent = passesOf(count);
    cell.style.setProperty("--share", rateOf(count) || 0);
  }
  const cell = row.querySelector("td[data-difference]");
  if (!cell) return;
  const difference = differenceOf(task, state.mode);
  cell.textContent = pointsOf(difference);
  cell.className = "number " + (difference > 0 ? "gain" : difference < 0 ? "loss" : "");
}

function updateTasks() {
  for (const entry of taskRows) {
    fillNumbers(entry);
    entry.row.hidden = !isShown(entry);
  }
  taskBody.append(...taskRows.slice().sort(compareRows).map(({ row }) => row));
  for (const button of document.querySelectorAll("#task-table button.sort")) {
    const sorted = button.dataset.key === order.key;
    button.closest("th").setAttribute("aria-sort", sorted ? (order.falling ? "descending" : "ascending") : "none");
  }
  byId("shown").textContent = visibleTasks().length + " of " + taskRows.length + " tasks";
}

function sortBy(key) {
  const numbers = ["base", "finetuned", "difference"].includes(key);
  order.falling = order.key === key ? !order.falling : numbers;
  order.key = key;
  updateTasks();
}

// Looks through every answer and message; a newer search ends an older one.
async function searchAnswers() {
  const mine = ++searchNumber;
  const wanted = wantedWords();
  answersFound = null;
  if (wanted && byId("find-answers").checked) {
    const found = new Set();
    for (const { number } of taskRows) {
      const text = await searchTextOf(number);
      if (mine !== searchNumber) return;
      if (text.includes(wanted)) found.add(number);
      byId("shown").textContent = "searched " + (number + 1) + " of " + taskRows.length + " tasks";
    }
    answersFound = found;
  }
  updateTasks();
}

function clearFilters() {
  for (const id of ["filter-group", "filter-error", "filter-category"]) byId(id).selectedIndex = 0;
  byId("find").value = "";
  searchAnswers();
}

// Moves the focus to the next or previous task that is shown.
function moveInTable(distance) {
  const shown = visibleTasks();
  const here = document.activeElement.closest("#task-table tbody tr");
  const place = here ? shown.indexOf(Number(here.dataset.index)) + distance : 0;
  const next = shown[Math.min(Math.max(place, 0), shown.length - 1)];
  if (next !== undefined) taskRows[next].row.querySelector("button.open").focus();
}
