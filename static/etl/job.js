// The page of a job: the current run as it goes on, and what the schedule comes to as it is typed.
"use strict";

(() => {
  const TYPED_MS = 250;
  const page = document.getElementById("job");
  if (!page) return;
  const byId = (id) => document.getElementById(id);
  const number = (value) => value.toLocaleString("en");

  function duration(seconds) {
    const whole = Math.round(seconds);
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  }

  function put(id, text) {
    const found = byId(id);
    if (found && found.textContent !== text) found.textContent = text;
  }

  // ---- the current run; what changes buttons is written by the server

  let told = null;

  function show(state) {
    const run = state.runs[0];
    if (!run) return;
    const now = `${run.id} ${run.state} ${run.is_paused} ${run.is_cancelling}`;
    const isOther = told === null
      ? String(run.id) !== page.dataset.run || run.state !== page.dataset.state
      : told !== now;
    told = now;
    if (isOther && !isEditing()) {
      window.location.reload();
      return;
    }
    put("job-records", number(run.records));
    put("job-rows", number(run.rows));
    put("job-quarantined", number(run.quarantined));
    put("job-lasted", duration(run.seconds));
    put("job-state", run.is_cancelling ? "Cancelling" : run.is_paused ? "Paused" : run.state_label);
    put("job-waits", run.is_finished ? "" : waits(run));
    const bar = byId("job-bar");
    if (!bar) return;
    bar.hidden = run.is_finished;
    if (run.percent === null) bar.removeAttribute("aria-valuenow");
    else bar.setAttribute("aria-valuenow", run.percent);
    bar.firstElementChild.style.width = `${run.percent ?? 100}%`;
    bar.classList.toggle("run-open", run.percent === null && !run.is_paused);
  }

  function waits(run) {
    if (run.is_paused) return "Paused: nothing more is begun until it is resumed.";
    if (run.waiting_until) {
      const at = new Date(run.waiting_until).toLocaleTimeString("en-GB", { timeZone: document.documentElement.dataset.timeZone || "UTC" });
      return `Waiting until ${at}: ${run.waiting_for}`;
    }
    if (run.percent === null) return "So far; how much is to come is not known yet.";
    return run.seconds_left === null ? "" : `About ${duration(run.seconds_left)} left.`;
  }

  function isEditing() {
    const form = byId("schedule");
    return Boolean(form && (form.dataset.touched || form.contains(document.activeElement)));
  }

  function mode(name, text) {
    byId("job-live").dataset.mode = name;
    put("job-live", text);
  }

  // ---- the schedule

  function showHow(form) {
    const how = new FormData(form).get("how");
    for (const part of form.querySelectorAll("[data-how]")) part.hidden = part.dataset.how !== how;
  }

  function showForeseen(form, found) {
    for (const place of form.querySelectorAll("[data-error]")) {
      place.textContent = (found.errors[place.dataset.error] || [""])[0];
    }
    const next = byId("schedule-next");
    const isWrong = Object.keys(found.errors).length > 0;
    next.querySelector("[data-part=words]").textContent = isWrong
      ? "This cannot be kept as it is."
      : found.words ? found.words[0].toUpperCase() + found.words.slice(1) : "No schedule";
    const items = (isWrong ? [] : found.next).map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    });
    next.querySelector("ol").replaceChildren(...items);
  }

  function watchSchedule(form) {
    let timer = 0;
    let asked = 0;
    async function ask() {
      asked += 1;
      const mine = asked;
      try {
        const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form) });
        if (answer.ok && mine === asked) showForeseen(form, await answer.json());
      } catch {
        // Without the server nothing is foreseen; saving will say so.
      }
    }
    form.addEventListener("input", () => {
      form.dataset.touched = "yes";
      showHow(form);
      clearTimeout(timer);
      timer = setTimeout(ask, TYPED_MS);
    });
    form.addEventListener("click", (event) => {
      const preset = event.target.closest("[data-preset]");
      if (!preset) return;
      const [how, value] = preset.dataset.preset.split(/:(.*)/);
      form.querySelector(`[name=how][value=${how}]`).checked = true;
      byId(how === "cron" ? "id_cron" : "id_interval_minutes").value = value;
      byId("id_is_active").checked = true;
      form.dispatchEvent(new Event("input"));
    });
    showHow(form);
  }

  document.addEventListener("submit", (event) => {
    const asks = event.submitter && event.submitter.dataset.confirm;
    if (asks && !window.confirm(asks)) event.preventDefault();
  });

  document.addEventListener("DOMContentLoaded", () => {
    for (const bar of page.querySelectorAll("[data-share]")) {
      bar.firstElementChild.style.width = `${bar.dataset.share}%`;
    }
    const form = byId("schedule");
    if (form) watchSchedule(form);
    window.EtlLive.watch(`job:${page.dataset.job}`, { show, mode });
  });
})();
