/** The example of the page of HTTP, run by the command line against servers of this process. */

import assert from "node:assert/strict";
import { wholeOf } from "../../../runtime/sim/http_server.ts";
import { quorus } from "../../scenario/quorus.ts";
import { DavPaper } from "../../servers/dav_paper.ts";
import { DigestGuard } from "../../servers/digest_guard.ts";
import { serveNet } from "../../servers/net_server.ts";
import { startTusServer } from "../../servers/tus_server.ts";

const TOKEN = "canary-4711";

Deno.test("the example of the page puts one file to three places, and shows no token", async () => {
  const page = new URL("../../../protocols/http/README.md", import.meta.url);
  const example = /```yaml\n([\s\S]*?)```/.exec(await Deno.readTextFile(page))![1]!;
  const folder = await Deno.makeTempDir({ prefix: "quorus-page-" });
  const paper = new DavPaper({ authorization: `Bearer ${TOKEN}` });
  const content = new TextEncoder().encode("1;2\n".repeat(50_000));
  paper.put("/data/report.csv", content);
  let form = "";
  paper.intercept = async ({ method, body }) => {
    if (method !== "POST") return null;
    form = new TextDecoder().decode(await wholeOf(body!));
    return { status: 201 };
  };
  const server = serveNet(paper.handle);
  const tus = await startTusServer();
  try {
    const file = `${folder}/page.yaml`;
    await Deno.writeTextFile(file, example);
    const words = [
      ...["run", file, "--data", `${folder}/data`],
      ...["--var", `ORIGIN=${server.origin}`, "--var", `TUS=${tus.url}`],
    ];
    const ended = await quorus(words, { env: { QUORUS_SECRET_API_TOKEN: TOKEN } });
    assert.equal(ended.code, 0, ended.out + ended.err);
    assert.ok(!(ended.out + ended.err).includes(TOKEN));
    assert.deepEqual(paper.files.get("/data/copy.csv")!.bytes, content);
    assert.match(form, /name="file"; filename="report.csv"/);
    assert.equal(form.split("1;2\n").length, 50_001);
    const [uploaded] = await tus.complete();
    assert.equal(uploaded!.name, "report.csv");
    assert.deepEqual(new Uint8Array(uploaded!.bytes), content);
    assert.ok(
      tus.requests.every(({ headers }) => headers.get("authorization") === `Bearer ${TOKEN}`),
    );
  } finally {
    await server.close();
    await tus.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the example of digest authentication copies a file, and the password stays here", async () => {
  const page = new URL("../../../protocols/http/README.md", import.meta.url);
  const text = await Deno.readTextFile(page);
  const example = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)][1]![1]!;
  const folder = await Deno.makeTempDir({ prefix: "quorus-page-" });
  const paper = new DavPaper();
  const guard = new DigestGuard({ username: "reports", password: TOKEN });
  paper.intercept = (request) => guard.judge(request);
  const content = new TextEncoder().encode("1;2\n".repeat(50_000));
  paper.put("/data/report.csv", content);
  const server = serveNet(paper.handle);
  try {
    const file = `${folder}/page.yaml`;
    await Deno.writeTextFile(file, example);
    const words = ["run", file, "--data", `${folder}/data`, "--var", `ORIGIN=${server.origin}`];
    const ended = await quorus(words, { env: { QUORUS_SECRET_REPORTS_PASSWORD: TOKEN } });
    assert.equal(ended.code, 0, ended.out + ended.err);
    assert.deepEqual(paper.files.get("/data/copy.csv")!.bytes, content);
    assert.ok(!(ended.out + ended.err).includes(TOKEN));
    assert.ok(paper.requests.every(({ headers }) => !JSON.stringify(headers).includes(TOKEN)));
    assert.equal(guard.judged.filter(({ verdict }) => verdict === "asked").length, 1);
  } finally {
    await server.close();
    await Deno.remove(folder, { recursive: true });
  }
});
