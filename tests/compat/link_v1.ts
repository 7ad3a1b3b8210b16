/** What the frozen frames of `link_v1/` hold. */

import { fragments } from "../../runtime/remote/fragments.ts";
import { encodeHandshake, encodePack, packBody, packRecord, recordHead } from "../../runtime/remote/frames.ts";
import type { Lane, WireRecord } from "../../runtime/remote/wire.ts";

/** Records of one lane, and the names of the file that holds them as one frame. */
export interface PackSample {
  readonly file: string;
  readonly lane: Lane;
  readonly records: readonly WireRecord[];
}

const counts = { consensus: 3, message: 1_000, bulk: 0 };
const error = { code: "NoSuchActor", message: "reach job/42: nobody there", retryable: false };

/** One frame of each lane, with every kind of record and every tag of the codec. */
export const PACKS: readonly PackSample[] = [
  {
    file: "pack_control.hex",
    lane: "control",
    records: [
      { c: "resume", sent: counts, pending: [], systemReceived: 0 },
      { c: "ping", n: 1 },
      { c: "pong", n: 1 },
      { c: "credit", processed: [{ lane: "message", to: "job/42", messages: 250, bytes: 65_536 }] },
      { c: "cancel", id: 7 },
      { c: "system", seq: 1, body: { do: "watch", watch: 5, path: "job/42" } },
      { c: "system", seq: 2, body: { do: "unwatch", watch: 5 } },
      {
        c: "system",
        seq: 3,
        body: { do: "ended", watch: 6, reason: "failed", error, after: counts },
      },
      { c: "acknowledge", seq: 3 },
      { c: "confirm", producer: "agent-1", seq: 12 },
      { c: "bulk" },
      { c: "bye", reason: "stopped" },
    ],
  },
  {
    file: "pack_reply.hex",
    lane: "reply",
    records: [
      { re: 1, body: { done: 3, total: 8 } },
      { re: 2, body: undefined },
      { re: 3, error: { ...error, definite: true } },
    ],
  },
  {
    file: "pack_consensus.hex",
    lane: "consensus",
    records: [{ v: 1, type: "quorus.raft/append", to: "raft/main", body: { term: 4, index: 90 } }],
  },
  {
    file: "pack_message.hex",
    lane: "message",
    records: [
      { v: 1, type: "quorus.job/start", to: "job/42", body: { from: "http://a/ü/€/😀" } },
      {
        v: 2,
        type: "quorus.job/status",
        to: "job/42",
        from: "quorus://node-a/client",
        id: 7,
        budgetMs: 1_500.5,
        trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        body: {},
      },
      {
        v: 1,
        type: "quorus.job/progress",
        to: "job/42",
        producer: "agent-1",
        seq: 12,
        body: [null, true, false, -1.5e-7, 'line\n"quoted"\u0000\u2028'],
      },
    ],
  },
  {
    file: "pack_tagged.hex",
    lane: "message",
    records: [
      {
        v: 1,
        type: "test.codec/all",
        to: "sink",
        body: {
          bytes: Uint8Array.of(0, 1, 254, 255),
          empty: new Uint8Array(),
          big: [0n, 255n, -(2n ** 70n)],
          gone: undefined,
          numbers: [NaN, Infinity, -Infinity, -0],
          dates: [new Date(0), new Date(-1), new Date(NaN)],
          map: new Map<unknown, unknown>([["k", Uint8Array.of(7)], [1, new Map()]]),
          set: new Set(["a", 2]),
          bare: Object.assign(Object.create(null), { inside: 1 }),
          dollar: { $: "bytes", v: 3 },
          proto: JSON.parse('{"__proto__":{"admin":true}}'),
          lone: "\ud800",
        },
      },
      { v: 1, type: "test.codec/root", to: "sink", body: Uint8Array.of(9, 8, 7) },
    ],
  },
  {
    file: "pack_bulk.hex",
    lane: "bulk",
    records: [
      {
        v: 1,
        type: "quorus.stream/chunk",
        to: "job/42/in",
        body: {
          offset: 8_388_608,
          chunk: Uint8Array.from({ length: 64 }, (_, index) => index * 3),
        },
      },
    ],
  },
];

/** Records that share a head in `pack_shared.hex`: the second and the third go without it. */
export const SHARED = {
  file: "pack_shared.hex",
  heads: [
    { v: 1, type: "quorus.job/progress", to: "job/42", from: "quorus://node-a/agent" },
    { v: 1, type: "quorus.job/start", to: "job/43" },
  ],
  records: [
    { head: 0, own: null, body: { done: 1 } },
    { head: 0, own: null, body: { done: 2, note: "ü" } },
    { head: 0, own: { id: 7, budgetMs: 1_500 }, body: null },
    { head: 1, own: null, body: {} },
    { head: 0, own: null, body: { done: 3n } },
  ],
} as const;

/** A handshake message, as `handshake.hex` holds it. */
export const HANDSHAKE = {
  hello: { versions: { min: 1, max: 1 }, node: "node-a", nonce: "00ff", name: "ü" },
};

/** The pack of this file is in fragments of this length in `fragment_N.hex`. */
export const FRAGMENTED = { file: "pack_bulk.hex", maxBytes: 80 } as const;

/** Every frame as this code writes it, by file. */
export function writtenFrames(): Map<string, Uint8Array> {
  const frames = new Map<string, Uint8Array>();
  frames.set("handshake.hex", encodeHandshake(HANDSHAKE));
  for (const { file, lane, records } of PACKS) {
    const frame = encodePack(lane, records.map(packRecord));
    frames.set(file, frame);
    if (file !== FRAGMENTED.file) continue;
    let number = 0;
    for (const fragment of fragments(frame, FRAGMENTED.maxBytes)) {
      frames.set(`fragment_${number += 1}.hex`, fragment);
    }
  }
  const heads = SHARED.heads.map(recordHead);
  const shared = SHARED.records.map(({ head, own, body }) => packBody(heads[head]!, own, body));
  frames.set(SHARED.file, encodePack("message", shared));
  return frames;
}
