/** What a role writes of what happens: lines for programs, words for people, and never a secret. */

import assert from "node:assert/strict";
import { type LogSettings, startLogging } from "../../cli/log/logging.ts";
import type { LogPort } from "../../runtime/env/env.ts";

const AT = Date.UTC(2026, 10, 21, 12, 34, 56, 789);
const JSON_FROM_DEBUG: LogSettings = { logLevel: "debug", logFormat: "json" };

/** What is written while `work` logs. */
function written(
  settings: LogSettings,
  work: (log: LogPort) => void,
  { isTerminal = false, usesColours = false } = {},
): string {
  let text = "";
  const process = { err: (more: string) => void (text += more), errIsTerminal: isTerminal };
  const place = { process, clock: { now: () => AT }, usesColours };
  const logging = startLogging(place, settings, { node: "a1", role: "agent" });
  try {
    work(logging);
  } finally {
    logging.close();
  }
  return text;
}

Deno.test("a record is a line of JSON with time, level, node, role and its facts", () => {
  const text = written(JSON_FROM_DEBUG, (log) => {
    log.write("warn", "an agent is given up", {
      agent: "a1",
      tenant: "acme",
      error: new Error("x"),
    });
    log.write("info", "many", { big: 1n, nothing: undefined });
  });
  const [first, second, rest] = text.split("\n");
  const { error, ...one } = JSON.parse(first!);
  assert.deepEqual(one, {
    ...{ time: "2026-11-21T12:34:56.789Z", level: "warn", node: "a1", role: "agent" },
    ...{ message: "an agent is given up", agent: "a1", tenant: "acme" },
  });
  assert.equal(error.message, "x");
  assert.equal(JSON.parse(second!).big, "1");
  assert.equal(rest, "");
});

Deno.test("records below the level are not written, and none after the end", () => {
  for (const [logLevel, count] of [["debug", 4], ["info", 3], ["warn", 2], ["error", 1]] as const) {
    const text = written({ logLevel, logFormat: "json" }, (log) => {
      for (const level of ["debug", "info", "warn", "error"] as const) log.write(level, level);
    });
    assert.equal(text.trimEnd().split("\n").length, count, logLevel);
  }
  let kept: LogPort | null = null;
  assert.equal(written(JSON_FROM_DEBUG, (log) => kept = log), "");
  kept!.write("error", "too late");
});

Deno.test("at a terminal records are words, and control characters stay out of it", () => {
  const auto: LogSettings = { logLevel: "info", logFormat: "auto" };
  const work = (log: LogPort) =>
    log.write("warn", "no link", {
      address: "ws://c1:4100",
      reason: "it is gone",
      evil: "\x1b[2J",
    });
  const text = written(auto, work, { isTerminal: true });
  assert.equal(
    text,
    '12:34:56.789 WRN no link address=ws://c1:4100 reason="it is gone" evil="\\u001b[2J"\n',
  );
  const coloured = written(auto, work, { isTerminal: true, usesColours: true });
  assert.ok(coloured.includes("\x1b["), coloured);
  assert.match(written(auto, work), /^\{"time":/);
  assert.match(written({ ...auto, logFormat: "text" }, work), /^12:34/);
});

Deno.test("whatever a record holds, no secret leaves: by its name, and by its looks", () => {
  const canary = "CANARY0123456789abcdef";
  const texts = [
    `Bearer ${canary}`,
    `Basic ${canary}==`,
    `qk_${canary}`,
    `https://bob:${canary}@host/path`,
    `sftp://bob:${canary}@host:22/path`,
    `https://bucket.example/x?X-Amz-Signature=${canary}&y=1`,
    `cannot open https://host/x?token=${canary}: it is gone`,
    `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----`,
    `-----BEGIN EC PRIVATE KEY-----\n${canary}`,
  ];
  const facts = Object.fromEntries(texts.map((text, index) => [`fact${index}`, text]));
  const named = {
    password: canary,
    apiKey: canary,
    authorization: canary,
    inner: { clientSecret: canary, list: [{ cookie: canary }, `Bearer ${canary}`] },
  };
  for (const logFormat of ["json", "text"] as const) {
    const text = written({ logLevel: "debug", logFormat }, (log) => {
      log.write("error", "all of them", { ...facts, ...named });
      log.write("error", "as errors", { error: new Error(texts.join(" ")) });
    });
    assert.ok(!text.includes(canary), text);
    assert.match(text, /host\/path/, "the rest stays");
    assert.match(text, /bucket\.example\/x\?X-Amz-Signature=\[redacted\]&y=1/);
  }
});
