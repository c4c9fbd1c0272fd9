// Choosing from what a source has: a dialog that fills a field of the form. It searches what has
// come, and asks the source where there is more. Names are put in as text.
"use strict";

(() => {
  const integration = window.etlIntegration;
  const dialog = document.getElementById("picker");
  if (!integration || !dialog || !dialog.showModal) return;
  const byId = (id) => document.getElementById(id);
  const list = byId("picker-list");
  const search = byId("picker-search");
  const all = byId("picker-all");
  const WAIT_MS = 350;
  const count = (number) => number.toLocaleString("en");

  // What is chosen now: button, field, the finds by value, chosen values in their order.
  let now = null;

  const split = (text) => [...new Set(text.split(/[,\n]/).map((part) => part.trim()).filter(Boolean))];

  function element(tag, name, text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text) made.textContent = text;
    return made;
  }

  function tell(text, tone) {
    list.replaceChildren(element("p", `etl-picker-told ${tone || ""}`, text));
  }

  const textOf = (each) => [each.value, each.name, each.detail, ...each.marks].join(" ").toLowerCase();

  function matching() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    return [...now.found.values()].filter((each) => words.every((word) => textOf(each).includes(word)));
  }

  function row(each) {
    const made = element("label", "etl-pick");
    const input = element("input");
    input.type = now.isMany ? "checkbox" : "radio";
    input.name = "picked";
    input.value = each.value;
    input.checked = now.chosen.has(each.value);
    input.addEventListener("change", () => {
      if (!now.isMany) now.chosen.clear();
      if (input.checked) now.chosen.add(each.value); else now.chosen.delete(each.value);
      summarise();
    });
    const words = element("span");
    words.append(element("b", "", each.value));
    const told = [each.name, each.detail].filter(Boolean).join(" · ");
    if (told) words.append(element("small", "", told));
    const marks = element("span", "etl-marks");
    for (const mark of each.marks) marks.append(element("span", "etl-tag", mark));
    made.append(input, words, marks);
    return made;
  }

  // What is in the field and not among the finds, such as a pattern: to be seen, and taken out.
  const byHand = () => now.before.filter((value) => !now.found.has(value))
    .map((value) => ({ value, name: "Entered by hand", detail: "", marks: [] }));

  function show() {
    const rows = search.value ? matching() : [...byHand(), ...matching()];
    if (rows.length) list.replaceChildren(...rows.map(row));
    else tell(search.value ? "Nothing matches this search." : "The source shows nothing to choose from. The account may not be permitted to see it.");
    summarise();
  }

  function summarise() {
    const rows = matching();
    const more = now.isAll ? "" : "+";
    const shown = rows.length === now.found.size ? "" : `${count(rows.length)} of `;
    const extra = [...now.chosen].filter((value) => !now.found.has(value)).length;
    byId("picker-count").textContent =
      `${shown}${count(now.found.size)}${more} found, ${count(now.chosen.size)} chosen` +
      (extra ? ` (${count(extra)} by hand)` : "");
    byId("picker-use").textContent = now.chosen.size ? `Use ${count(now.chosen.size)}` : now.isMany ? "Use all" : "Use none";
    const on = rows.filter((each) => now.chosen.has(each.value)).length;
    all.checked = rows.length > 0 && on === rows.length;
    all.indeterminate = on > 0 && on < rows.length;
    all.disabled = !rows.length;
  }

  async function ask(words) {
    const asked = now;
    asked.asking = words;
    if (!asked.found.size) tell("Asking the source…");
    byId("picker-count").textContent = "Asking the source…";
    let problem = "";
    try {
      const answer = await integration.post(integration.form.dataset.discover, { picks: asked.picks, search: words });
      const told = await answer.json();
      if (now !== asked || asked.asking !== words) return;
      if (answer.status === 422) {
        dialog.close("cancel");
        integration.showErrors(told.errors);
        return;
      }
      integration.showErrors({});
      if (!answer.ok) problem = told.error;
      else {
        for (const each of told.found) asked.found.set(each.value, each);
        if (!words) asked.isAll = told.is_all;
      }
    } catch (error) {
      problem = "The server did not answer. Try again.";
    }
    if (now !== asked || asked.asking !== words) return;
    if (problem) {
      tell(problem, "etl-bad");
      byId("picker-count").textContent = "";
    } else show();
  }

  function open(button) {
    const field = byId(button.dataset.for);
    now = {
      field, picks: button.dataset.picks, isMany: button.dataset.many === "yes",
      found: new Map(), isAll: true, before: split(field.value), chosen: new Set(split(field.value)),
      asking: "",
    };
    byId("picker-title").textContent = button.dataset.label;
    byId("picker-all-label").hidden = !now.isMany;
    search.value = "";
    byId("picker-use").textContent = "Use";
    dialog.returnValue = "cancel";
    dialog.showModal();
    search.focus();
    ask("");
  }

  let timer = 0;
  search.addEventListener("input", () => {
    if (now.found.size) show();
    window.clearTimeout(timer);
    const words = search.value.trim();
    if (!now.isAll && words) timer = window.setTimeout(() => { if (dialog.open) ask(words); }, WAIT_MS);
  });
  search.addEventListener("keydown", (event) => {
    // Enter in the search chooses nothing and closes nothing.
    if (event.key === "Enter") event.preventDefault();
    if (event.key === "ArrowDown") { event.preventDefault(); list.querySelector("input")?.focus(); }
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !now.isMany) return;
    event.preventDefault();
    const inputs = [...list.querySelectorAll("input")];
    const place = inputs.indexOf(document.activeElement) + step;
    (place < 0 ? search : inputs[Math.min(place, inputs.length - 1)]).focus();
  });
  all.addEventListener("change", () => {
    for (const each of matching()) {
      if (all.checked) now.chosen.add(each.value); else now.chosen.delete(each.value);
    }
    show();
  });
  dialog.addEventListener("close", () => {
    if (now && dialog.returnValue === "use") {
      now.field.value = [...now.chosen].join(now.isMany ? ", " : "");
      now.field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    now = null;
  });
  for (const button of integration.form.querySelectorAll("[data-picks]")) {
    button.hidden = false;
    button.addEventListener("click", () => open(button));
  }
})();
