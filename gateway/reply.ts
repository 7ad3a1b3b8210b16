/** An answer before it is a `Response`: headers that are added to one of those later cost as much as it. */

/** See the file's comment. */
export class Reply {
  readonly status: number;
  readonly body: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: string | null, headers: Readonly<Record<string, string>>) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }

  /** The response, under the id of its request. */
  response(requestId: string): Response {
    const { status, headers } = this;
    return new Response(this.body, { status, headers: { ...headers, "x-request-id": requestId } });
  }
}
