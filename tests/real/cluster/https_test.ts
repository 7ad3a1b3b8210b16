/** The API of a real process over HTTPS, and its certificate changed while it runs. */

import assert from "node:assert/strict";
import { inFolder } from "../../cli/folder.ts";
import { makeAuthority } from "../../servers/pki.ts";
import { quorusProcess } from "./cluster_processes.ts";

const CLI = new URL("../../../cli.ts", import.meta.url).pathname;
const WITHIN_MS = 1_500;

async function answers(url: string, caCert: string): Promise<boolean> {
  const client = Deno.createHttpClient({ caCerts: [caCert] });
  try {
    return (await (await fetch(`${url}/livez`, { client })).text()) === "ok\n";
  } catch {
    return false;
  } finally {
    client.close();
  }
}

Deno.test("another certificate is shown at once after SIGHUP", () =>
  inFolder(async (cwd) => {
    const [one, two] = [makeAuthority("one"), makeAuthority("two")];
    const put = (authority: typeof one) => {
      const leaf = authority.issue({ commonName: "localhost", dnsNames: ["localhost"] });
      Deno.writeTextFileSync(`${cwd}/api.key`, leaf.key);
      Deno.writeTextFileSync(`${cwd}/api.pem`, leaf.cert);
    };
    put(one);
    const places = ["--listen", "127.0.0.1:0", "--http", "localhost:0"];
    const tls = ["--set", "httpTls.cert=api.pem", "--set", "httpTls.key=api.key"];
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", CLI, "start", "--json", ...places, ...tls],
      cwd,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const log = new Response(child.stderr).text();
    try {
      const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      const { http } = JSON.parse((await reader.read()).value!);
      assert.match(http, /^https:\/\/localhost:\d+$/);
      assert.ok(await answers(http, one.cert));
      put(two);
      child.kill("SIGHUP");
      const endMs = performance.now() + WITHIN_MS;
      while (!await answers(http, two.cert)) assert.ok(performance.now() < endMs, "in vain");
      assert.ok(!await answers(http, one.cert), "nobody is shown the earlier one");
      await reader.cancel();
    } finally {
      child.kill("SIGTERM");
      await child.status;
    }
    assert.match(await log, /certificates are read again/);
  }));

Deno.test("beyond loopback the API is not served without TLS, unless that is allowed", () =>
  inFolder(async (cwd) => {
    const places = ["--listen", "127.0.0.1:0", "--http", "0.0.0.0:0"];
    const ran = await quorusProcess(cwd, ["start", ...places]);
    assert.equal(ran.code, 2, ran.err);
    assert.match(ran.err, /configure httpTls, or allow it \(allowPlainHttp\)/);
  }));
