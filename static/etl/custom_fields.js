// The form of a rule for a custom field: a line to search the list of fields, and the name of a
// column only where the field becomes one.
"use strict";

(() => {
  const SHOWN = 8;

  function searchable(select) {
    const box = document.createElement("div");
    box.className = "cf-search";
    select.replaceWith(box);
    const search = document.createElement("input");
    search.type = "search";
    search.className = select.className.replace(/\b(pr-8|appearance-none)\b/g, "");
    search.placeholder = select.dataset.searched;
    search.setAttribute("aria-label", select.dataset.searched);
    search.setAttribute("aria-controls", select.id);
    search.autocomplete = "off";
    search.spellcheck = false;
    const told = document.createElement("span");
    told.setAttribute("role", "status");
    select.size = SHOWN;
    box.append(search, select, told);

    // Browsers do not all hide options: those that do not match are taken out.
    const groups = [...select.children].map((child) => [child, child.tagName === "OPTGROUP" ? [...child.children] : []]);
    const isWanted = (option, words) => {
      const text = option.textContent.toLowerCase();
      return option.selected || words.every((word) => text.includes(word));
    };
    function apply() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      const shown = [];
      for (const [child, options] of groups) {
        if (!options.length) {
          if (!words.length || child.selected) shown.push(child);
          continue;
        }
        const found = options.filter((option) => isWanted(option, words));
        count += found.filter((option) => words.every((word) => option.textContent.toLowerCase().includes(word))).length;
        child.replaceChildren(...found);
        if (found.length) shown.push(child);
      }
      const chosen = select.value;
      select.replaceChildren(...shown);
      select.value = chosen;
      told.textContent = words.length ? (count ? `${count.toLocaleString("en")} found` : "No field has this in its name or id.") : "";
    }
    search.addEventListener("input", (event) => { event.stopPropagation(); apply(); });
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        const first = [...select.options].find((option) => option.value && !option.selected) || null;
        if (first) {
          select.value = first.value;
          select.dispatchEvent(new Event("change", { bubbles: true }));
        }
        select.focus();
      }
      if (event.key === "ArrowDown") { event.preventDefault(); select.focus(); }
    });
    const chosen = select.selectedOptions[0];
    if (chosen && chosen.value) chosen.scrollIntoView({ block: "nearest" });
  }

  function column(form) {
    const target = form.querySelector("select[name=target]");
    const name = form.querySelector("input[name=column_name]");
    const row = name && (name.closest(".field-column_name") || name.closest(".form-row"));
    if (!target || !row) return;
    const apply = () => row.classList.toggle("cf-hidden", target.value !== "column");
    target.addEventListener("change", apply);
    apply();
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const select of document.querySelectorAll("select[data-searched]")) searchable(select);
    for (const form of document.querySelectorAll("form")) column(form);
  });
})();
