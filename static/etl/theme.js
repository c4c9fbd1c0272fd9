// Sets the theme before anything is painted: that of the user's preferences, which stand on
// <html data-theme>; on pages that nobody is signed in to see, the one that was last.
"use strict";

(() => {
  const KEY = "adminTheme"; // under which unfold keeps the theme, as JSON
  const MODES = { light: "light", dark: "dark", system: "auto" };
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function kept() {
    try {
      return JSON.parse(localStorage.getItem(KEY));
    } catch {
      return null;
    }
  }

  const mode = MODES[root.dataset.theme] || kept() || "auto";

  function apply() {
    root.classList.toggle("dark", mode === "dark" || (mode === "auto" && system.matches));
  }

  try {
    localStorage.setItem(KEY, JSON.stringify(mode));
  } catch {
    // Without storage the theme still holds for this page.
  }
  apply();
  system.addEventListener("change", apply);
})();
