// The run page: shows what live.js brings of the run. Everything is put in as text, for names and
// reasons come from outside.
"use strict";

(() => {
  const TONES = {
    running: "busy", completed: "good", completed_with_errors: "warning", failed: "bad",
    record: "bad", value: "warning",
  };
  const SEVERITIES = { record: "Record set aside", value: "Value left out", note: "Cleaned" };

  const byId = (id) => document.getElementById(id);
  const number = (value) => value.toLocaleString("en");

  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  const tag = (text, tone) => element("span", { class: `etl-tag etl-tag-${tone || "plain"}` }, text);
  const cell = (label, ...children) => element("td", { "data-label": label }, ...children);
  const count = (label, value) =>
    element("td", { "data-label": label, class: `etl-right${value ? "" : " etl-none"}` }, value ? number(value) : "–");

  function duration(seconds) {
    const whole = Math.round(seconds);
    if (seconds < 10) return `${seconds.toFixed(1)} s`;
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  }

  // Times are shown in the person's zone, as on every other page; it is told in the same words.
  const ZONE = document.documentElement.dataset.timeZone || "UTC";
  const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const inZone = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, ...options });
  const TIMES = inZone(TIME);
  const MOMENTS = inZone({ day: "numeric", month: "short", ...TIME });
  const time = (text) => TIMES.format(new Date(text));
  const moment = (text) => (text ? MOMENTS.format(new Date(text)) : "–");

  function barTone(progress) {
    return progress.is_finished ? TONES[progress.state] || "" : "";
  }

  function bar(done, total, dead) {
    const percent = total ? (100 * done) / total : 0;
    const fill = element("span");
    fill.style.width = `${percent}%`;
    const tone = dead ? " etl-bar-bad" : done === total ? " etl-bar-good" : "";
    return element("div", { class: `etl-bar etl-bar-small${tone}` }, fill);
  }

  // A stream is a row, and what becomes of it goes from left to right. Rows stay where they are, and
  // new ones come below, so that nothing jumps.
  const STAGES = ["extract", "transform", "load", "index"];
  const STATES = { running: "under way", queued: "waiting", dead: "failed", left_out: "left out", cancelled: "cancelled" };
  const STREAMS = { sync: "Beginning", census: "What is still there" };
  const streams = [];

  const nameOf = (stream) => STREAMS[stream] || stream.replaceAll("_", " ");
  const titled = (text) => text[0].toUpperCase() + text.slice(1);

  function stageCell(name, stage) {
    const attributes = { "data-label": titled(name), "data-stage": name };
    if (!stage) return element("td", attributes, element("span", { class: "etl-subtle" }, "–"));
    const total = stage.done + Object.keys(STATES).reduce((sum, state) => sum + (stage[state] || 0), 0);
    const parts = Object.entries(STATES).filter(([state]) => stage[state]);
    const states = parts.map(([state, words]) => `${number(stage[state])} ${words}`).join(", ");
    const done = stage.total_known === false ? `${number(stage.done)} so far` : `${number(stage.done)} of ${number(total)}`;
    const text = element("span", { class: "run-steps", title: states }, done);
    if (states) text.append(element("span", { class: "etl-source" }, ` ${states}`));
    return element("td", attributes, bar(stage.done, total, stage.dead), text);
  }

  function streamRow(stream, stages, shown) {
    const byName = new Map(stages.filter((each) => each.stream === stream).map((each) => [each.stage, each]));
    const sum = (key) => [...byName.values()].reduce((all, each) => all + each[key], 0);
    return element(
      "tr", { "data-stream": stream },
      cell("Stream", titled(nameOf(stream))),
      ...shown.map((name) => stageCell(name, byName.get(name))),
      count("Records", byName.get("transform")?.records),
      count("Rows", byName.get("load")?.rows),
      count("Unchanged", sum("skipped")),
      count("Set aside", sum("quarantined")),
    );
  }

  function showPipeline(stages) {
    for (const each of stages) if (!streams.includes(each.stream)) streams.push(each.stream);
    const hasIndex = stages.some((each) => each.stage === "index");
    byId("run-index").hidden = !hasIndex;
    const shown = hasIndex ? STAGES : STAGES.slice(0, -1);
    byId("run-stages").replaceChildren(...streams.map((stream) => streamRow(stream, stages, shown)));
  }

  function deadRow(step, page) {
    const link = element(
      "a", { class: "etl-link", href: `${page.dataset.steps}${step.id}/change/` },
      `${step.stage} ${step.stream} ${step.key}`,
    );
    return element(
      "tr", {},
      cell("Step", element("span", {}, link)),
      cell("Attempts", number(step.attempts)),
      cell("Reason", element("span", { class: "etl-wrap" }, step.error)),
    );
  }

  function asideRow(row, page) {
    const link = element(
      "a", { class: "etl-link", href: `${page.dataset.setAside}${row.id}/change/` }, row.reason,
    );
    return element(
      "tr", {},
      cell("Reason", link),
      cell("Severity", tag(SEVERITIES[row.severity] || row.severity, TONES[row.severity])),
      cell("Place", element("span", { class: "etl-mono" }, row.place)),
      cell("Detail", element("span", {}, row.detail)),
    );
  }

  function logLine(line) {
    return element(
      "li", {},
      element("time", { datetime: line.at, title: line.at }, time(line.at)),
      element("span", { class: `etl-wrap etl-log-${line.level}` }, line.message),
    );
  }

  function showNumbers(progress) {
    for (const name of ["records", "rows", "skipped", "quarantined"]) {
      byId(`run-${name}`).textContent = number(progress[name]);
    }
    byId("run-rate").textContent = progress.rate ? number(Math.round(progress.rate)) : "–";
    byId("run-seconds").textContent = duration(progress.seconds);
    byId("run-started").textContent = moment(progress.started_at);
    byId("run-finished").textContent = moment(progress.finished_at);
  }

  function timeLeft(progress) {
    if (progress.is_finished) return "";
    if (progress.is_paused) return "waits until it is resumed";
    if (progress.waiting_until) {
      const left = progress.requests_left == null ? "" : `, ${number(progress.requests_left)} requests left`;
      return `waiting until ${time(progress.waiting_until)}: ${progress.waiting_for}${left}`;
    }
    if (progress.seconds_left === null) return "time left not known yet";
    return `about ${duration(progress.seconds_left)} left`;
  }

  function labelOf(progress) {
    if (progress.is_cancelling) return "Cancelling";
    if (progress.is_pausing) return "Pausing";
    return progress.is_paused ? "Paused" : progress.state_label;
  }

  // What can be done now; none of it is there for those who may only look. What cannot be done any
  // more stays where it is, so that nothing jumps under a pointer.
  function showButtons(progress) {
    const form = byId("run-do");
    if (!form) return;
    const button = (name) => form.querySelector(`[data-do=${name}]`);
    const goesOn = !progress.is_finished && !progress.is_cancelling;
    const mayResume = goesOn && Boolean(progress.is_paused);
    if (goesOn) form.dataset.began = "";
    const isOver = !("began" in form.dataset);
    button("resume").hidden = !mayResume;
    button("pause").hidden = mayResume || isOver;
    button("cancel").hidden = isOver;
    button("pause").disabled = button("cancel").disabled = !goesOn;
    button("retry").hidden = !progress.dead || progress.is_cancelling;
  }

  function showHead(progress) {
    const state = byId("run-state");
    state.dataset.state = progress.state;
    state.replaceChildren(tag(labelOf(progress), progress.is_paused ? "warning" : TONES[progress.state]));
    showButtons(progress);
    const error = byId("run-error");
    error.textContent = progress.error;
    error.hidden = !progress.error;
    const total = progress.done + progress.open + progress.dead;
    const steps = progress.percent === null ? `${number(progress.done)} steps done so far` : `${number(progress.done)} of ${number(total)} known steps`;
    byId("run-steps").textContent = steps;
    byId("run-left").textContent = timeLeft(progress);
    const whole = byId("run-bar");
    const tone = barTone(progress);
    whole.className = `etl-bar${tone ? ` etl-bar-${tone}` : ""}`;
    // Without a total there is nothing to be a part of: the bar only says that work goes on.
    whole.classList.toggle("run-open", progress.percent === null && !progress.is_paused);
    if (progress.percent === null) whole.removeAttribute("aria-valuenow");
    else whole.setAttribute("aria-valuenow", progress.percent);
    whole.firstElementChild.style.width = `${progress.percent ?? 100}%`;
  }

  function showLists(progress, page) {
    showPipeline(progress.stages);
    byId("run-dead").hidden = !progress.dead_steps.length;
    byId("run-dead-steps").replaceChildren(...progress.dead_steps.map((row) => deadRow(row, page)));
    byId("run-aside").hidden = !progress.set_aside.length;
    byId("run-set-aside").replaceChildren(...progress.set_aside.map((row) => asideRow(row, page)));
    const log = byId("run-log");
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    log.replaceChildren(...progress.log.map(logLine));
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  class RunPage {
    constructor(page) {
      this.page = page;
      this.watching = null;
      this.isFinished = false;
    }

    start() {
      this.show(JSON.parse(byId("run-progress").textContent));
      if (this.isFinished) return;
      this.watching = EtlLive.watch(this.page.dataset.topic, {
        show: (progress) => this.show(progress),
        mode: (mode, text) => this.isFinished || this.say(mode, text),
      });
      if (this.isFinished) this.watching.stop();
    }

    show(progress) {
      this.isFinished = progress.is_finished;
      showHead(progress);
      showNumbers(progress);
      showLists(progress, this.page);
      if (this.isFinished) this.finish();
    }

    finish() {
      if (this.watching) this.watching.stop();
      this.say("finished", "Finished");
    }

    say(mode, text) {
      const live = byId("run-live");
      live.dataset.mode = mode;
      live.textContent = text;
    }
  }

  // The clipboard is there on https and localhost only; elsewhere the id is marked to be copied.
  function copyTrace(button) {
    const trace = byId("run-trace");
    if (!navigator.clipboard) {
      getSelection().selectAllChildren(trace);
      return;
    }
    navigator.clipboard.writeText(trace.textContent).then(() => {
      button.textContent = "Copied";
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    new RunPage(byId("run")).start();
    const button = byId("run-trace-copy");
    if (button) button.addEventListener("click", () => copyTrace(button));
  });
})();
