/** What serving costs without anything behind it: the same bytes under the same headers, always. */

import { Hono } from "hono";
import { serveBench } from "./bench_child.ts";

const [kind = "", answer = "{}"] = Deno.args;
const { body, headers } = JSON.parse(answer) as {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
};
const app = new Hono();
app.get("/v1/jobs/:id", () => new Response(body, { headers }));
const handler = kind === "hono" ? app.fetch : () => new Response(body, { headers });
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
serveBench({ url: `http://127.0.0.1:${server.addr.port}` }, () => server.shutdown());
