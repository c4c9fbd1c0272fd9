// The Jobs page: counts climb as the socket tells, rows are asked for anew when a run begins or
// ends, and countdowns tick. Without a socket the rows are asked for every few seconds.
"use strict";

(() => {
  const TICK_MS = 1000;
  const page = document.getElementById("jobs");
  if (!page) return;

  const number = (value) => value.toLocaleString("en");
  const rows = () => document.getElementById("job-rows");
  const rowOf = (job) => document.querySelector(`[data-job="${job}"]`);

  function put(row, part, text) {
    const found = row.querySelector(`[data-part="${part}"]`);
    if (found && found.textContent !== text) found.textContent = text;
  }

  function refresh() {
    if (rows()) window.htmx.trigger(document.body, "etl:jobs");
  }

  function stateOf(run) {
    if (run.is_cancelling) return "Cancelling";
    return run.is_paused ? "Paused" : run.state_label;
  }

  // What began, ended, was paused or resumed changes buttons and words: the server writes them.
  function show(state) {
    const newest = new Map();
    for (const run of state.runs) if (!newest.has(run.job)) newest.set(run.job, run);
    let isStale = false;
    for (const [job, run] of newest) {
      const row = rowOf(job);
      if (!row) continue;
      const told = `${run.id} ${run.state} ${run.is_paused} ${run.is_cancelling}`;
      if (row.dataset.told !== undefined && row.dataset.told !== told) isStale = true;
      if (row.dataset.told === undefined && row.dataset.state !== run.state) isStale = true;
      row.dataset.told = told;
      if (run.is_finished) continue;
      put(row, "records", number(run.records));
      put(row, "rows", number(run.rows));
      put(row, "state", stateOf(run));
      showBar(row, run.percent);
    }
    if (isStale) refresh();
  }

  function showBar(row, percent) {
    const bar = row.querySelector('[data-part="bar"]');
    if (!bar) return;
    bar.classList.toggle("etl-bar-busy", percent === null);
    bar.firstElementChild.style.width = percent === null ? "" : `${percent}%`;
    if (percent === null) bar.removeAttribute("aria-valuenow");
    else bar.setAttribute("aria-valuenow", percent);
  }

  function mode(name, text) {
    const live = document.getElementById("jobs-live");
    live.dataset.mode = name;
    live.textContent = text;
  }

  function inWords(seconds) {
    if (seconds < 60) return `in ${seconds} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `in ${minutes} min ${seconds % 60} s`;
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return `in ${hours} h ${minutes % 60} min`;
    return `in ${Math.floor(hours / 24)} days`;
  }

  function tick() {
    for (const time of document.querySelectorAll("time[data-countdown]")) {
      const left = Math.round((new Date(time.dateTime) - Date.now()) / 1000);
      const text = left > 0 ? inWords(left) : "now";
      if (time.textContent !== text) time.textContent = text;
    }
  }

  function showBars() {
    for (const bar of document.querySelectorAll('[data-part="bar"]')) {
      if (bar.dataset.percent) bar.firstElementChild.style.width = `${bar.dataset.percent}%`;
    }
    tick();
  }

  document.addEventListener("submit", (event) => {
    const asks = event.submitter && event.submitter.dataset.confirm;
    if (asks && !window.confirm(asks)) event.preventDefault();
  });
  document.body.addEventListener("htmx:afterSwap", showBars);

  document.addEventListener("DOMContentLoaded", () => {
    showBars();
    setInterval(tick, TICK_MS);
    const tenant = page.dataset.tenant;
    if (tenant && window.EtlLive) window.EtlLive.watch(`tenant:${tenant}`, { show, mode });
    else mode("polling", "Refreshed every few seconds");
  });
})();
