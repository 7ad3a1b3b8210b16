/** What a failure says: which host, which of the keys, what is missing, and what to do. */

import assert from "node:assert/strict";
import { NetError } from "../../../runtime/env/errors.ts";
import type { SimReply } from "../../../runtime/sim/hosts.ts";
import { failure, NEVER } from "../../conformance/case.ts";
import { paperHarness } from "./paper_harness.ts";
import { failed } from "./paper_server.ts";

Deno.test("failures below HTTP name the host, and what to look at there", async () => {
  const named: readonly [ConstructorParameters<typeof NetError>[0], RegExp][] = [
    ["dns", /the name paper does not resolve; check its spelling/],
    ["refused", /paper refuses the connection/],
    ["reset", /the connection to paper broke/],
    ["tls", /TLS handshake with paper failed; .* that tls\.ca declares/],
    ["blocked", /may not connect to paper; add it to --allow-net/],
  ];
  for (const [code, expected] of named) {
    const harness = paperHarness();
    harness.world.hosts.set("paper", () => {
      throw new NetError(code, "below HTTP");
    });
    await harness.run!(async () => {
      const error = await failure(() => harness.sourceAt("f").stat(NEVER), code);
      assert.match(error.message, expected);
      assert.match(error.message, /s3:\/\/b\/data\/f/);
    });
    await harness.close();
  }
});

Deno.test("refusals say which of the keys is wrong, what is missing, and where the bucket is", async () => {
  const region =
    "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>";
  const answers: readonly [SimReply, RegExp][] = [
    [failed(403, "InvalidAccessKeyId"), /does not know this access key/],
    [failed(403, "SignatureDoesNotMatch"), /secret does not belong to the access key/],
    [failed(403, "AccessDenied"), /known, but not permitted to do that/],
    [failed(400, "ExpiredToken"), /temporary credentials have expired/],
    [failed(404, "NoSuchBucket"), /no such bucket/],
    [failed(400, "InvalidBucketName"), /cannot be the name of a bucket/],
    [
      { status: 400, body: new TextEncoder().encode(region) },
      /another region .* \(it says eu-west-3\)/,
    ],
    [{ status: 403 }, /keys may be wrong, or lack a permission/],
  ];
  for (const [answer, expected] of answers) {
    const harness = paperHarness({ forge: () => answer });
    await harness.run!(async () => {
      const reading = () => harness.sourceAt("f").open({ start: 0, end: null }, null, NEVER);
      assert.match((await failure(reading, "open")).message, expected);
    });
    await harness.close();
  }
});
