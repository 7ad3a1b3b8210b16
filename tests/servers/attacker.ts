/** A server of raw bytes: does the same to every client that comes, and keeps what it was told. */

/** What is done to one client; it goes on until the client has gone. */
export type Attack = (client: {
  write(bytes: Uint8Array | string): Promise<void>;
  /** Resolves once something was said; to all that this client has said since the last time. */
  heard(): Promise<string>;
}) => Promise<void>;

/** A running attacker. */
export interface Attacker {
  readonly port: number;
  /** All that clients have said, as Latin-1. */
  readonly said: () => string;
  /** Bytes that clients have taken. */
  readonly sentBytes: () => number;
  close(): Promise<void>;
}

/** As many bytes as nobody should take. */
export const GIBIBYTE = 1_073_741_824;

const PIECE_BYTES = 65_536;

/** Starts one on a free port of loopback; over TLS where a certificate is given. */
export function startAttacker(
  attack: Attack,
  tls: { readonly cert: string; readonly key: string } | null = null,
): Attacker {
  const place = { hostname: "127.0.0.1", port: 0 };
  const listener = tls === null ? Deno.listen(place) : Deno.listenTls({ ...place, ...tls });
  const open = new Map<Deno.Conn, Promise<void>>();
  const told = { text: "", bytes: 0 };
  const accepting = (async () => {
    while (true) {
      let conn: Deno.Conn;
      try {
        conn = await listener.accept();
      } catch (thrown) {
        if (thrown instanceof Deno.errors.BadResource) return;
        if (thrown instanceof Deno.errors.Interrupted) return;
        continue; // A handshake that failed is its client's affair.
      }
      open.set(conn, attackOne(conn, attack, told).finally(() => closeQuietly(conn)));
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    said: () => told.text,
    sentBytes: () => told.bytes,
    close: async () => {
      listener.close();
      await accepting;
      for (const conn of open.keys()) closeQuietly(conn);
      await Promise.all(open.values());
    },
  };
}

async function attackOne(
  conn: Deno.Conn,
  attack: Attack,
  told: { text: string; bytes: number },
): Promise<void> {
  const buffer = new Uint8Array(PIECE_BYTES);
  const decoder = new TextDecoder("latin1");
  const heard = async () => {
    const count = await conn.read(buffer);
    if (count === null) throw new Deno.errors.ConnectionReset();
    const text = decoder.decode(buffer.subarray(0, count));
    told.text += text;
    return text;
  };
  const write = async (given: Uint8Array | string) => {
    const bytes = typeof given === "string" ? new TextEncoder().encode(given) : given;
    for (let at = 0; at < bytes.length;) {
      const count = await conn.write(bytes.subarray(at));
      at += count;
      told.bytes += count;
    }
  };
  try {
    await attack({ write, heard });
    while (true) await heard();
  } catch {
    // The client has gone.
  }
}

/** The same piece again and again, up to a gibibyte. */
export async function endless(
  write: (bytes: Uint8Array) => Promise<void>,
  text: string,
): Promise<void> {
  const piece = new TextEncoder().encode(text.repeat(Math.ceil(PIECE_BYTES / text.length)));
  for (let sent = 0; sent < GIBIBYTE; sent += piece.length) await write(piece);
}

function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // Closed by the other side.
  }
}
