// What every page of the site does: toasts, Ctrl+E for the theme, buttons that copy.
"use strict";

(() => {
  const READ_MS = 8000;

  // A message that asks for nothing goes when it has been read; pointing at it, or being in it,
  // keeps it. Errors, warnings and messages with something to press stay until they are closed.
  function fade(toast) {
    const stays = toast.matches(".etl-toast-error, .etl-toast-warning") ||
      toast.querySelector(".etl-toast-text a, .etl-toast-text form, .etl-toast-text button");
    if (stays) return;
    let timer = 0;
    const start = () => { timer = window.setTimeout(() => toast.remove(), READ_MS); };
    const stop = () => window.clearTimeout(timer);
    for (const event of ["pointerenter", "focusin"]) toast.addEventListener(event, stop);
    for (const event of ["pointerleave", "focusout"]) toast.addEventListener(event, start);
    start();
  }

  // unfold writes the name of a chosen file into a text field near it, and fails without one.
  const isAlone = (input) => !input.parentNode.parentNode.parentNode.querySelector("input[type=text]");

  document.addEventListener("DOMContentLoaded", () => {
    for (const toast of document.querySelectorAll(".etl-toast")) fade(toast);
    for (const input of document.querySelectorAll("input[type=file]")) {
      if (isAlone(input)) input.hasChangeListener = true;
    }
  });

  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-close-toast]");
    if (close) close.closest(".etl-toast").remove();
    const copy = event.target.closest("[data-copy]");
    if (copy) copyFrom(copy, document.getElementById(copy.dataset.copy));
  });

  function copyFrom(button, field) {
    field.select();
    const done = () => { button.textContent = "Copied"; };
    if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(done, () => {});
    else if (document.execCommand("copy")) done();
  }

  // unfold would change the theme of this page only; the choice is the user's, and kept.
  window.addEventListener("keydown", (event) => {
    const form = document.getElementById("theme-form");
    if (!form || event.key !== "e" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const next = document.documentElement.classList.contains("dark") ? "light" : "dark";
    form.requestSubmit(form.querySelector(`[value=${next}]`));
  }, true);

  // Esc closes the last message.
  window.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const toasts = document.querySelectorAll(".etl-toast");
    if (toasts.length) toasts[toasts.length - 1].remove();
  });
})();
