// A page in a browser, and the server it comes from, as far as docs/browser.md needs them.
// Runs its examples and prints what came of them, as JSON.

import { createServer } from "node:http";
import * as route from "./route.js";
import { create } from "./create.js";
import { gallery } from "./gallery.js";
import { settled } from "./settled.js";
import { show } from "./show.js";
import { upload } from "./upload.js";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
  "base64",
);

// --- the server ---------------------------------------------------------------------------------

const told = []; // what the browser got to see

async function serve(incoming, outgoing) {
  const parts = [];
  for await (const part of incoming) parts.push(part);
  const hasBody = !["GET", "HEAD"].includes(incoming.method);
  const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
    method: incoming.method,
    headers: incoming.headers,
    body: hasBody ? Buffer.concat(parts) : undefined,
  });
  const answer = await route[incoming.method](request);
  const body = Buffer.from(await answer.arrayBuffer());
  told.push(JSON.stringify([...answer.headers]) + body.toString("latin1"));
  outgoing.writeHead(answer.status, Object.fromEntries(answer.headers)).end(body);
}

const server = createServer((incoming, outgoing) => {
  serve(incoming, outgoing).catch((error) => {
    console.error(error);
    outgoing.writeHead(500).end();
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

// --- the browser --------------------------------------------------------------------------------

const network = globalThis.fetch;
const asked = []; // calls of the route
const trouble = []; // what shall go wrong with the next of them
let cookie = "session=alice";

async function browse(url, options = {}) {
  if (!url.startsWith("/")) return network(url, options);
  const headers = { ...options.headers, cookie };
  const answer = await network(origin + url, { ...options, headers });
  asked.push({ url, method: options.method ?? "GET", headers, status: answer.status });
  return trouble.length ? trouble.shift()(answer) : answer;
}

// The route calls the gateway by its whole address, which goes through unchanged.
globalThis.fetch = browse;

class Element {
  constructor(name) {
    this.name = name;
    this.children = [];
  }

  append(child) {
    this.children.push(child);
  }
}

globalThis.document = { createElement: (name) => new Element(name) };

async function loaded(element) {
  const answer = await browse(element.src);
  return {
    element: element.name,
    status: answer.status,
    type: answer.headers.get("content-type"),
    bytes: (await answer.arrayBuffer()).byteLength,
  };
}

// --- what is tried ------------------------------------------------------------------------------

async function lostAnswers() {
  trouble.push(
    () => Promise.reject(new TypeError("the connection broke off")),
    () => new Response("no JSON", { status: 503, headers: { "retry-after": "1" } }),
    (answer) => answer,
  );
  const from = asked.length;
  const task = await create({ model: "google/nano-banana", input: { prompt: "a kite, asked for thrice" } });
  const keys = asked.slice(from).map((one) => one.headers["Idempotency-Key"]);
  return { task, keys };
}

async function shown(task) {
  const place = new Element("main");
  show(task, place);
  return Promise.all(place.children.map(loaded));
}

async function thumbnails() {
  const place = new Element("main");
  await gallery(place);
  return Promise.all(place.children.map(loaded));
}

async function uploaded() {
  const file = new File([PNG], "a.png", { type: "image/png" });
  const reference = await upload(file);
  const input = { prompt: "add a kite", image_urls: [reference] };
  return { reference, task: await settled(await create({ model: "google/nano-banana-edit", input })) };
}

async function refusals() {
  const wrong = await create({ model: "google/nano-banana", input: {} }).catch((error) => error);
  const keys = (await browse("/api/kie/v1/keys")).status;
  const missing = await settled({ id: "task_00000000000000000000000000" }).catch((error) => error.message);
  const noFile = await upload(new File(["x"], "x", { type: "text/html" })).catch((error) => error.message);
  cookie = "session=nobody";
  const stranger = (await browse("/api/kie/v1/tasks")).status;
  cookie = "session=alice";
  return { wrong: wrong.problem, keys, missing, noFile, stranger };
}

async function removed(task) {
  return (await browse(`/api/kie/v1/tasks/${task.id}`, { method: "DELETE" })).status;
}

const lost = await lostAnswers();
const done = await settled(lost.task);
const edited = await uploaded();
const facts = {
  lost,
  done,
  shown: await shown(done),
  thumbnails: await thumbnails(),
  edited,
  refusals: await refusals(),
  removed: await removed(done),
  leaked: told.some((one) => one.includes(process.env.KIE_KEY)),
};
console.log(JSON.stringify(facts));
server.closeAllConnections();
server.close();
