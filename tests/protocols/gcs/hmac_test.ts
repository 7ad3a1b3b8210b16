/** HMAC keys: the dialect of S3 under URIs of Google's store, on the paper server of S3. */

import assert from "node:assert/strict";
import { gcsProtocol } from "../../../protocols/gcs/protocol.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { conformance } from "../../conformance/suite.ts";
import type { Harness } from "../../conformance/harness.ts";
import { AUTH, paperHarness } from "../s3/paper_harness.ts";

function hmacHarness(): Promise<Harness> {
  const s3 = paperHarness();
  const { source, sink, directory } = s3;
  const protocol = gcsProtocol();
  const endpoint = { auth: AUTH, options: { endpoint: "https://paper" } };
  const gs = <Place extends { uri(name: string): string }>(place: Place) => ({
    ...place,
    uri: (name: string) => place.uri(name).replace(/^s3:/, "gs:"),
    endpoint,
  });
  return Promise.resolve({
    ...s3,
    protocol,
    source: gs(source!),
    sink: gs(sink!),
    directory: gs(directory!),
    close: async () => {
      await s3.world.complete(protocol.close!());
      await s3.close();
    },
  });
}

conformance("gcs with HMAC keys on paper", hmacHarness);

Deno.test("gs: what HMAC keys cannot be used with is refused, and the key is not shown", () => {
  const protocol = gcsProtocol();
  const endpoint = { ...plainEndpoint("gs://b/x"), auth: AUTH, options: { kmsKey: "k" } };
  const { env } = paperHarness();
  assert.throws(() => protocol.source!(endpoint, { env }), (thrown: Error & { code?: string }) => {
    assert.equal(thrown.code, "badEndpoint");
    assert.ok(!thrown.message.includes(AUTH.secretAccessKey));
    return true;
  });
});
