// The inbox: a rule that is chosen fills its target and place in; editing either lets go of it.
"use strict";

document.addEventListener("change", (event) => {
  const form = event.target.closest(".inbox-form");
  if (!form) return;
  if (event.target.matches("[data-like]")) {
    const chosen = event.target.selectedOptions[0];
    if (!chosen.value) return;
    form.elements.target.value = chosen.dataset.target;
    form.elements.place.value = chosen.dataset.place;
  } else if (event.target.name === "target" || event.target.name === "place") {
    if (form.elements.like) form.elements.like.value = "";
  }
});

// j and k go from row to row, as in mail.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  if (event.key !== "j" && event.key !== "k") return;
  const rows = [...document.querySelectorAll(".inbox-row")];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[event.key === "j" ? at + 1 : Math.max(at - 1, 0)];
  const button = next && next.querySelector(".inbox-buttons button");
  if (button) button.focus();
});
