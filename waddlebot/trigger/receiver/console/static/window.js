"use strict";

const LINES_MAX = 300;
const RETRY_MAX_MS = 15000;

const byId = (id) => document.getElementById(id);
const lines = byId("lines");
const form = byId("say");
const nameField = byId("name");
const textField = byId("text");
const owner = nameField.dataset.owner;
const csrf = document.querySelector("meta[name=csrf]").content;

/* --- what is shown -------------------------------------------------------------------------------- */

/** An element with text; nothing anybody says is ever parsed as HTML. */
function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

/** The same name has the same colour every time. */
function hue(name) {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}

function drawn(line) {
  const item = element("li", `entry ${line.kind}`, "");
  const who = element("span", "who", line.name);
  who.style.setProperty("--hue", hue(line.name));
  const at = new Date(line.at * 1000);
  const time = element("time", "", at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  time.dateTime = at.toISOString();
  item.append(time, who);
  if (line.kind === "bot") item.append(element("span", "tag", "bot"));
  if (line.owner) item.append(element("span", "tag", "owner"));
  if (line.action !== "chat") item.append(element("span", "tag", line.action));
  if (line.private) {
    item.classList.add("private");
    item.append(element("span", "tag", line.to_name ? `only ${line.to_name} sees this` : "private"));
  }
  item.append(": ", element("span", "said", line.text));
  return item;
}

const atEnd = () => lines.scrollHeight - lines.scrollTop - lines.clientHeight < 60;

function toEnd() {
  lines.scrollTop = lines.scrollHeight;
  byId("newer").hidden = true;
}

function show(line) {
  const follow = atEnd();
  lines.append(drawn(line));
  while (lines.childElementCount > LINES_MAX) lines.firstElementChild.remove();
  if (line.kind === "chat") known(line.name);
  if (follow) toEnd();
  else byId("newer").hidden = false;
}

/** Names that were used can be chosen again. */
function known(name) {
  const names = byId("names");
  if ([...names.children].some((option) => option.value === name)) return;
  const option = document.createElement("option");
  option.value = name;
  names.append(option);
}

function status(state, words) {
  byId("status").dataset.state = state;
  byId("status").textContent = words;
}

/* --- lines as they come --------------------------------------------------------------------------- */

let source = null;
let last = "";
let retryMs = 500;
let retry = 0;

function listen() {
  clearTimeout(retry);
  if (source) source.close();
  source = new EventSource(`/console/stream?after=${encodeURIComponent(last)}`);
  source.addEventListener("open", () => {
    retryMs = 500;
    status("on", "connected");
  });
  source.addEventListener("reset", () => {
    if (lines.childElementCount > 0) lines.append(element("li", "divider", "The bot was started again."));
  });
  source.addEventListener("message", (event) => {
    last = event.lastEventId;
    show(JSON.parse(event.data));
  });
  source.addEventListener("error", () => {
    status("waiting", "connecting again …");
    // The browser connects again by itself unless the server refused: then we do, more and more seldom.
    if (source.readyState === EventSource.CLOSED) later();
  });
}

async function later() {
  retry = setTimeout(listen, retryMs);
  retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
  const answer = await fetch("/", { method: "HEAD" }).catch(() => null);
  if (answer && answer.status === 401) {
    clearTimeout(retry);
    status("off", "signed out");
    problem("Your session has ended. Load the page again.");
  }
}

window.addEventListener("online", listen);
window.addEventListener("pageshow", (event) => event.persisted && listen());
window.addEventListener("pagehide", () => source && source.close());

/* --- what is said --------------------------------------------------------------------------------- */

const said = [];
let place = 0;

function problem(words) {
  byId("problem").textContent = words;
}

/** A random id, so that a line sent again after a lost answer is said once. */
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function send(text, name) {
  const answer = await fetch("/console/say", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
    body: JSON.stringify({ text, name, id: newId() }),
  });
  if (!answer.ok) throw new Error((await answer.json()).detail);
}

async function say(text, name = nameField.value) {
  if (!text.trim()) return;
  problem("");
  said.push(text);
  place = said.length;
  textField.value = "";
  try {
    await send(text, name);
  } catch (error) {
    if (!textField.value) textField.value = text;
    problem(error instanceof TypeError ? "The bot cannot be reached. Is it running?" : error.message);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  say(textField.value);
  textField.focus();
});

textField.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step || event.isComposing || said.length === 0) return;
  event.preventDefault();
  place = Math.max(0, Math.min(said.length, place + step));
  textField.value = said[place] ?? "";
});

nameField.addEventListener("change", () => {
  if (!nameField.value.trim()) nameField.value = owner;
});
nameField.addEventListener("focus", () => nameField.select());

/* --- the first visit ------------------------------------------------------------------------------ */

const SEEN = "waddlebot.console.seen";

function seen() {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return false; // storage is off: then the suggestions come each time
  }
}

function dismiss() {
  byId("hints").hidden = true;
  textField.focus();
  try {
    localStorage.setItem(SEEN, "1");
  } catch { /* as above */ }
}

byId("hints").hidden = seen();
byId("dismiss").addEventListener("click", dismiss);
byId("hints").addEventListener("click", (event) => {
  // As the owner: a plain viewer may not make commands.
  if (event.target.dataset.say) say(event.target.dataset.say, owner);
});
byId("newer").addEventListener("click", () => {
  toEnd();
  textField.focus();
});
listen();
