/** An https server that lets nobody in without a client certificate of the tests' authority. */

import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { identity, pem } from "./tls_files.ts";

/** A running server; every path answers with the common name of the client. */
export interface ClientCertificateServer {
  readonly origin: string;
  close(): Promise<void>;
}

/** On node:https, since neither Deno.serve nor Deno.listenTls can ask for a client certificate. */
export async function startClientCertificateServer(): Promise<ClientCertificateServer> {
  const server = createServer(
    { ...identity("server"), ca: pem("ca"), requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      const socket = request.socket as unknown as {
        getPeerCertificate(): { subject?: { CN?: string } };
      };
      const body = socket.getPeerCertificate().subject?.CN ?? "nobody";
      response.writeHead(200, { "Content-Length": body.length });
      response.end(body);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `https://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
