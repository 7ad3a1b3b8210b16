/** One way to stand between a job and any protocol: every call of the contract through one function. */

import type {
  Endpoint,
  ServerCopy,
  Sink,
  SinkEndpoint,
  SinkFile,
  Source,
  SourceEndpoint,
  SourceReader,
  TransferProtocol,
} from "../contract.ts";
import type { Directory, EntryPage } from "../directory.ts";
import { assert } from "../../runtime/base/assert.ts";

/** One call on its way to a protocol. */
export interface InterceptedCall {
  readonly side: "source" | "sink" | "directory";
  readonly operation:
    | keyof Source
    | keyof SourceReader
    | keyof Sink
    | keyof SinkFile
    | keyof Directory;
  /** Of the endpoint, as it was given: it may hold credentials. */
  readonly uri: string;
  /** The temporary or final name that the call is about. */
  readonly name: string | null;
  /** Bytes that a write carries. */
  readonly bytes: number | null;
  readonly signal: AbortSignal | null;
  /** The same object for the opening, the calls and the closing of one reader or file. */
  readonly handle: object | null;
}

/** What stands between. */
export interface Interceptor {
  /** Runs `go`, before, after or not at all. */
  around<T>(call: InterceptedCall, go: () => Promise<T>): Promise<T>;
  /** Reads are cut to at most this. */
  readonly readMaxBytes?: number;
}

/** `protocol` with `interceptor` around every call. */
export function intercepted(
  protocol: TransferProtocol,
  interceptor: Interceptor,
): TransferProtocol {
  const { credentials, description, source, sink, directory, close } = protocol;
  return {
    name: protocol.name,
    schemes: protocol.schemes,
    ...(credentials === undefined ? {} : { credentials }),
    ...(description === undefined ? {} : { description }),
    ...(close === undefined ? {} : { close: () => close.call(protocol) }),
    ...(source === undefined ? {} : {
      source: (endpoint, context) =>
        interceptedSource(source.call(protocol, endpoint, context), endpoint, interceptor),
    }),
    ...(sink === undefined ? {} : {
      sink: (endpoint, context) =>
        interceptedSink(sink.call(protocol, endpoint, context), endpoint, interceptor),
    }),
    ...(directory === undefined ? {} : {
      directory: (endpoint, context) =>
        interceptedDirectory(directory.call(protocol, endpoint, context), endpoint, interceptor),
    }),
  };
}

function interceptedSource(
  inner: Source,
  { uri }: SourceEndpoint,
  interceptor: Interceptor,
): Source {
  const base = {
    side: "source",
    uri,
    name: null,
    bytes: null,
    signal: null,
    handle: null,
  } as const;
  return {
    capabilities: inner.capabilities,
    stat: (signal) =>
      interceptor.around({ ...base, operation: "stat", signal }, () => inner.stat(signal)),
    open: (range, expected, signal) => {
      const call = { ...base, signal, handle: {} };
      return interceptor.around({ ...call, operation: "open" }, async () => {
        const reader = await inner.open(range, expected, signal);
        return interceptedReader(reader, call, interceptor);
      });
    },
    close: () => interceptor.around({ ...base, operation: "close" }, () => inner.close()),
  };
}

function interceptedReader(
  inner: SourceReader,
  base: Omit<InterceptedCall, "operation">,
  interceptor: Interceptor,
): SourceReader {
  const most = interceptor.readMaxBytes ?? Infinity;
  return {
    facts: inner.facts,
    read: (into) =>
      interceptor.around(
        { ...base, operation: "read" },
        () => inner.read(into.length > most ? into.subarray(0, most) : into),
      ),
    confirm: () => interceptor.around({ ...base, operation: "confirm" }, () => inner.confirm()),
    close: () => interceptor.around({ ...base, operation: "close" }, () => inner.close()),
  };
}

function interceptedSink(inner: Sink, { uri }: SinkEndpoint, interceptor: Interceptor): Sink {
  const base = { side: "sink", uri, name: null, bytes: null, signal: null, handle: null } as const;
  const on = (
    operation: InterceptedCall["operation"],
    name: string | null,
    signal: AbortSignal | null = null,
    handle: object | null = null,
  ): InterceptedCall => ({ ...base, operation, name, signal, handle });
  const around = interceptor.around.bind(interceptor);
  return {
    capabilities: inner.capabilities,
    name: inner.name,
    stat: (name, signal) => around(on("stat", name, signal), () => inner.stat(name, signal)),
    hash: (name, signal) => around(on("hash", name, signal), () => inner.hash(name, signal)),
    create: (temp, signal, size = null, name = inner.name) => {
      const handle = {};
      return around(on("create", temp, signal, handle), async () => {
        return new InterceptedFile(
          await inner.create(temp, signal, size, name),
          on("write", temp, null, handle),
          interceptor,
        );
      });
    },
    reopen: (temp, signal) => {
      const handle = {};
      return around(on("reopen", temp, signal, handle), async () => {
        const file = await inner.reopen(temp, signal);
        return file && new InterceptedFile(file, on("write", temp, null, handle), interceptor);
      });
    },
    publish: (file, options) => {
      assert(file instanceof InterceptedFile, "publish() takes a file that this sink opened");
      return around(
        on("publish", file.temp, null, file.handle),
        () => inner.publish(file.inner, options),
      );
    },
    seize: (temp, to) => around(on("seize", temp), () => inner.seize(temp, to)),
    abort: (temp) => around(on("abort", temp), () => inner.abort(temp)),
    probe: (temp, expected) => around(on("probe", temp), () => inner.probe(temp, expected)),
    ...(inner.serverCopy === undefined ? {} : {
      serverCopy: (source) => {
        const way = inner.serverCopy!(source);
        return "whyNot" in way ? way : interceptedCopy(way, on("serverCopy", null), interceptor);
      },
    }),
    ...(inner.freeBytes === undefined ? {} : {
      freeBytes: (signal) => around(on("freeBytes", null, signal), () => inner.freeBytes!(signal)),
    }),
    close: () => around(on("close", null), () => inner.close()),
  };
}

/** Its bytes are none that pass here. */
function interceptedCopy(
  inner: ServerCopy,
  base: InterceptedCall,
  interceptor: Interceptor,
): ServerCopy {
  return {
    leastBytes: inner.leastBytes,
    resumes: inner.resumes,
    copy: (file, order) => {
      assert(file instanceof InterceptedFile, "copy() takes a file that this sink opened");
      const { temp, handle } = file;
      const call = { ...base, name: temp, handle, signal: order.signal };
      return interceptor.around(call, () => inner.copy(file.inner, order));
    },
  };
}

function interceptedDirectory(
  inner: Directory,
  { uri }: Endpoint,
  interceptor: Interceptor,
): Directory {
  const around = <T>(
    operation: keyof Directory,
    name: string | null,
    signal: AbortSignal | null,
    go: () => Promise<T>,
  ) => {
    const call = { side: "directory", operation, uri, name, signal } as const;
    return interceptor.around({ ...call, bytes: null, handle: null }, go);
  };
  return {
    capabilities: inner.capabilities,
    uriOf: (name) => inner.uriOf(name),
    async *list(signal) {
      const pages = inner.list(signal)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const page: IteratorResult<EntryPage> = await around(
            "list",
            null,
            signal,
            () => pages.next(),
          );
          if (page.done === true) return;
          yield page.value;
        }
      } finally {
        await pages.return?.();
      }
    },
    stat: (name, signal) => around("stat", name, signal, () => inner.stat(name, signal)),
    remove: (name, expected, signal) =>
      around("remove", name, signal, () => inner.remove(name, expected, signal)),
    rename: (name, to, options, signal) =>
      around("rename", name, signal, () => inner.rename(name, to, options, signal)),
    makeDirectory: (name, signal) =>
      around("makeDirectory", name, signal, () => inner.makeDirectory(name, signal)),
    close: () => around("close", null, null, () => inner.close()),
  };
}

class InterceptedFile implements SinkFile {
  readonly temp: string;
  readonly fileId: string | null;
  /** What the inner sink opened, and takes back when it publishes. */
  readonly inner: SinkFile;
  readonly handle: object | null;
  readonly #base: InterceptedCall;
  readonly #interceptor: Interceptor;

  constructor(inner: SinkFile, base: InterceptedCall, interceptor: Interceptor) {
    this.temp = inner.temp;
    this.fileId = inner.fileId;
    this.inner = inner;
    this.handle = base.handle;
    this.#base = base;
    this.#interceptor = interceptor;
  }

  get boundTo(): string | null {
    return this.inner.boundTo ?? null;
  }

  size(): Promise<number> {
    return this.#around("size", () => this.inner.size());
  }

  write(bytes: Uint8Array, at: number): Promise<void> {
    return this.#around("write", () => this.inner.write(bytes, at), bytes.length);
  }

  read(into: Uint8Array, at: number): Promise<number> {
    return this.#around("read", () => this.inner.read(into, at));
  }

  truncate(size: number): Promise<void> {
    return this.#around("truncate", () => this.inner.truncate(size));
  }

  sync(): Promise<void> {
    return this.#around("sync", () => this.inner.sync());
  }

  close(): Promise<void> {
    return this.#around("close", () => this.inner.close());
  }

  #around<T>(
    operation: keyof SinkFile,
    go: () => Promise<T>,
    bytes: number | null = null,
  ): Promise<T> {
    return this.#interceptor.around({ ...this.#base, operation, bytes }, go);
  }
}
