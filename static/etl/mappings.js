// Pages of the rules: the panel that says what saving would change, names narrowed by their
// integration, and the progress of an edit that is being prepared. Steps are in steps.js.
"use strict";

(() => {
  const WAIT_MS = 350;
  const POLL_MS = 2000;

  // The panel. What the server answers is our own markup with everything in it escaped.

  class Panel {
    constructor(element) {
      this.element = element;
      this.form = document.getElementById(element.dataset.form);
      this.body = element.querySelector("[data-panel-body]");
      this.state = element.querySelector("[data-panel-state]");
      this.timer = 0;
      this.running = null;
      this.asked = "";
      if (!this.form) return;
      for (const event of ["input", "change"]) {
        this.form.addEventListener(event, () => this.soon());
      }
      this.form.addEventListener("steps-changed", () => this.soon());
      // What was added in a window of its own is chosen without an event.
      window.addEventListener("focus", () => { if (this.asked && this.asked !== this.values()) this.soon(); });
      element.addEventListener("click", (event) => {
        if (event.target.closest("[data-panel-again]")) this.ask();
      });
      if ("now" in element.dataset || this.isFilled()) this.ask();
    }

    // A form for something new that came filled in, or back with errors, has something to say.
    isFilled() {
      return location.search.includes("from_") || Boolean(document.querySelector(".errornote"));
    }

    values() { return new URLSearchParams(new FormData(this.form)).toString(); }

    soon() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), WAIT_MS);
    }

    async ask() {
      clearTimeout(this.timer);
      if (this.running) this.running.abort();
      const running = new AbortController();
      this.running = running;
      this.asked = this.values();
      this.element.setAttribute("aria-busy", "true");
      this.state.textContent = "Working it out…";
      try {
        const body = new FormData(this.form);
        body.set("_preview", "1");
        const answer = await fetch(this.element.dataset.preview, {
          method: "POST", body, signal: running.signal, credentials: "same-origin",
        });
        if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
        const text = await answer.text();
        if (running.signal.aborted) return;
        this.body.innerHTML = text;
        this.state.textContent = "";
      } catch (error) {
        if (running.signal.aborted) return;
        this.fail(error);
      }
      this.element.removeAttribute("aria-busy");
    }

    fail(error) {
      this.state.textContent = "";
      const told = document.createElement("p");
      told.className = "mp-verdict";
      told.textContent = error.message === "403"
        ? "You may not edit these rules."
        : "What this changes cannot be worked out now. Saving works as ever, and can be undone.";
      const again = document.createElement("button");
      again.type = "button";
      again.className = "etl-button etl-button-quiet";
      again.dataset.panelAgain = "";
      again.textContent = "Try again";
      this.body.replaceChildren(told, again);
    }
  }

  // Names that occur in the chosen integration only.

  function narrow(form) {
    const integration = form.querySelector("select[name=integration]");
    if (!integration) return;
    const lists = [...form.querySelectorAll("datalist")].map((list) => [list, [...list.options]]);
    const apply = () => {
      for (const [list, options] of lists) {
        const seen = new Set();
        list.replaceChildren(...options.filter((option) => {
          const here = !integration.value || option.dataset.integration === integration.value;
          const isNew = !seen.has(option.value);
          if (here && isNew) seen.add(option.value);
          return here && (isNew || !integration.value);
        }));
      }
    };
    integration.addEventListener("change", apply);
    apply();
  }

  // A step says the category: then there is none to choose.
  function withStep(form) {
    const step = form.querySelector("select[name=step]");
    const category = form.querySelector("select[name=category]");
    if (!step || !category) return;
    const apply = () => { category.disabled = Boolean(step.value) && step.value !== "none"; };
    step.addEventListener("change", apply);
    apply();
  }

  // An edit that a run prepares.

  function follow(banner) {
    const address = banner.dataset.runPoll;
    if (!address) return;
    const told = banner.querySelector("[data-run-told]");
    const bar = banner.querySelector(".etl-bar");
    const ask = async () => {
      try {
        const answer = await fetch(address, { credentials: "same-origin" });
        if (answer.ok) {
          const run = await answer.json();
          if (run.is_finished) { location.reload(); return; }
          let done = 0, total = 0;
          for (const stage of run.stages || []) {
            done += stage.done;
            total += stage.queued + stage.running + stage.done + stage.dead + stage.cancelled;
          }
          const percent = total ? Math.round((100 * done) / total) : 0;
          told.textContent = `${percent}% prepared`;
          bar.setAttribute("aria-valuenow", String(percent));
          bar.firstElementChild.style.width = `${percent}%`;
        }
      } catch { told.textContent = "progress cannot be had now"; }
      setTimeout(ask, POLL_MS);
    };
    ask();
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const panel of document.querySelectorAll("[data-preview]")) new Panel(panel);
    for (const form of document.querySelectorAll("form")) { narrow(form); withStep(form); }
    for (const banner of document.querySelectorAll("[data-run-poll]")) follow(banner);
  });
})();
