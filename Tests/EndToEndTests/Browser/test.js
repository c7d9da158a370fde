// Shared by the test pages. A page calls run(steps); what the steps return is written as JSON into <pre id="result">.
//
//   ?script=URL  where ferry.js is      ?key=KEY   write key; none: the steps call ferry.load themselves
//   ?host=URL    data-host              ?report=URL  also POST the result there
const query = new URLSearchParams(location.search);
const warnings = [];
const errors = [];
const consoleWarn = console.warn;
console.warn = text => { warnings.push(String(text)); consoleWarn(text); };
addEventListener("error", event => errors.push(event.message));
addEventListener("unhandledrejection", event => errors.push("unhandled: " + event.reason));

// Chromium's virtual time runs ahead of what happens between processes (Web Locks, storage), but stands still during a
// request; hence one after each step.
async function pause(milliseconds) {
  for (let rest = milliseconds; rest > 0; rest -= 100) {
    await new Promise(resolve => setTimeout(resolve, Math.min(rest, 100)));
    await fetch("blank.html", { cache: "no-store" });
  }
}

const stored = () => Object.keys(localStorage).filter(key => key.startsWith("ferry_queue:"));

// The same page or another one, with the same parameters and perhaps some more.
function address(page, more) {
  const parameters = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(more || {})) parameters.set(name, value);
  return page + "?" + parameters;
}

function loadFerry() {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const nonce = document.querySelector("script[nonce]");
    if (nonce) script.nonce = nonce.nonce;
    if (query.has("key")) script.dataset.writeKey = query.get("key");
    if (query.has("host")) script.dataset.host = query.get("host");
    script.onload = resolve;
    script.onerror = () => reject(new Error("ferry.js did not load"));
    script.src = query.get("script");
    document.head.append(script);
  });
}

async function run(steps) {
  let result = null;
  try {
    await loadFerry();
    result = await steps(query);
  } catch (error) {
    errors.push(String(error));
  }
  finish(result);
}

function finish(result) {
  const text = JSON.stringify({ result, warnings, errors });
  document.getElementById("result").textContent = text;
  document.title = "finished";
  if (query.has("report")) fetch(query.get("report"), { method: "POST", body: text });
}
