/** Signing in by the files that Google's tools keep. */

import assert from "node:assert/strict";
import { createVerify, generateKeyPairSync } from "node:crypto";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { Credentials } from "../../../protocols/credentials.ts";
import { assertFails, NEVER, patterned } from "../../conformance/case.ts";
import { type PaperHarness, paperHarness } from "./harness.ts";
import { failed } from "./paper_server.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PEM = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
const SECRET_LINE = PEM.split("\n")[3]!;

async function withFile(
  content: (harness: PaperHarness) => unknown,
  body: (harness: PaperHarness, path: string) => Promise<void>,
  variable = false,
): Promise<void> {
  const path = await Deno.makeTempFile();
  const harness = paperHarness({}, variable ? { GOOGLE_APPLICATION_CREDENTIALS: path } : {});
  try {
    await Deno.writeTextFile(path, JSON.stringify(content(harness)));
    harness.bucket.put("data/f", patterned(10));
    await body(harness, path);
  } finally {
    await harness.close();
    await Deno.remove(path);
  }
}

const account = ({ bucket }: PaperHarness) => ({
  type: "service_account",
  client_email: "robot@project.iam.gserviceaccount.com",
  private_key_id: "key-1",
  private_key: PEM,
  token_uri: `${bucket.endpoint}/token`,
});

function statAs(harness: PaperHarness, auth: Credentials) {
  return harness.protocol.source!({
    ...plainEndpoint(harness.source!.uri("f")),
    ...harness.endpoint,
    auth,
  }, harness.context).stat(NEVER);
}

Deno.test("a service account signs an assertion that its public key verifies, and uses the token again", () =>
  withFile(account, async (harness, path) => {
    const auth = { type: "profile", file: path } as const;
    await Promise.all([statAs(harness, auth), statAs(harness, auth)]);
    await statAs(harness, auth);
    assert.equal(harness.bucket.signIns.length, 1);
    const [form] = harness.bucket.signIns;
    assert.equal(form!.get("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    const [head = "", claims = "", signature = ""] = form!.get("assertion")!.split(".");
    const decoded = (part: string) => JSON.parse(atob(part.replace(/-/g, "+").replace(/_/g, "/")));
    assert.deepEqual(decoded(head), { alg: "RS256", typ: "JWT", kid: "key-1" });
    const { iss, aud, iat, exp, scope } = decoded(claims);
    assert.equal(iss, "robot@project.iam.gserviceaccount.com");
    assert.equal(aud, `${harness.bucket.endpoint}/token`);
    assert.equal(exp - iat, 3_600);
    assert.match(scope, /devstorage\.read_write$/);
    const verifier = createVerify("RSA-SHA256").update(`${head}.${claims}`);
    assert.ok(verifier.verify(publicKey, signature, "base64url"));
  }));

Deno.test("the environment names the file, and a user's own login is one too", () =>
  withFile(({ bucket }) => ({
    type: "authorized_user",
    client_id: "id",
    client_secret: "secret",
    refresh_token: "refresh",
    token_uri: `${bucket.endpoint}/token`,
  }), async (harness) => {
    assert.equal((await statAs(harness, { type: "environment" })).fingerprint.size, 10);
    assert.equal(harness.bucket.signIns[0]!.get("refresh_token"), "refresh");
  }, true));

Deno.test("without a file that is named there is nobody to ask as", async () => {
  const harness = paperHarness();
  const error = await assertFails(
    () => statAs(harness, { type: "environment" }),
    "unauthenticated",
    "no variable",
  );
  assert.match(error.message, /GOOGLE_APPLICATION_CREDENTIALS/);
  await harness.close();
});

const UNUSABLE: readonly [string, (harness: PaperHarness) => unknown, string][] = [
  ["is no account", () => ({ type: "external_account", private_key: PEM }), "unauthenticated"],
  ["is no object", () => 7, "unauthenticated"],
  ["holds no usable key", (harness) => ({
    ...account(harness),
    private_key: `-----BEGIN PRIVATE KEY-----\n${SECRET_LINE}\n-----END PRIVATE KEY-----\n`,
  }), "unauthenticated"],
  ["sends the assertion in the clear", (harness) => ({
    ...account(harness),
    token_uri: "http://example.com/token",
  }), "insecure"],
  [
    "sends it to a file",
    (harness) => ({ ...account(harness), token_uri: "file:///etc" }),
    "insecure",
  ],
];

for (const [what, content, code] of UNUSABLE) {
  Deno.test(`gs: a file of credentials that ${what} is ${code}, and nothing of it is shown`, () =>
    withFile(content, async (harness, path) => {
      const error = await statAs(harness, { type: "profile", file: path }).catch((e: unknown) => e);
      assert.equal((error as { code?: string }).code, code);
      assert.ok(!Deno.inspect(error, { depth: 10 }).includes(SECRET_LINE));
      assert.equal(harness.bucket.signIns.length, 0);
    }));
}

Deno.test("a refused sign-in is unauthenticated, and the next one asks again", () =>
  withFile(account, async (harness, path) => {
    const auth = { type: "profile", file: path } as const;
    harness.bucket.forge = (_, url) => url.pathname === "/token" ? failed(400) : null;
    const error = await assertFails(() => statAs(harness, auth), "unauthenticated", "refused");
    assert.ok(!error.retryable);
    harness.bucket.forge = () => null;
    assert.equal((await statAs(harness, auth)).fingerprint.size, 10);
  }));
