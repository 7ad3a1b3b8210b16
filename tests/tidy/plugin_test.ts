import assert from "node:assert/strict";
import plugin from "./plugin.ts";
import { repositoryRoot } from "./repository.ts";

/** The rules that fire on `source` when it stands at `path`, without the plugin's prefix. */
function firing(source: string, path = "runtime/actor/actor.ts"): string[] {
  return Deno.lint.runPlugin(plugin, path, source).map(({ id }) => id.replace("quorus/", ""));
}

/** [statement, what the message names]: reads of nondeterminism. */
const nondeterministic: readonly (readonly [string, RegExp])[] = [
  ["Date.now();", /^Date\.now .*Env\.clock/],
  ["const f = Date.now;", /Date\.now/],
  ['Date["now"]();', /Date\.now/],
  ["new Date();", /Date\(\)/],
  ["new Date;", /Date\(\)/],
  ["Date();", /Date\(\)/],
  ["new globalThis.Date();", /Date\(\)/],
  ["const { now } = Date;", /Date\.now/],
  ["const Clock = Date;", /under another name/],
  ["performance.now();", /performance/],
  ["Math.random();", /^Math\.random .*Env\.random/],
  ["const { random } = Math;", /Math\.random/],
  ["crypto.randomUUID();", /crypto/],
  ["crypto.subtle.digest('SHA-256', x);", /crypto/],
  ["setTimeout(f, 1);", /^setTimeout .*Env\.timers/],
  ["setInterval(f, 1);", /setInterval/],
  ["setImmediate(f);", /setImmediate/],
  ["clearTimeout(t);", /clearTimeout/],
  ["globalThis.setTimeout(f, 1);", /setTimeout/],
  ['globalThis["fetch"](u);', /fetch/],
  ["const { fetch } = globalThis;", /fetch/],
  ["self.fetch(u);", /fetch/],
  ["await fetch(u);", /^fetch .*Env\.net/],
  ["const get = () => fetch;", /fetch/],
  ["const ports = { fetch };", /fetch/],
  ["call({ get: fetch });", /fetch/],
  ["function f(get = fetch) {}", /fetch/],
  ["class Socket extends WebSocket {}", /WebSocket/],
  ["new WebSocket(u);", /WebSocket/],
  ["new Worker(u);", /Worker/],
  ["Deno.readFileSync(p);", /Deno/],
  ["x instanceof Deno.errors.NotFound;", /Deno/],
  ["(Deno as Host).exit();", /Deno/],
  ["process.exit(1);", /process/],
  ["Temporal.Now.instant();", /^Temporal\.Now .*Env\.clock/],
  ["AbortSignal.timeout(5);", /AbortSignal\.timeout/],
  ["new WeakRef(x);", /WeakRef/],
];

/** Statements that look alike and are deterministic. */
const deterministic: readonly string[] = [
  "new Date(5);",
  "Date.parse(s); Date.UTC(2026, 0);",
  "x instanceof Date;",
  "Temporal.Instant.from(s);",
  "queueMicrotask(f);",
  "Math.max(1, 2); const { max } = Math;",
  "new AbortController().signal;",
  "AbortSignal.any([a]);",
  "function f(fetch: Get) { return fetch(1); }",
  "const f = ({ fetch }: Ports) => fetch(1);",
  "const f = ({ get: fetch }: Ports) => fetch(1);",
  "const f = (fetch = 1) => fetch;",
  "const f = ([fetch]: Get[]) => fetch;",
  "const f = (...fetch: Get[]) => fetch;",
  'import { fetch } from "./port.ts"; fetch(1);',
  'import performance from "./port.ts"; performance.now();',
  "function f() { const performance = ports.clock; return performance.now(); }",
  "function f() { later(); function later() { return fetch(); } function fetch() {} }",
  "try { f(); } catch (crypto) { g(crypto); }",
  "for (const process of list) process.stop();",
  "if (a) { var fetch = b; } fetch();",
  "class Net { fetch() {} Deno = 1; } net.fetch(); net.Deno;",
  "const ports = { fetch: get, process() {} }; ports.fetch();",
  "type Link = Deno.Conn; type Get = typeof fetch; interface Ports { fetch(): void }",
  "class Net { constructor(private fetch: Get) { fetch(); } }",
  "const C = class Worker { make() { return new Worker(); } };",
  "fetch: for (;;) break fetch;",
  "call('Date.now()'); // Date.now()",
  "Object.defineProperty(globalThis, name, value);",
];

for (const [source, message] of nondeterministic) {
  Deno.test(`no-nondeterminism fires on ${source}`, () => {
    const found = Deno.lint.runPlugin(plugin, "runtime/actor/actor.ts", source);
    assert.equal(found.length, 1);
    assert.equal(found[0]?.id, "quorus/no-nondeterminism");
    assert.match(found[0]?.message ?? "", message);
  });
}

for (const source of deterministic) {
  Deno.test(`no-nondeterminism lets pass ${source}`, () => {
    assert.deepEqual(firing(source), []);
  });
}

Deno.test("no-nondeterminism ends a shadow with its scope", () => {
  const found = Deno.lint.runPlugin(
    plugin,
    "runtime/actor/actor.ts",
    "function f(fetch: Get) { fetch(1); } fetch(2);",
  );
  assert.deepEqual(found.map(({ range }) => range[0]), [37]);
});

Deno.test("no-nondeterminism is silent in the real Env, the process port, tests and examples", () => {
  const places = ["runtime/env/real.ts", "runtime/env/real/net.ts", "cli/process.ts", "cli.ts"];
  for (const path of [...places, "tests/x_test.ts", "examples/01_actor.ts"]) {
    assert.deepEqual(firing("Date.now(); fetch(u); Deno.exit();", path), [], path);
  }
  assert.deepEqual(firing("Deno.exit();", "cli/run.ts"), ["no-nondeterminism"]);
});

Deno.test("the rules find the same in a file named by its absolute path", () => {
  assert.deepEqual(firing("Date.now();", `${repositoryRoot}cli/run.ts`), ["no-nondeterminism"]);
  assert.deepEqual(firing("Date.now();", `${repositoryRoot}tests/x.ts`), []);
});

Deno.test("layers fires on every form of a forbidden import", () => {
  const forms = [
    'import { z } from "zod";',
    'import type { z } from "zod";',
    'import "zod";',
    'export { z } from "zod";',
    'export * from "zod";',
    'const zod = await import("zod");',
    'type Zod = import("zod").ZodType;',
  ];
  for (const form of forms) assert.deepEqual(firing(form, "runtime/base/a.ts"), ["layers"], form);
});

Deno.test("layers lets allowed imports and exports without a source pass", () => {
  const source = 'import { z } from "zod"; export { z }; export const a = 1;';
  assert.deepEqual(firing(source), []);
});

Deno.test("layers refuses an import whose source is computed, outside tests", () => {
  assert.deepEqual(firing("await import(name);"), ["layers"]);
  assert.deepEqual(firing("await import(name);", "tests/x_test.ts"), []);
});

Deno.test("no-module-state fires on variables and empty collections at the top of sources", () => {
  const states = [
    "let count = 0;",
    "export let count = 0;",
    "var count = 0;",
    "const seen = new Map<string, number>();",
    "export const seen: Set<string> = new Set();",
    "const memory = new WeakMap();",
    "const list: string[] = [];",
  ];
  for (const state of states) assert.ok(firing(state).includes("no-module-state"), state);
});

Deno.test("no-module-state lets constants, inner variables and tests pass", () => {
  const constants = [
    "const a = 1; const names = new Set(['a']); const list = [1];",
    "const none: readonly string[] = []; const empty: ReadonlyMap<string, string> = new Map();",
    "function f() { let count = 0; const seen = new Map(); count++; return seen; }",
    "declare let known: string;",
  ];
  for (const source of constants) assert.deepEqual(firing(source), [], source);
  assert.deepEqual(firing("let count = 0;", "tests/x_test.ts"), []);
  assert.deepEqual(firing("let count = 0;", "runtime/env/real/hash_worker.ts"), []);
});

Deno.test("function-length fires at 71 lines of a function, method or arrow, not at 70", () => {
  const body = (lines: number) => `{\n${"step();\n".repeat(lines - 2)}}`;
  for (const head of ["function f() ", "const f = () => ", "const o = { f() "]) {
    const tail = head.startsWith("const o") ? " };" : ";";
    assert.deepEqual(firing(head + body(71) + tail), ["function-length"], head);
    assert.deepEqual(firing(head + body(70) + tail), [], head);
  }
});
