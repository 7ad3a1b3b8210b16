/** Two ends without a network or a disk: a source of any size, and a sink that keeps nothing. */

import type {
  Fingerprint,
  Sink,
  SinkFile,
  Source,
  TransferProtocol,
} from "../../protocols/contract.ts";

const NO_FINGERPRINT: Fingerprint = { size: null, mtimeMs: null, etag: null, version: null };

/** `generated:BYTES` delivers so many bytes of a repeated pattern. */
export function generatedProtocol(): TransferProtocol {
  return {
    name: "generated",
    schemes: ["generated"],
    source: (endpoint) => generatedSource(Number(endpoint.uri.split(":")[1])),
  };
}

function generatedSource(size: number): Source {
  const fingerprint = { ...NO_FINGERPRINT, size, etag: "generated" };
  const facts = { fingerprint, ranges: true, mode: null, sha256: null };
  const pattern = Uint8Array.from({ length: 65_537 }, (_, i) => (i * 31) & 0xff);
  return {
    capabilities: {
      ranges: true,
      parallelRanges: true,
      serverHash: false,
      mtime: false,
      permissions: false,
    },
    stat: () => Promise.resolve(facts),
    open: ({ start, end }) => {
      let at = start;
      return Promise.resolve({
        facts,
        read: (into) => {
          const length = Math.min(into.length, (end ?? size) - at, pattern.length);
          into.set(pattern.subarray(0, length));
          at += length;
          return Promise.resolve(length);
        },
        confirm: () => Promise.resolve(fingerprint),
        close: () => Promise.resolve(),
      });
    },
    close: () => Promise.resolve(),
  };
}

/** `discard:NAME` takes everything and keeps the size. */
export function discardProtocol(): TransferProtocol {
  return { name: "discard", schemes: ["discard"], sink: () => discardSink() };
}

function discardSink(): Sink {
  const published = { size: 0, mtimeMs: null, fileId: null };
  return {
    capabilities: {
      fence: "seize",
      resume: false,
      randomWrites: true,
      renameNoReplace: true,
      durableSync: false,
      fileId: false,
      readBack: false,
      mtime: false,
      permissions: false,
    },
    name: "discarded",
    stat: () => Promise.resolve(null),
    hash: () => Promise.resolve(null),
    create: (temp) => Promise.resolve(discardFile(temp)),
    reopen: () => Promise.resolve(null),
    publish: () => Promise.resolve(published),
    seize: () => Promise.resolve(false),
    abort: () => Promise.resolve(),
    probe: () => Promise.resolve("unpublished" as const),
    close: () => Promise.resolve(),
  };
}

function discardFile(temp: string): SinkFile {
  let size = 0;
  return {
    temp,
    fileId: null,
    size: () => Promise.resolve(size),
    write: (bytes, at) => {
      size = Math.max(size, at + bytes.length);
      return Promise.resolve();
    },
    read: () => Promise.resolve(0),
    truncate: () => Promise.resolve(),
    sync: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
