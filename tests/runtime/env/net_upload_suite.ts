/** What every network does with a body that is made while it is sent. */

import assert from "node:assert/strict";
import type { NetErrorCode, NetRequest, NetUpload } from "../../../runtime/env/env.ts";
import { NetError } from "../../../runtime/env/errors.ts";
import type { SimHandler } from "../../../runtime/sim/hosts.ts";
import { wholeOf } from "../../../runtime/sim/http_server.ts";
import { patterned, sha256 } from "../../conformance/case.ts";
import { type Side, type Subject, suiteTest } from "./subject.ts";

/** Brings a handler to where the subject's requests find it. */
export type Serve = (
  subject: Subject,
  handler: SimHandler,
) => { readonly url: string; close(): Promise<void> };

/** More than the buffers of every connection hold together. */
const HELD_MAX_BYTES = 24 * 2 ** 20;

/** Delivers `bytes` in pieces of odd sizes, and counts what was asked for. */
class Pieces implements NetUpload {
  readonly length: number | null;
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array, length: number | null) {
    this.#bytes = bytes;
    this.length = length;
  }

  read(into: Uint8Array): Promise<number> {
    const part = this.#bytes.subarray(this.at, this.at + Math.min(into.length, 7_001));
    into.set(part);
    this.at += part.length;
    return Promise.resolve(part.length);
  }
}

function put(url: string, body: NetUpload, more: Partial<NetRequest> = {}): NetRequest {
  const { signal } = new AbortController();
  return { method: "PUT", url, headers: {}, body, signal, ...more };
}

function failsWith(code: NetErrorCode, cause?: unknown): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NetError, String(error));
    assert.equal(error.code, code, error.message);
    if (cause !== undefined) assert.equal(error.cause, cause);
    return true;
  };
}

const NOTHING: SimHandler = () => ({ status: 500 });

type Test = (
  name: string,
  handler: SimHandler,
  body: (subject: Subject, url: string) => Promise<void>,
) => void;

/** Registers the suite for a side. */
export function netUploadSuite(side: Side, serve: Serve): void {
  const test: Test = (name, handler, body) =>
    suiteTest(side, name, async (subject) => {
      const server = serve(subject, handler);
      try {
        await body(subject, server.url);
      } finally {
        await server.close();
      }
    });
  testArriving(test);
  testAnswers(test);
  testBreakingOff(test);
}

function testArriving(test: Test): void {
  let seen: { headers: Readonly<Record<string, string>>; sha256: string; length: number | null };
  const remember: SimHandler = async ({ headers, body }) => {
    assert.ok(body !== undefined);
    const length = body instanceof Uint8Array ? body.length : body.length;
    seen = { headers, length, sha256: sha256(await wholeOf(body)) };
    return { status: 201 };
  };

  test("a body of known length is announced, and arrives", remember, async ({ env }, url) => {
    const bytes = patterned(1_000_003);
    const response = await env.net.request(put(url, new Pieces(bytes, bytes.length)));
    assert.equal(response.status, 201);
    await response.body.cancel();
    assert.equal(seen.length, bytes.length);
    assert.equal(seen.headers["transfer-encoding"], undefined);
    assert.equal(seen.sha256, sha256(bytes));
  });

  test("a body of unknown length arrives whole", remember, async ({ env }, url) => {
    for (const size of [1_000_003, 1, 0]) {
      const bytes = patterned(size);
      const response = await env.net.request(put(url, new Pieces(bytes, null)));
      await response.body.cancel();
      assert.equal(seen.length, null);
      assert.equal(seen.sha256, sha256(bytes));
    }
  });

  test("an empty body of known length is one of no bytes", remember, async ({ env }, url) => {
    const response = await env.net.request(put(url, new Pieces(patterned(0), 0)));
    await response.body.cancel();
    assert.equal(seen.sha256, sha256(patterned(0)));
  });

  test(
    "a body is not asked for when its request was aborted before",
    NOTHING,
    async ({ env }, url) => {
      const upload = new Pieces(patterned(10), 10);
      const signal = AbortSignal.abort(new Error("no longer wanted"));
      await assert.rejects(env.net.request(put(url, upload, { signal })), failsWith("aborted"));
      assert.equal(upload.at, 0);
    },
  );
}

function testAnswers(test: Test): void {
  const early: SimHandler = async ({ body }) => {
    assert.ok(body !== undefined && !(body instanceof Uint8Array));
    await body.read(new Uint8Array(100));
    return { status: 413, body: new TextEncoder().encode("too much") };
  };
  test(
    "an answer that comes before the body was sent is told at once, and nothing more is asked for",
    early,
    async ({ env }, url) => {
      const bytes = patterned(2 * HELD_MAX_BYTES);
      for (const length of [bytes.length, null]) {
        const upload = new Pieces(bytes, length);
        const response = await env.net.request(put(url, upload));
        assert.equal(response.status, 413);
        const into = new Uint8Array(100);
        const count = await response.body.read(into);
        assert.equal(new TextDecoder().decode(into.subarray(0, count)), "too much");
        await response.body.cancel();
        assert.ok(upload.at <= HELD_MAX_BYTES, `${upload.at} bytes were asked for`);
      }
    },
  );
}

function testBreakingOff(test: Test): void {
  let beginning = Promise.withResolvers<void>();
  let ending = Promise.withResolvers<string>();
  const watch: SimHandler = async ({ body }) => {
    assert.ok(body !== undefined && !(body instanceof Uint8Array));
    try {
      await body.read(new Uint8Array(1));
      beginning.resolve();
      await wholeOf(body);
      ending.resolve("it ended");
    } catch {
      ending.resolve("it broke off");
    }
    return { status: 201 };
  };
  test("a body whose making fails never ends at the server", watch, async ({ env }, url) => {
    for (const length of [100_000, null]) {
      [beginning, ending] = [Promise.withResolvers(), Promise.withResolvers()];
      const why = new Error("the disk is gone");
      let count = 0;
      const upload = {
        length,
        read: async (into: Uint8Array) => {
          if (count++ < 3) return Math.min(into.length, 10);
          await beginning.promise;
          throw why;
        },
      };
      await assert.rejects(env.net.request(put(url, upload)), failsWith("aborted", why));
      assert.equal(await ending.promise, "it broke off");
    }
  });

  test("a body shorter than announced is an error on both sides", watch, async ({ env }, url) => {
    [beginning, ending] = [Promise.withResolvers(), Promise.withResolvers()];
    const pieces = new Pieces(patterned(999), 1_000);
    const upload = {
      length: 1_000,
      read: async (into: Uint8Array) => {
        if (pieces.at === 999) await beginning.promise;
        return await pieces.read(into);
      },
    };
    await assert.rejects(env.net.request(put(url, upload)), failsWith("protocol"));
    assert.equal(await ending.promise, "it broke off");
  });

  test("an abort ends a request whose body is waited for", watch, async ({ env }, url) => {
    for (const length of [100_000, null]) {
      [beginning, ending] = [Promise.withResolvers(), Promise.withResolvers()];
      const abort = new AbortController();
      let count = 0;
      const upload = {
        length,
        read: () => count++ < 3 ? Promise.resolve(10) : new Promise<number>(() => {}),
      };
      const { signal } = abort;
      const sent = env.net.request(put(url, upload, { signal }));
      await beginning.promise;
      abort.abort(new Error("enough"));
      await assert.rejects(sent, failsWith("aborted", signal.reason));
    }
  });
}
