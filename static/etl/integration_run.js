// Running by hand: days are asked for by a backfill only.
"use strict";

(() => {
  const mode = document.getElementById("run-mode");
  const days = document.querySelector("[data-backfill]");
  if (!mode || !days) return;
  const since = document.getElementById("run-since");

  function show() {
    days.hidden = mode.value !== "backfill";
    since.required = !days.hidden;
  }

  mode.addEventListener("change", show);
  show();
})();
