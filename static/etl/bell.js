// Notices on every page: the bell in the head, a toast for each new one, and the title of the
// browser while nobody looks. What is told is what the notices say, so that a run that ends while
// a page is left for another is told there, and no notice twice, whatever the number of tabs.
// Everything is put in as text.
"use strict";

(() => {
  const bell = document.getElementById("bell");
  if (!bell) return;

  const LOOK_MS = 60000;
  const LOOK_WITHOUT_LIVE_MS = 15000;
  const SETTLE_MS = 200;
  const READ_MS = 8000;
  const MOST_TOASTS = 3;
  const MOST_SHOWN = 99;
  const SIGNS = { good: "check_circle", warning: "warning", bad: "error" };
  const TOASTS = { good: "success", warning: "warning", bad: "error" };
  const MARKS = { good: "✓", warning: "!", bad: "✗" };

  const byId = (id) => document.getElementById(id);
  const open = byId("bell-open");
  const panel = byId("bell-panel");
  const TITLE = document.title;
  const ZONE = document.documentElement.dataset.timeZone || "UTC";
  const MOMENTS = new Intl.DateTimeFormat("en-GB", {
    timeZone: ZONE, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });

  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  const icon = (name, tone) =>
    element("span", { class: `material-symbols-outlined${tone ? ` etl-bell-${tone}` : ""}`, "aria-hidden": "true" }, name);

  // Which notices were told is kept for all tabs of the browser; without storage each page begins
  // with those that are there when it is opened.
  const told = {
    key: `etl-told-${bell.dataset.tenant}`,
    until: null,
    read() {
      try {
        const kept = window.localStorage.getItem(this.key);
        return kept === null ? this.until : Number(kept);
      } catch {
        return this.until;
      }
    },
    write(until) {
      this.until = until;
      try {
        window.localStorage.setItem(this.key, String(until));
      } catch {
        // Private windows may refuse; this page remembers by itself.
      }
    },
  };

  function item(notice) {
    const detail = notice.detail ? [element("span", { class: "etl-bell-detail" }, notice.detail)] : [];
    const words = element(
      "span", { class: "etl-bell-words" },
      element("span", { class: "etl-bell-title" }, notice.is_unread ? element("span", { class: "sr-only" }, "New: ") : "", notice.title),
      ...detail,
      element("time", { datetime: notice.at }, MOMENTS.format(new Date(notice.at))),
    );
    const tag = notice.url ? "a" : "div";
    const at = notice.url ? { href: notice.url } : {};
    const shown = element(tag, { class: "etl-bell-item", ...at }, icon(SIGNS[notice.tone] || "info", notice.tone), words);
    return element("li", notice.is_unread ? { class: "etl-bell-unread" } : {}, shown);
  }

  function showBell(state) {
    const count = byId("bell-count");
    count.textContent = state.unread > MOST_SHOWN ? `${MOST_SHOWN}+` : String(state.unread);
    count.hidden = !state.unread;
    open.setAttribute("aria-label", state.unread ? `Notices, ${count.textContent} unread` : "Notices");
    byId("bell-list").replaceChildren(...state.notices.map(item));
    const note = byId("bell-note");
    note.textContent = state.notices.length ? "" : "Nothing has been told yet. The end of each run is told here.";
    note.hidden = Boolean(state.notices.length);
  }

  // A toast is said aloud by its role, goes when it has been read, and stays if something failed.
  function toast(tone, title, url) {
    const isUrgent = tone === "bad";
    const link = url && url !== window.location.pathname ? element("a", { href: url }, title) : title;
    const close = element(
      "button", { type: "button", class: "etl-toast-close", "aria-label": "Close this message", "data-close-toast": "" },
      icon("close"),
    );
    const made = element(
      "div", { class: `etl-toast etl-toast-${TOASTS[tone] || "info"}`, role: isUrgent ? "alert" : "status", "data-notice": "" },
      icon(SIGNS[tone] || "info"), element("span", { class: "etl-toast-text" }, link), close,
    );
    // What was said of the same page before, such as that the run is started, is over.
    for (const before of document.querySelectorAll(".etl-toast-success .etl-toast-text a")) {
      if (url && before.pathname === url) before.closest(".etl-toast").remove();
    }
    region().append(made);
    if (isUrgent) return;
    let timer = 0;
    const start = () => { timer = window.setTimeout(() => made.remove(), READ_MS); };
    const stop = () => window.clearTimeout(timer);
    for (const name of ["pointerenter", "focusin"]) made.addEventListener(name, stop);
    for (const name of ["pointerleave", "focusout"]) made.addEventListener(name, start);
    start();
  }

  function region() {
    const found = document.querySelector(".etl-toasts");
    if (found) return found;
    const made = element("div", { class: "etl-toasts", role: "region", "aria-label": "Messages" });
    document.body.append(made);
    return made;
  }

  function tell(state) {
    const before = told.read();
    if (before === null) {
      told.write(state.newest);
      return;
    }
    const news = state.notices.filter((notice) => notice.id > before);
    if (!news.length) return;
    if (document.hidden) {
      document.title = `${MARKS[news[0].tone] || "•"} ${news[0].brief} – ${TITLE}`;
      return;
    }
    told.write(state.newest);
    if (news.length > MOST_TOASTS) {
      const worst = news.some((notice) => notice.tone === "bad") ? "bad" : "warning";
      const many = news.length < state.notices.length ? news.length : `${news.length} or more`;
      toast(worst, `${many} new notices, the last one: ${news[0].title}`, byId("bell-panel").querySelector("nav a").pathname);
    } else {
      for (const notice of news.reverse()) toast(notice.tone, notice.title, notice.url);
    }
  }

  let state = null;
  let asking = null;
  let again = false;

  // One question at a time; what comes meanwhile is asked once more afterwards.
  async function look() {
    if (asking) {
      again = true;
      return;
    }
    asking = ask();
    await asking;
    asking = null;
    if (again) {
      again = false;
      look();
    }
  }

  async function ask() {
    try {
      const answer = await fetch(bell.dataset.address, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      state = await answer.json();
    } catch {
      if (!state) byId("bell-note").textContent = "The notices cannot be loaded now. They are asked for again in a moment.";
      return;
    }
    showBell(state);
    tell(state);
    if (!panel.hidden) see();
  }

  // What is open is seen: the number goes, and what was new stays marked until the next look.
  function see() {
    if (!state || !state.unread) return;
    const form = byId("bell-seen");
    form.elements.until.value = state.newest;
    fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => {});
    state.unread = 0;
    byId("bell-count").hidden = true;
    open.setAttribute("aria-label", "Notices");
  }

  function show(isOpen) {
    panel.hidden = !isOpen;
    open.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) see();
  }

  open.addEventListener("click", () => show(panel.hidden));
  document.addEventListener("click", (event) => {
    if (!panel.hidden && !bell.contains(event.target)) show(false);
  });
  bell.addEventListener("focusout", (event) => {
    if (!panel.hidden && event.relatedTarget && !bell.contains(event.relatedTarget)) show(false);
  });
  bell.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.stopPropagation();
    show(false);
    open.focus();
  });

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    document.title = TITLE;
    if (state) tell(state);
    look();
  });

  // A run that ends is told at once; anything else is found when somebody looks again.
  function watch() {
    if (!window.EtlLive) return LOOK_WITHOUT_LIVE_MS;
    let ended = null;
    let settling = 0;
    window.EtlLive.watch(`tenant:${bell.dataset.tenant}`, {
      show(live) {
        const now = live.runs.filter((run) => run.is_finished).map((run) => `${run.id} ${run.finished_at}`).join();
        if (now !== ended && ended !== null) {
          window.clearTimeout(settling);
          settling = window.setTimeout(look, SETTLE_MS);
        }
        ended = now;
      },
      mode() {},
    });
    return LOOK_MS;
  }

  document.addEventListener("DOMContentLoaded", () => {
    look();
    window.setInterval(look, watch());
  });
})();
