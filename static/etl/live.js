// Keeps what a page shows up to date: one socket a page, and polling while it does not come
// through. EtlLive.watch("run:12", { show(state), mode(mode, text) }) gives what has .stop().
// The protocol: docs/websocket.md.
"use strict";

(() => {
  const POLL_MS = 2000;
  const FIRST_WAIT_MS = 500;
  const MAX_WAIT_MS = 15000;
  const HELLO_MS = 5000;
  const SILENT_HEARTBEATS = 2.5;
  const NO_RIGHT = new Set([4401, 4404]);
  const TEXTS = {
    connecting: "Connecting…",
    live: "Live",
    polling: "Not live: refreshed every 2 seconds",
    unreachable: "The server does not answer; trying again",
    lost: "You may no longer see this",
  };

  function merged(state, delta) {
    const made = { ...state, ...delta.set };
    if (delta.log) made.log = state.log.slice(delta.log.dropped).concat(delta.log.added);
    if (delta.runs) {
      const known = new Map(state.runs.map((run) => [run.id, run]));
      for (const run of delta.runs.changed) known.set(run.id, run);
      made.runs = delta.runs.order.map((id) => known.get(id));
    }
    return made;
  }

  // Whatever a page does with a state must not end the watching of the others.
  function told(call, ...values) {
    try {
      if (call) call(...values);
    } catch (error) {
      setTimeout(() => { throw error; });
    }
  }

  class Watching {
    constructor(topic, watcher) {
      this.topic = topic;
      this.watcher = watcher;
      this.mode = "";
      this.text = "";
    }

    say(mode, text) {
      if (mode === this.mode && text === this.text) return;
      this.mode = mode;
      this.text = text;
      told(this.watcher.mode, mode, text);
    }

    stop() {
      leave(this);
    }
  }

  // A topic with all who watch it here. seq is null while nothing but a snapshot can be taken in.
  class Topic {
    constructor(name) {
      this.name = name;
      this.watchings = new Set();
      this.state = null;
      this.seq = null;
      this.isLost = false;
      this.polling = null;
    }

    take(state) {
      this.state = state;
      for (const each of [...this.watchings]) told(each.watcher.show, state);
    }

    say(mode, text = TEXTS[mode]) {
      for (const each of [...this.watchings]) each.say(mode, text);
    }

    lose() {
      this.isLost = true;
      this.stopPolling();
      this.say("lost");
    }

    startPolling() {
      if (this.isLost || this.polling !== null) return;
      this.say("polling");
      this.polling = setInterval(() => document.hidden || this.poll(), POLL_MS);
      this.poll();
    }

    stopPolling() {
      clearInterval(this.polling);
      this.polling = null;
    }

    async poll() {
      const asked = this.polling;
      const [kind, id] = this.name.split(":");
      try {
        const options = { headers: { Accept: "application/json" }, redirect: "error" };
        const response = await fetch(`/live/${kind}/${id}/`, options);
        const state = response.ok ? await response.json() : null;
        if (asked === null || asked !== this.polling) return;
        if (response.status === 404) this.lose();
        else if (state === null) this.say("polling", TEXTS.unreachable);
        else this.takePolled(state);
      } catch {
        if (asked !== null && asked === this.polling) this.say("polling", TEXTS.unreachable);
      }
    }

    takePolled(state) {
      this.say("polling");
      if (!this.state || !(state.version < this.state.version)) this.take(state);
    }
  }

  const topics = new Map();

  // One that is not open yet is closed once it is: browsers complain of it otherwise.
  function end(socket) {
    if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close(1000);
    else socket.close(1000);
  }

  // The socket of the page, made anew whenever it ended for another reason than a lost right.
  const line = {
    socket: null,
    isOpen: false,
    isLive: false,
    failures: 0,
    heartbeat: 15,
    alarm: null,
    retry: null,

    connect() {
      clearTimeout(this.retry);
      this.retry = null;
      if (this.socket) return;
      const scheme = location.protocol === "https:" ? "wss:" : "ws:";
      const socket = new WebSocket(`${scheme}//${location.host}/ws/v1/`);
      this.socket = socket;
      this.listen(HELLO_MS);
      socket.onmessage = (event) => socket === this.socket && this.heard(JSON.parse(event.data));
      socket.onclose = (event) => socket === this.socket && this.closed(event.code);
    },

    send(message) {
      if (this.isOpen && this.socket.readyState === WebSocket.OPEN) {
        this.socket.send(JSON.stringify(message));
      }
    },

    // A socket that is silent for longer than this is as good as closed.
    listen(milliseconds) {
      clearTimeout(this.alarm);
      const socket = this.socket;
      this.alarm = setTimeout(() => {
        if (socket !== this.socket) return;
        end(socket);
        this.closed(1006);
      }, milliseconds);
    },

    heard(message) {
      this.listen(this.heartbeat * SILENT_HEARTBEATS * 1000);
      const act = ACTS[message.type];
      if (act) act.call(this, message);
    },

    closed(code) {
      clearTimeout(this.alarm);
      this.socket = null;
      this.isOpen = false;
      for (const topic of topics.values()) topic.seq = null;
      if (NO_RIGHT.has(code)) {
        for (const topic of topics.values()) topic.lose();
        return;
      }
      if (!topics.size) return;
      this.failures += 1;
      if (this.failures > 1) poll();
      else for (const topic of topics.values()) topic.isLost || topic.say("connecting");
      const wait = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.failures - 1));
      this.retry = setTimeout(() => this.connect(), wait * (0.5 + Math.random() / 2));
    },

    end() {
      clearTimeout(this.retry);
      clearTimeout(this.alarm);
      this.retry = null;
      if (this.socket) end(this.socket);
      this.socket = null;
      this.isOpen = false;
    },
  };

  const ACTS = {
    hello(message) {
      this.heartbeat = message.heartbeat_seconds;
      this.listen(this.heartbeat * SILENT_HEARTBEATS * 1000);
      if (!message.authenticated) {
        end(this.socket);
        this.closed(4401);
        return;
      }
      this.isOpen = true;
      this.isLive = message.live;
      for (const topic of topics.values()) topic.isLost || subscribe(topic);
    },
    ping() {
      this.send({ type: "pong" });
    },
    snapshot(message) {
      const topic = topics.get(message.topic);
      if (!topic) return;
      this.failures = 0;
      topic.seq = message.seq;
      topic.take(message.state);
      if (!this.isLive) {
        topic.startPolling();
        return;
      }
      topic.stopPolling();
      topic.say("live");
    },
    delta(message) {
      const topic = topics.get(message.topic);
      if (!topic || topic.seq === null || message.seq <= topic.seq) return;
      if (message.base !== topic.seq) {
        topic.seq = null;
        this.send({ type: "resync", topic: topic.name });
        return;
      }
      topic.seq = message.seq;
      topic.take(merged(topic.state, message));
    },
    not_live() {
      this.isLive = false;
      poll();
    },
    live() {
      this.isLive = true;
    },
    error(message) {
      const topic = topics.get(message.topic);
      if (topic && message.code === "not_found") topic.lose();
      else console.warn(`live: ${message.code}: ${message.text}`);
    },
  };

  const subscribe = (topic) => line.send({ type: "subscribe", topic: topic.name });

  function poll() {
    for (const topic of topics.values()) topic.startPolling();
  }

  function watch(name, watcher) {
    let topic = topics.get(name);
    const isNew = !topic;
    if (isNew) topics.set(name, (topic = new Topic(name)));
    const watching = new Watching(topic, watcher);
    topic.watchings.add(watching);
    if (topic.isLost) {
      watching.say("lost", TEXTS.lost);
      return watching;
    }
    const other = [...topic.watchings][0];
    watching.say(other.mode || "connecting", other.text || TEXTS.connecting);
    if (topic.state) told(watcher.show, topic.state);
    if (isNew) subscribe(topic);
    if (isNew && line.retry !== null && line.failures > 1) topic.startPolling();
    if (!line.socket && line.retry === null) line.connect();
    return watching;
  }

  function leave(watching) {
    const topic = watching.topic;
    topic.watchings.delete(watching);
    if (topic.watchings.size || topics.get(topic.name) !== topic) return;
    topic.stopPolling();
    topics.delete(topic.name);
    line.send({ type: "unsubscribe", topic: topic.name });
    if (!topics.size) line.end();
  }

  // Back in front after a while in the background: no waiting for the next attempt.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !topics.size) return;
    if (line.retry !== null) line.connect();
    for (const topic of topics.values()) if (topic.polling !== null) topic.poll();
  });

  window.EtlLive = { watch };
})();
