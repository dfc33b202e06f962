/** What a TypeScript program does with a client that was generated with default options. */

import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

declare const process: { env: { GATEWAY_URL: string; GATEWAY_KEY: string } };

type Task = components["schemas"]["Task"];
type Problem = components["schemas"]["Problem"];
type ProblemCode = components["schemas"]["ProblemCode"];

const { GATEWAY_URL, GATEWAY_KEY } = process.env;
const client = createClient<paths>({
  baseUrl: GATEWAY_URL,
  headers: { Authorization: `Bearer ${GATEWAY_KEY}` },
});
const model = "google/nano-banana";

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("nothing came");
  return value;
}

async function create(prompt: string, key: string) {
  return client.POST("/v1/tasks", {
    params: { header: { "Idempotency-Key": key, Prefer: "wait=20" } },
    // Nothing but what a task needs: defaults make no field required.
    body: { model, input: { prompt } },
  });
}

const key = `typescript-${Date.now()}`;
const first = await create("a red kite", key);
const again = await create("a red kite", key);
const task: Task = given(first.data);
const status: "queued" | "running" | "storing" | "succeeded" | "failed" | "canceled" | "expired" =
  task.status;

const copy = await client.GET("/v1/tasks/{task_id}", {
  params: {
    path: { task_id: task.id },
    header: { "If-None-Match": given(first.response.headers.get("ETag") ?? undefined) },
  },
});

await create("a blue kite", `${key}-2`);
await create("a white kite", `${key}-3`);
const pages: string[][] = [];
let cursor: string | undefined;
do {
  const page = await client.GET("/v1/tasks", {
    params: { query: { limit: 1, cursor, model, created_after: task.created_at, order: "asc" } },
  });
  const list = given(page.data);
  pages.push(list.data.map((one) => one.id));
  cursor = list.next_cursor ?? undefined;
} while (cursor !== undefined && pages.length < 5);

const wrong = await client.POST("/v1/tasks", {
  body: { model, input: { prompt: "a kite", aspect_ratio: "17:9" } },
});
const problem: Problem = given(wrong.error);
const code: ProblemCode = problem.code;

const missing = await client.GET("/v1/tasks/{task_id}", {
  params: { path: { task_id: "task_01kjd3x7h8000000000000000z" } },
});

const imported = await client.POST("/v1/tasks/import", {
  body: { items: [{ model, upstream_task_id: given(task.upstream.task_id ?? undefined) }] },
});

// @ts-expect-error A model is a text.
const noModel: components["schemas"]["CreateTask"] = { model: 1, input: {} };
// @ts-expect-error An item is one of two things.
const noItem: components["schemas"]["ImportTasks"] = { items: [{ model }] };
// @ts-expect-error The codes of problems are a closed list.
const noCode: ProblemCode = "no_code_of_ours";
void [noModel, noItem, noCode];

console.log(
  JSON.stringify({
    id: task.id,
    status,
    media: task.outputs.map((one) => one.media),
    statuses: [first, again, copy, wrong, missing, imported].map((one) => one.response.status),
    headers: {
      preference: first.response.headers.get("Preference-Applied"),
      replayed: again.response.headers.get("Idempotent-Replayed"),
      request: first.response.headers.get("X-Request-Id"),
      error: wrong.response.headers.get("X-Error-Code"),
    },
    sameTask: given(again.data).id === task.id,
    pages,
    problem: { code, type: problem.type, pointers: problem.errors.map((one) => one.pointer) },
    missing: given(missing.error).code,
    imported: given(imported.data).data.map((one) => one.task?.id),
  }),
);
