/** An HTTP server that takes its time over every file: many connections, few bytes. */

const PIECES = 8;

/** See the head of this file. Every path is a file of the same size, sent in pieces over some time. */
export class SlowServer implements AsyncDisposable {
  readonly url: string;
  /** Responses under way at once, at most so far. */
  most = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #open = 0;

  constructor(bytes: number, overMs: number) {
    const answer = (request: Request) => this.#answer(request, bytes, overMs);
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, answer);
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  #answer(request: Request, bytes: number, overMs: number): Response {
    const headers = { "content-length": String(bytes) };
    if (request.method === "HEAD") return new Response(null, { headers });
    this.most = Math.max(this.most, this.#open += 1);
    const piece = new Uint8Array(bytes / PIECES);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await new Promise((resolve) => setTimeout(resolve, overMs / PIECES));
        controller.enqueue(piece);
        if (++sent < PIECES) return;
        this.#open -= 1;
        controller.close();
      },
      cancel: () => {
        this.#open -= 1;
      },
    });
    return new Response(body, { headers });
  }
}
