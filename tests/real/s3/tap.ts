/** A way to a server through which every request shows as it is sent. */

/** What went through. */
export interface Tap {
  readonly port: number;
  /** `PUT /bucket/key?query`, in order. */
  readonly requests: string[];
  close(): Promise<void>;
}

const HEAD = /(GET|HEAD|PUT|POST|DELETE) (\/\S*) HTTP\/1\.1\r\n/g;
/** A request line may be cut by the end of what was read. */
const CARRIED_CHARACTERS = 2_048;

/** Passes connections on to `port`; `seen` is called for each request as it is sent. */
export function tap(port: number, seen: (request: string, count: number) => void): Tap {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requests: string[] = [];
  const running = new Set<Promise<void>>();
  const open = new Set<Deno.Conn>();
  const track = (work: Promise<void>) => {
    const tracked = work.catch(() => {}).finally(() => running.delete(tracked));
    running.add(tracked);
  };
  const note = (request: string) => seen(request, requests.push(request));
  track((async () => {
    for await (const client of listener) {
      track(passOn(client, port, open, note));
    }
  })());
  return {
    port: listener.addr.port,
    requests,
    close: async () => {
      listener.close();
      for (const connection of open) closeQuietly(connection);
      while (running.size > 0) await Promise.all(running);
    },
  };
}

async function passOn(
  client: Deno.Conn,
  port: number,
  open: Set<Deno.Conn>,
  note: (request: string) => void,
): Promise<void> {
  open.add(client);
  try {
    const server = await Deno.connect({ hostname: "127.0.0.1", port });
    open.add(server);
    try {
      const back = copy(server, client, () => {});
      await copy(client, server, lines(note));
      await back;
    } finally {
      open.delete(server);
      closeQuietly(server);
    }
  } finally {
    open.delete(client);
    closeQuietly(client);
  }
}

function lines(note: (request: string) => void): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder("latin1");
  let carried = "";
  return (bytes) => {
    const text = carried + decoder.decode(bytes);
    let end = 0;
    for (const match of text.matchAll(HEAD)) {
      note(`${match[1]} ${match[2]}`);
      end = match.index + match[0].length;
    }
    carried = text.slice(Math.max(end, text.length - CARRIED_CHARACTERS));
  };
}

async function copy(
  from: Deno.Conn,
  to: Deno.Conn,
  seen: (bytes: Uint8Array) => void,
): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) return;
      const bytes = buffer.subarray(0, count);
      seen(bytes);
      for (let at = 0; at < count;) at += await to.write(bytes.subarray(at));
    }
  } catch {
    // One side has gone: so does the other.
  } finally {
    closeQuietly(to);
  }
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed by the other side's end.
  }
}
