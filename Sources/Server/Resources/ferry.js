// ferry.js, the browser client of Ferry.
//
//   <script async src="https://HOST/ferry.js" data-write-key="KEY"></script>
//
// or from code: ferry.load("KEY", { host: "https://HOST" }). Calls made before that wait. Code that runs before the
// script arrives says (window.ferry = window.ferry || []).push(["track", "Signed Up"]).
//
// Delivery is at least once. Each page keeps its unsent messages in memory and a copy in localStorage, under a key of
// its own: pages cannot overwrite each other. When a page is gone, another takes its copy over. A living page holds a
// Web Lock named like its key, but only while it has something to send, as a lock keeps the browser from freezing or
// caching the page. Without Web Locks (plain http) the age of the copy decides. A page taken for dead by mistake still
// has its memory, so mistakes send twice and lose nothing; the server knows a repeated messageId for 24 hours.
(() => {
  "use strict";

  const VERSION = "0.1.0";
  const MAX_MESSAGE_BYTES = 32768;
  const MAX_BATCH_BYTES = 450000;
  const MAX_LEAVING_BYTES = 60000; // browsers allow a leaving page 64 KiB under way
  const MAX_BATCH = 100;
  const MAX_QUEUE = 1000;
  const MAX_QUEUE_BYTES = 1000000;
  const FLUSH_AT = 20;
  const FLUSH_MS = 1000;
  const TIMEOUT_MS = 30000;
  const MAX_BACKOFF_MS = 60000;
  const MAX_RETRY_AFTER_MS = 300000;
  const OWNER_GONE_MS = 400000; // a living page renews its copy at each attempt
  const LOCKING_MS = 2000; // … and may have to wait this long for the lock of its first one
  const REPEAT_MS = 23 * 3600000; // the server's 24 hours, less a margin

  const script = document.currentScript;
  const early = window.ferry;
  if (early && early.version) return; // included twice

  const warn = text => console.warn("ferry: " + text);
  const byteCount = text => new TextEncoder().encode(text).length;
  const isObject = value => Object.prototype.toString.call(value) === "[object Object]";

  // ---- Arguments: a wrong one throws, and `guard` makes a warning of it.

  const guard = (name, body) => (...args) => {
    try {
      return body(...args);
    } catch (error) {
      warn(`${name}: ${(error && error.message) || error}; the call was ignored`);
    }
  };

  function objectOf(value, what) {
    if (value == null) return {};
    if (!isObject(value)) throw new Error(`${what} must be an object`);
    return JSON.parse(JSON.stringify(value)); // a copy: the page may change its own
  }

  function textOf(value, what) {
    const text = Number.isFinite(value) ? String(value) : value;
    if (typeof text !== "string" || !text.trim()) throw new Error(`${what} must be a text that is not empty`);
    return text;
  }

  // ---- The visitor, read from localStorage each time because other tabs write there too.

  const memory = {}; // what localStorage refused

  function recall(name) {
    try {
      return JSON.parse(name in memory ? memory[name] : localStorage.getItem("ferry_" + name));
    } catch (_) {
      return null;
    }
  }

  function remember(name, value) {
    const text = JSON.stringify(value);
    try {
      localStorage.setItem("ferry_" + name, text);
      delete memory[name];
    } catch (_) {
      memory[name] = text;
    }
    return value;
  }

  function uuid() {
    if (crypto.randomUUID) return crypto.randomUUID(); // https only
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, byte => (byte + 256).toString(16).slice(1)).join("");
    return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  const anonymousId = () => recall("anonymous_id") || remember("anonymous_id", uuid());

  // ---- Calls

  function pageInfo() {
    const { pathname: path, search, href } = location;
    return { path, referrer: document.referrer, search, title: document.title, url: href.split("#")[0] };
  }

  function campaign() {
    const found = {};
    for (const [key, value] of new URLSearchParams(location.search)) {
      const [, part] = /^utm_(campaign|source|medium|term|content)$/.exec(key) || [];
      if (part) found[part === "campaign" ? "name" : part] = value;
    }
    return Object.keys(found).length ? found : undefined;
  }

  let callTime = 0; // of a call that waited for load

  function record(type, fields, options) {
    const { context, integrations, timestamp } = objectOf(options, "options");
    const id = "ferry-" + uuid(); // now, so that every attempt carries the same
    const json = JSON.stringify({
      type,
      messageId: id,
      anonymousId: anonymousId(),
      userId: recall("user_id") || undefined,
      timestamp: new Date(timestamp || callTime || Date.now()).toISOString(),
      integrations,
      context: {
        library: { name: "ferry.js", version: VERSION },
        page: pageInfo(),
        campaign: campaign(),
        userAgent: navigator.userAgent,
        locale: navigator.language,
        timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        groupId: recall("group_id") || undefined,
        ...objectOf(context, "options.context"),
      },
      ...fields,
    });
    const bytes = byteCount(json);
    if (bytes > MAX_MESSAGE_BYTES) throw new Error(`${bytes} bytes are too many, the limit is ${MAX_MESSAGE_BYTES}`);
    enqueue([{ id, json, bytes, beaconAt: 0 }]);
    if (leaving) sendBeacons();
    else if (failures || sending) return; // the retry or the running loop takes it along
    else if (document.hidden || queue.length >= FLUSH_AT) flush();
    else if (!timer) flushIn(FLUSH_MS);
  }

  const calls = {
    identify(userId, traits, options) {
      if (isObject(userId)) [userId, traits, options] = [null, userId, traits];
      traits = objectOf(traits, "traits");
      objectOf(options, "options");
      const known = recall("user_id");
      const id = userId == null ? known : textOf(userId, "the user id");
      const isOther = known && id !== known;
      const all = isOther ? traits : { ...recall("traits"), ...traits };
      remember("traits", all);
      if (!id) return; // an anonymous visitor's traits ride along with the first user id
      remember("user_id", id);
      if (isOther) remember("group_id", null);
      record("identify", { traits: known ? traits : all }, options);
    },

    track(event, properties, options) {
      event = textOf(event, "the event name");
      record("track", { event, properties: objectOf(properties, "properties") }, options);
    },

    // ([category,] name, properties, options), all optional
    page(...args) {
      if (isObject(args[0])) args.unshift(null);
      if (typeof args[1] !== "string") args.unshift(null);
      const [category, name] = [0, 1].map(i => (args[i] == null ? undefined : textOf(args[i], "the page name")));
      const properties = { ...pageInfo(), name, category, ...objectOf(args[2], "properties") };
      record("page", { name, category, properties }, args[3]);
    },

    group(groupId, traits, options) {
      groupId = textOf(groupId, "the group id");
      traits = objectOf(traits, "traits");
      objectOf(options, "options");
      remember("group_id", groupId);
      record("group", { groupId, traits }, options);
    },

    alias(userId, previousId, options) {
      userId = textOf(userId, "the user id");
      previousId = previousId == null ? recall("user_id") || anonymousId() : textOf(previousId, "the previous id");
      record("alias", { userId, previousId }, options);
    },

    reset() {
      for (const name of ["user_id", "traits", "group_id"]) remember(name, null);
      remember("anonymous_id", uuid());
    },
  };

  // ---- The queue

  const locks = navigator.locks;
  const pageId = uuid();
  let keyPrefix = "";
  let queue = []; // oldest first; beaconAt is when a beacon took the message, or 0
  let dropped = 0;
  let isStored = false;
  let leaving = false;
  let unlock = null;

  function enqueue(messages) {
    queue = queue.concat(messages);
    let bytes = queue.reduce((sum, message) => sum + message.bytes, 0);
    const before = dropped;
    while (queue.length > MAX_QUEUE || bytes > MAX_QUEUE_BYTES) {
      bytes -= queue.shift().bytes;
      dropped += 1;
    }
    if (dropped > before) warn(`the queue is full, ${dropped} of the oldest messages were dropped so far`);
    save();
  }

  function save() {
    const key = keyPrefix + pageId;
    const at = leaving ? 0 : Date.now(); // 0: free to take over
    try {
      const list = queue.map(({ beaconAt, json }) => `[${beaconAt},${json}]`);
      if (list.length) localStorage.setItem(key, `{"at":${at},"queue":[${list}]}`);
      else localStorage.removeItem(key);
      isStored = true;
    } catch (_) {
      isStored = false;
    }
    if (queue.length && !leaving) {
      if (!locks || unlock) return;
      const released = new Promise(resolve => (unlock = resolve));
      locks.request(key, () => released).catch(() => {});
    } else if (unlock) {
      unlock();
      unlock = null;
    }
  }

  // Takes over the copies of pages that are gone.
  function adopt() {
    let keys = [];
    try {
      keys = Object.keys(localStorage);
    } catch (_) {} // blocked: nothing to take over
    for (const key of keys) {
      if (!key.startsWith(keyPrefix) || key.endsWith(pageId)) continue;
      const take = guard("taking over " + key, () => adoptFrom(key));
      if (!locks) take();
      else locks.request(key, { ifAvailable: true }, lock => lock && take()).catch(() => {});
    }
  }

  function adoptFrom(key) {
    const text = localStorage.getItem(key);
    if (!text) return; // another page was faster
    const theirs = [];
    try {
      const copy = JSON.parse(text);
      const age = Math.abs(Date.now() - copy.at);
      if (age < (locks ? LOCKING_MS : OWNER_GONE_MS)) {
        if (locks) setTimeout(adopt, LOCKING_MS);
        return;
      }
      for (const [beaconAt, message] of copy.queue) {
        // A beacon has no answer but nearly always arrives. What it took is sent again while the server would
        // recognise it; later it would count as a second event.
        if (beaconAt && Date.now() - beaconAt > REPEAT_MS) continue;
        const json = JSON.stringify(message);
        theirs.push({ id: message.messageId, json, bytes: byteCount(json), beaconAt });
      }
    } catch (_) {} // damaged, of no use to anybody
    const mine = queue;
    queue = theirs; // they are older
    enqueue(mine);
    if (!isStored) queue = mine; // no room for them here: they stay there
    else if (localStorage.getItem(key) === text) localStorage.removeItem(key);
    if (queue.length && !failures && !timer) flushIn(0);
  }

  // ---- Sending

  let writeKey = "";
  let endpoint = "";
  let sending = null; // the promise of the running loop
  let failures = 0; // in a row
  let retryAt = 0; // the server's wish, which flush() respects too
  let timer = 0;

  function flushIn(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(flush, milliseconds);
  }

  // Resolves to true when everything was delivered, to false when something has to wait.
  function flush() {
    clearTimeout(timer);
    timer = 0;
    if (sending || !queue.length) return sending || Promise.resolve(true);
    if (Date.now() < retryAt) {
      flushIn(retryAt - Date.now());
      return Promise.resolve(false);
    }
    return (sending = deliver());
  }

  // One request at a time keeps the order.
  async function deliver() {
    try {
      while (queue.length) {
        // A hidden page may never be seen again, so its request must be able to outlive it. Most pages do live on,
        // and unlike a beacon this has an answer.
        const keepalive = document.hidden && !failures;
        const batch = chunk(queue, keepalive ? MAX_LEAVING_BYTES : MAX_BATCH_BYTES);
        const response = await post(batch, keepalive);
        const { ok, status } = response;
        if (!ok && (status < 400 || status === 408 || status === 429 || status >= 500)) {
          backOff(response);
          return false;
        }
        if (!ok) warn(`${endpoint} refused ${batch.length} messages (status ${status}), they were dropped`);
        failures = 0;
        const done = new Set(batch.map(message => message.id));
        queue = queue.filter(message => !done.has(message.id));
        save();
      }
      return true;
    } finally {
      sending = null;
    }
  }

  function chunk(messages, maxBytes) {
    let bytes = 300; // the envelope
    let count = 0;
    while (count < Math.min(messages.length, MAX_BATCH)) {
      bytes += messages[count].bytes + 1;
      if (count && bytes > maxBytes) break;
      count += 1;
    }
    return messages.slice(0, count);
  }

  // Sent as plain text, with the key inside, a request needs no CORS preflight.
  function envelope(batch) {
    const head = JSON.stringify({ writeKey, sentAt: new Date().toISOString() }).slice(0, -1);
    return `${head},"batch":[${batch.map(message => message.json)}]}`;
  }

  async function post(batch, keepalive) {
    const abort = new AbortController();
    const timeout = setTimeout(() => abort.abort(), TIMEOUT_MS);
    try {
      // A followed redirect may turn POST into GET.
      const options = { method: "POST", credentials: "omit", redirect: "error", signal: abort.signal };
      return await fetch(endpoint, { ...options, keepalive, body: envelope(batch) });
    } catch (_) {
      return { status: 0 };
    } finally {
      clearTimeout(timeout);
    }
  }

  function backOff({ status, headers }) {
    failures += 1;
    if (failures === 1) warn(`${endpoint} did not take the messages (status ${status}), trying again until it does`);
    const header = (headers && headers.get("Retry-After")) || "";
    const wish = /^\d+$/.test(header) ? header * 1000 : Date.parse(header) - Date.now();
    retryAt = wish > 0 ? Date.now() + Math.min(wish, MAX_RETRY_AFTER_MS) : 0;
    const most = Math.min(MAX_BACKOFF_MS, 500 * 2 ** failures);
    flushIn(Math.max(retryAt - Date.now(), (most / 2) * (1 + Math.random())));
    save();
  }

  // What a beacon takes stays in the stored copy: nobody will see its answer, so the next page sends it again and the
  // server sees the repetition. What finds no room waits there as well. A server in trouble gets none, unless there
  // is no copy to fall back on.
  function sendBeacons() {
    if (isStored && (failures || navigator.onLine === false)) return;
    const rest = queue.filter(message => !message.beaconAt);
    while (rest.length) {
      const batch = rest.splice(0, chunk(rest, MAX_LEAVING_BYTES).length);
      if (!navigator.sendBeacon) post(batch, true);
      else if (!navigator.sendBeacon(endpoint, envelope(batch))) break;
      for (const message of batch) message.beaconAt = Date.now();
    }
    save();
  }

  const pageEvents = {
    pagehide() {
      leaving = true; // from now on every message goes at once
      save();
      sendBeacons();
    },
    pageshow() {
      if (!leaving) return;
      leaving = false; // back from the browser's cache of pages
      save();
      flush();
    },
    visibilitychange() {
      if (!document.hidden) adopt();
      else if (leaving) sendBeacons();
      else if (!failures) flush();
    },
    online: () => flush(),
  };

  // ---- The public face

  const waiting = []; // calls made before load

  function load(key, options) {
    if (writeKey) throw new Error("already loaded");
    key = textOf(key, "the write key");
    const host = objectOf(options, "options").host || (script && script.src && new URL(script.src).origin);
    if (!/^https?:\/\/./.test(host)) throw new Error("the host must begin with https:// or http://");
    if (document.prerendering) {
      // Nobody has seen the page yet.
      return document.addEventListener("prerenderingchange", () => ferry.load(key, { host }), { once: true });
    }
    writeKey = key;
    keyPrefix = `ferry_queue:${key}:`;
    endpoint = host.replace(/\/+$/, "") + "/v1/batch";
    for (const name of Object.keys(pageEvents)) addEventListener(name, guard(name, pageEvents[name]));
    adopt();
    setTimeout(adopt, 5000); // the page before this one may be slow to go
    for (const [name, args, time] of waiting.splice(0)) {
      callTime = time;
      ferry[name](...args);
    }
    callTime = 0;
  }

  const ferry = {
    version: VERSION,
    load: guard("load", load),
    flush: () => (writeKey ? flush() : Promise.resolve(!waiting.length)),
    user: () => ({ userId: recall("user_id"), anonymousId: anonymousId(), traits: recall("traits") || {} }),
    push(...entries) {
      for (const entry of entries) {
        const [name, ...args] = Array.isArray(entry) ? entry : [];
        if (ferry.hasOwnProperty(name) && typeof ferry[name] === "function") ferry[name](...args);
        else warn("push: what was pushed is not [method, ...arguments]; the call was ignored");
      }
    },
    get dropped() {
      return dropped;
    },
  };
  for (const name of Object.keys(calls)) {
    const call = guard(name, calls[name]);
    ferry[name] = (...args) => {
      if (writeKey) call(...args);
      else if (waiting.length < MAX_QUEUE) waiting.push([name, args, Date.now()]);
      else warn(`${name}: too many calls before load; the call was ignored`);
    };
  }
  window.ferry = ferry;

  const { writeKey: key, host } = (script && script.dataset) || {};
  if (key) ferry.load(key, { host });
  if (Array.isArray(early)) ferry.push(...early);
})();
