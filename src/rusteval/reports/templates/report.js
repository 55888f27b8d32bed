// What happens when: clicks, keys, addresses, and the mode that the whole page is looked at in.
function setMode(mode) {
  state.mode = mode;
  for (const part of document.querySelectorAll("[data-mode]")) part.hidden = part.dataset.mode !== index.modes[mode].name;
  for (const input of document.querySelectorAll("input[name=mode]")) input.checked = input.value === index.modes[mode].name;
  updateTasks();
  fillViewer();
}

const nextMode = () => setMode((state.mode + 1) % index.modes.length);
const showHelp = () => byId("help").open || byId("help").showModal();
const inViewer = {
  "ArrowLeft": () => stepTask(-1),
  "ArrowRight": () => stepTask(1),
  "j": () => stepAnswer(1),
  "k": () => stepAnswer(-1),
  "1": () => activate(index.roles[0].role),
  "2": () => activate(index.roles[index.roles.length - 1].role),
  "m": nextMode,
  "?": showHelp,
};
const onPage = {
  "/": () => byId("find").focus(),
  "j": () => moveInTable(1),
  "k": () => moveInTable(-1),
  "m": nextMode,
  "?": showHelp,
};

function isTyping(target) {
  return target.matches("select, input:not([type=radio], [type=checkbox])");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target) || byId("help").open) return;
  const inChips = viewer.open && event.target.closest(".chips");
  const renamed = inChips ? { ArrowDown: "j", ArrowUp: "k" }[event.key] || event.key : event.key;
  if (renamed.length === 1 && renamed === event.key && !byId("shortcuts").checked) return;
  const action = (viewer.open ? inViewer : onPage)[renamed];
  const scrolls = event.target.matches("pre") && event.target.scrollWidth > event.target.clientWidth;
  if (!action || (scrolls && renamed.startsWith("Arrow"))) return;
  event.preventDefault();
  action();
});

function showLinked() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const number = index.tasks.findIndex((task) => task.id === asked.get("task"));
  if (number < 0) return;
  const mode = index.modes.findIndex((entry) => entry.name === asked.get("mode"));
  if (mode >= 0) setMode(mode);
  showTask(number, Object.fromEntries(asked));
}

for (const id of ["filter-group", "filter-error", "filter-category"]) byId(id).addEventListener("input", updateTasks);
for (const id of ["find", "find-answers"]) byId(id).addEventListener("input", searchAnswers);
byId("clear").addEventListener("click", clearFilters);
taskBody.addEventListener("click", (event) => {
  const button = event.target.closest("button.open");
  if (button) showTask(Number(button.closest("tr").dataset.index));
});
for (const button of document.querySelectorAll("#task-table button.sort")) {
  button.addEventListener("click", () => sortBy(button.dataset.key));
  button.disabled = false;
}
for (const input of document.querySelectorAll("input[name=mode]")) {
  input.addEventListener("input", () => setMode(index.modes.findIndex((entry) => entry.name === input.value)));
}
for (const button of viewer.querySelectorAll(".tabs button")) button.addEventListener("click", () => activate(button.dataset.role));
for (const [role, column] of columns) column.addEventListener("focusin", () => activate(role));
for (const button of viewer.querySelectorAll("button[data-step]")) {
  button.addEventListener("click", () => choose(button.dataset.role, chosen[button.dataset.role] + Number(button.dataset.step)));
}
byId("previous").addEventListener("click", () => stepTask(-1));
byId("next").addEventListener("click", () => stepTask(1));
byId("viewer-mode").addEventListener("click", nextMode);
byId("close").addEventListener("click", () => viewer.close());
viewer.addEventListener("close", closeViewer);
for (const button of document.querySelectorAll("button.help")) button.addEventListener("click", showHelp);
byId("close-help").addEventListener("click", () => byId("help").close());
for (const code of document.querySelectorAll("main pre.rust")) showRust(code, code.textContent);
for (const button of taskBody.querySelectorAll("button.open")) button.disabled = false;
for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;
window.addEventListener("hashchange", () => {
  const link = document.activeElement;
  opener = link && link.matches("a[href^='#task=']") ? link : null;
  showLinked();
});
setMode(0);
showLinked();
