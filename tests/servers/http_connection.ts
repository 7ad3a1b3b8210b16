/** The least of HTTP/1.1 on a raw socket: full control over every byte that a test server sends. */

/** A request without its body; test servers take none. */
export interface RequestHead {
  readonly method: string;
  /** As it came: path and query, still encoded. */
  readonly target: string;
  /** Decoded, without the query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** One client's connection. */
export interface Connection {
  /** Writes all of it; rejects once the client is gone. */
  write(data: Uint8Array | string): Promise<void>;
  /** Resolves when the client closes its side or the server is closed. */
  gone(): Promise<void>;
}

/** Answers one request; `close` ends the connection. */
export type Handler = (request: RequestHead, connection: Connection) => Promise<"keep" | "close">;

/** A running server. */
export interface RawServer {
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: () => number;
  /** Cuts every connection and resolves when all handlers have settled. */
  close(): Promise<void>;
}

const REQUEST_HEAD_MAX_BYTES = 65_536;

/** Serves every connection of `listener` with `handle`, one request after the other. */
export function serveRaw(listener: Deno.Listener, handle: Handler): RawServer {
  const open = new Map<Deno.Conn, Promise<void>>();
  let accepted = 0;
  const accepting = (async () => {
    while (true) {
      let conn: Deno.Conn;
      try {
        conn = await listener.accept();
      } catch (thrown) {
        if (thrown instanceof Deno.errors.BadResource) return;
        if (thrown instanceof Deno.errors.Interrupted) return;
        continue; // A failed TLS handshake is its client's affair.
      }
      accepted += 1;
      // Head and body are two writes: without this the second waits 40 ms for an acknowledgement.
      if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
      const served = serveOne(conn, handle).finally(() => {
        open.delete(conn);
        closeQuietly(conn);
      });
      open.set(conn, served);
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    accepted: () => accepted,
    async close() {
      closeQuietly(listener);
      await accepting;
      const serving = [...open.values()];
      for (const conn of open.keys()) closeQuietly(conn);
      await Promise.all(serving);
    },
  };
}

function closeQuietly(resource: { close(): void }): void {
  try {
    resource.close();
  } catch {
    // Already closed by the other side or by close().
  }
}

async function serveOne(conn: Deno.Conn, handle: Handler): Promise<void> {
  const input = new HeadReader(conn);
  const connection: Connection = {
    write: (data) => writeAll(conn, data),
    gone: () => input.untilGone(),
  };
  try {
    while (true) {
      const head = await input.next();
      if (head === null || await handle(head, connection) === "close") return;
    }
  } catch (thrown) {
    if (!isDisconnect(thrown)) throw thrown;
  }
}

function isDisconnect(thrown: unknown): boolean {
  return thrown instanceof Deno.errors.BrokenPipe || thrown instanceof Deno.errors.BadResource ||
    thrown instanceof Deno.errors.ConnectionReset ||
    thrown instanceof Deno.errors.ConnectionAborted ||
    thrown instanceof Deno.errors.UnexpectedEof || thrown instanceof Deno.errors.Interrupted ||
    thrown instanceof Deno.errors.InvalidData || thrown instanceof Deno.errors.NotConnected;
}

async function writeAll(conn: Deno.Conn, data: Uint8Array | string): Promise<void> {
  let rest = typeof data === "string" ? new TextEncoder().encode(data) : data;
  while (rest.length > 0) rest = rest.subarray(await conn.write(rest));
}

class HeadReader {
  readonly #chunk = new Uint8Array(16_384);
  #text = "";
  readonly #decoder = new TextDecoder("latin1");

  constructor(private readonly conn: Deno.Conn) {}

  async next(): Promise<RequestHead | null> {
    while (true) {
      const end = this.#text.indexOf("\r\n\r\n");
      if (end >= 0) {
        const head = parseHead(this.#text.slice(0, end));
        this.#text = this.#text.slice(end + 4);
        return head;
      }
      if (this.#text.length > REQUEST_HEAD_MAX_BYTES) return null;
      if (this.#text !== "" && !/^[A-Z]/.test(this.#text)) {
        await writeAll(this.conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        return null;
      }
      const count = await this.conn.read(this.#chunk);
      if (count === null) return null;
      this.#text += this.#decoder.decode(this.#chunk.subarray(0, count));
    }
  }

  async untilGone(): Promise<void> {
    try {
      while (await this.conn.read(this.#chunk) !== null);
    } catch (thrown) {
      if (!isDisconnect(thrown)) throw thrown;
    }
  }
}

function parseHead(text: string): RequestHead {
  const [line = "", ...fields] = text.split("\r\n");
  const [method = "", target = ""] = line.split(" ");
  const headers = new Map<string, string>();
  for (const field of fields) {
    const colon = field.indexOf(":");
    headers.set(field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim());
  }
  return { method, target, path: decodeURIComponent(target.split("?")[0] ?? ""), headers };
}
